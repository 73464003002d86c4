"""Sessions of one person: in several places, in several businesses, seen through the API."""

import uuid
from typing import Any

from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from mbs.foundation.db import Role
from mbs.foundation.scope import TenantId
from mbs.tenants.repository import MembershipRepository
from tests.factories.browsers import Browser
from tests.factories.callers import PASSWORD, Business, Caller, signed_in


def data(response: TestResponse) -> list[dict[str, Any]]:
    """Return the rows of a list."""
    assert response.status_code == 200, response.get_data(as_text=True)
    listed: list[dict[str, Any]] = (response.json or {})["data"]
    return listed


def sessions(caller: Any) -> list[dict[str, Any]]:
    """Return the caller's own sessions."""
    return data(caller.get("/api/auth/sessions"))


def current(caller: Any) -> str:
    """Return the id of the caller's present session."""
    (found,) = [str(one["id"]) for one in sessions(caller) if one["current"]]
    return found


def is_signed_in(caller: Any) -> bool:
    status = caller.get("/api/auth/me").status_code
    assert status in (200, 401)
    return bool(status == 200)


def again(person: Business, *, to: Business | None = None) -> Business:
    """Sign a person in once more, in this business or another of theirs."""
    tenant_id = (to or person).tenant_id
    response = Caller(person.app).post(
        "/api/auth/login", {"email": person.email, "password": PASSWORD, "tenantId": str(tenant_id)}
    )
    return signed_in(person.app, person.email, response)


def browser_of(person: Business) -> Browser:
    """Sign a person in once more, in a browser, in this business."""
    browser = Browser(person.app)
    response = browser.log_in(person.email, tenantId=str(person.tenant_id))
    assert response.status_code == 200, response.get_data(as_text=True)
    return browser


def join(person: Business, business: Business, role: str) -> uuid.UUID:
    """Make a person a member of another business; return the membership's id."""
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        transaction.enter_tenant(TenantId(business.tenant_id), actor_id=person.user_id)
        row = MembershipRepository(transaction).add({"id": uuid7(), "user_id": person.user_id, "role": role})
        return uuid.UUID(str(row.id))


def membership(person: Business) -> uuid.UUID:
    """Return the id of a person's membership in the business they are signed in to."""
    with person.database.transaction(person.scope) as transaction:
        members = MembershipRepository(transaction)
        rows = transaction.execute(members.select()).all()
        return uuid.UUID(str(next(row.id for row in rows if row.user_id == person.user_id)))
