"""An object of a business for each id that a path of the API can name."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from uuid_utils.compat import uuid7

from mbs.foundation.db import Role
from mbs.foundation.keys import email_key
from mbs.foundation.sealing import digest
from mbs.invitations.repository import InvitationRepository
from mbs.sso.models import ProviderIdentity
from mbs.sso.repository import IdentityRepository
from tests.factories.callers import Business
from tests.factories.members import new_member, sign_in
from tests.factories.teams import member_of

NOWHERE = "https://provider.invalid"


def new_invitation(owner: Business, email: str | None = None, role: str = "staff") -> tuple[str, str]:
    """Invite somebody, without a mail; return the invitation's id and its token."""
    email, token, id_ = email or f"{uuid.uuid4().hex}@example.com", secrets.token_urlsafe(32), uuid7()
    with owner.database.transaction(owner.scope) as transaction:
        InvitationRepository(transaction).add(
            {
                "id": id_,
                "email": email,
                "email_key": email_key(email),
                "role": role,
                "digest": digest(token),
                "expires_at": datetime.now(UTC) + timedelta(days=7),
            }
        )
    return str(id_), token


def new_identity(person: Business, issuer: str = NOWHERE) -> ProviderIdentity:
    """Let a person sign in at a provider."""
    identity = ProviderIdentity(issuer=issuer, subject=uuid.uuid4().hex)
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        IdentityRepository(transaction).add(person.user_id, identity)
    return identity


def customer(owner: Business) -> dict[str, str]:
    return {"customer_id": _made(owner, "/api/customers", {"name": "Jane Smith"})}


def event(owner: Business) -> dict[str, str]:
    customer(owner)
    return {"event_id": _listed(owner, "/api/events")[0]["id"]}


def location(owner: Business) -> dict[str, str]:
    return {"location_id": _made(owner, "/api/locations", {"name": "Bandra"})}


def api_key(owner: Business) -> dict[str, str]:
    return {"key_id": _made(owner, "/api/api-keys", {"name": "Web shop", "scopes": ["customers:read"]})}


def role(owner: Business) -> dict[str, str]:
    body = {"name": f"Role {uuid.uuid4().hex[:8]}", "permissions": ["customers:read"]}
    return {"role_id": _made(owner, "/api/roles", body)}


def invitation(owner: Business) -> dict[str, str]:
    return {"invitation_id": new_invitation(owner)[0]}


def token(owner: Business) -> dict[str, str]:
    return {"token": new_invitation(owner)[1]}


def member(owner: Business) -> dict[str, str]:
    return {"member_id": member_of(owner, new_member(owner, "member", "staff")).rpartition("/")[2]}


def member_and_session(owner: Business) -> dict[str, str]:
    ids = member(owner)
    return {**ids, "session_id": _listed(owner, f"/api/members/{ids['member_id']}/sessions")[0]["id"]}


def session(owner: Business) -> dict[str, str]:
    sign_in(owner.app, owner.tenant_id, owner.user_id, owner.email)
    return {
        "session_id": next(row["id"] for row in _listed(owner, "/api/auth/sessions") if not row["current"])
    }


def identity(owner: Business) -> dict[str, str]:
    new_identity(owner)
    return {"identity_id": _listed(owner, "/api/auth/sso/identities")[0]["id"]}


MAKERS: Mapping[frozenset[str], Callable[[Business], dict[str, str]]] = {
    frozenset(): lambda owner: {},
    frozenset({"customer_id"}): customer,
    frozenset({"event_id"}): event,
    frozenset({"location_id"}): location,
    frozenset({"key_id"}): api_key,
    frozenset({"role_id"}): role,
    frozenset({"invitation_id"}): invitation,
    frozenset({"token"}): token,
    frozenset({"member_id"}): member,
    frozenset({"member_id", "session_id"}): member_and_session,
    frozenset({"session_id"}): session,
    frozenset({"identity_id"}): identity,
}


def new_objects(owner: Business, *names: str) -> dict[str, str]:
    """Return what the ids of a path name, made for it; each may be removed without harm to the owner."""
    return MAKERS[frozenset(names)](owner)


def _made(owner: Business, path: str, body: Any) -> str:
    response = owner.post(path, body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return str((response.json or {})["id"])


def _listed(owner: Business, path: str) -> list[dict[str, Any]]:
    response = owner.get(path)
    assert response.status_code == 200, response.get_data(as_text=True)
    found: list[dict[str, Any]] = (response.json or {})["data"]
    return found
