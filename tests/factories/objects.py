"""An object of a business for each id that a path of the API can name."""

import secrets
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from uuid_utils.compat import uuid7

from mbs.foundation.db import Role
from mbs.foundation.keys import email_key
from mbs.foundation.sealing import digest
from mbs.invitations.repository import InvitationRepository
from mbs.sso.models import ProviderIdentity
from mbs.sso.repository import IdentityRepository
from tests.factories import (
    calendar_objects,
    credit_note_objects,
    message_objects,
    money_objects,
    payment_objects,
    webhook_objects,
)
from tests.factories.answers import listed, made
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
    return {"customer_id": made(owner, "/api/customers", {"name": "Jane Smith"})["id"]}


def event(owner: Business) -> dict[str, str]:
    customer(owner)
    return {"event_id": listed(owner, "/api/events")[0]["id"]}


def location(owner: Business) -> dict[str, str]:
    return {"location_id": made(owner, "/api/locations", {"name": "Bandra"})["id"]}


def api_key(owner: Business) -> dict[str, str]:
    body = {"name": "Web shop", "scopes": ["customers:read"]}
    return {"key_id": made(owner, "/api/api-keys", body)["id"]}


def role(owner: Business) -> dict[str, str]:
    body = {"name": f"Role {uuid.uuid4().hex[:8]}", "permissions": ["customers:read"]}
    return {"role_id": made(owner, "/api/roles", body)["id"]}


def invitation(owner: Business) -> dict[str, str]:
    return {"invitation_id": new_invitation(owner)[0]}


def token(owner: Business) -> dict[str, str]:
    return {"token": new_invitation(owner)[1]}


def member(owner: Business) -> dict[str, str]:
    return {"member_id": member_of(owner, new_member(owner, "member", "staff")).rpartition("/")[2]}


def member_and_session(owner: Business) -> dict[str, str]:
    ids = member(owner)
    return {**ids, "session_id": listed(owner, f"/api/members/{ids['member_id']}/sessions")[0]["id"]}


def session(owner: Business) -> dict[str, str]:
    sign_in(owner.app, owner.tenant_id, owner.user_id, owner.email)
    return {
        "session_id": next(row["id"] for row in listed(owner, "/api/auth/sessions") if not row["current"])
    }


def identity(owner: Business) -> dict[str, str]:
    new_identity(owner)
    return {"identity_id": listed(owner, "/api/auth/sso/identities")[0]["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "": lambda owner: {},
    "/api/customers/{customer_id}": customer,
    "/api/events/{event_id}": event,
    "/api/locations/{location_id}": location,
    "/api/api-keys/{key_id}": api_key,
    "/api/roles/{role_id}": role,
    "/api/invites/{invitation_id}": invitation,
    "/api/auth/invites/{token}": token,
    "/api/members/{member_id}": member,
    "/api/members/{member_id}/sessions/{session_id}": member_and_session,
    "/api/auth/sessions/{session_id}": session,
    "/api/auth/sso/identities/{identity_id}": identity,
    **calendar_objects.MAKERS,
    **money_objects.MAKERS,
    **payment_objects.MAKERS,
    **credit_note_objects.MAKERS,
    **webhook_objects.MAKERS,
    **message_objects.MAKERS,
}
"""By what a path names, which is all of it up to its last id."""


def object_of(path: str) -> str:
    """Return the part of a documented path that names an object, "" if none does."""
    return path[: path.rfind("}") + 1]


def new_objects(owner: Business, path: str) -> dict[str, str]:
    """Return what the ids of a path name, made for it; each may be removed without harm to the owner.

    :param path: as the document spells it, with its ids in braces.
    """
    return MAKERS[object_of(path)](owner)
