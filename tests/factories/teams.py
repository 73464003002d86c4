"""Members, roles and invitations as the API shows them."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from tests.factories.callers import Business
from tests.factories.mails import Mailbox, token_in

Deliver = Callable[[], Mailbox]


@dataclass(frozen=True)
class Invited:
    """An invitation: its id, the address it was sent to, and the token in that mail's link."""

    id: str
    email: str
    token: str

    @property
    def path(self) -> str:
        return f"/api/auth/invites/{self.token}"


def new_email() -> str:
    return f"ravi-{uuid.uuid4().hex[:10]}@example.com"


def invite(by: Business, deliver: Deliver, email: str | None = None, **role: str) -> Invited:
    """Invite an address, by default as staff, and read the mail that it got."""
    email = email or new_email()
    response = by.post("/api/invites", {"email": email, **(role or {"role": "staff"})})
    assert response.status_code == 201, response.get_data(as_text=True)
    (message,) = [one for one in deliver().to(email) if "/invitation#" in one.text]
    return Invited((response.json or {})["id"], email, token_in(message))


def newcomer(**changes: Any) -> dict[str, Any]:
    """Return the body with which a new person accepts."""
    return {"firstName": "Ravi", "lastName": "Iyer", "password": "seven quiet lanterns", **changes}


def member_of(business: Business, person: Business) -> str:
    """Return the path of a person's membership."""
    for row in (business.get(f"/api/members?search={person.email}").json or {})["data"]:
        if row["user"]["id"] == str(person.user_id):
            return f"/api/members/{row['id']}"
    raise AssertionError(f"{person.email} is no member")


def compose(by: Business, *permissions: str, name: str | None = None) -> str:
    """Compose a role of the business's own; return its id."""
    body = {"name": name or f"Role {uuid.uuid4().hex[:8]}", "permissions": list(permissions)}
    response = by.post("/api/roles", body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return str((response.json or {})["id"])


def colleague_with(by: Business, *permissions: str) -> Business:
    """Return a new member of the business who may do just this, signed in."""
    person = by.colleague("staff")
    response = by.patch(member_of(by, person), {"roleId": compose(by, *permissions)})
    assert response.status_code == 200, response.get_data(as_text=True)
    return person


def code_of(response: TestResponse) -> tuple[int, str | None]:
    """Return a refusal's status and code."""
    return response.status_code, (response.get_json(silent=True) or {}).get("code")
