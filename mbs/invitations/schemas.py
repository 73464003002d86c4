"""Invitations on the wire."""

from datetime import datetime
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from mbs.auth.schemas import LONGEST_PASSWORD, WantedSession
from mbs.foundation import passwords
from mbs.foundation.schemas import PageQuery, WireSchema, camel_case, page_schema
from mbs.foundation.wire_fields import Choice, Choices, EmailAddress, Id, Secret, Text
from mbs.invitations.models import SORTS, STATUSES, status_of
from mbs.tenants.models import ROLE_PERMISSIONS

EXAMPLE = {"email": "ravi@example.com", "role": "manager"}
ACCEPT_EXAMPLE = {"firstName": "Ravi", "lastName": "Iyer", "password": "seven quiet lanterns"}


class WantedRole(WireSchema):
    """One of the five roles by its key, or one that the business composed by its id."""

    role = Choice(*ROLE_PERMISSIONS)
    role_id = Id(metadata={"description": "Instead of `role`: a role of `/api/roles`."})

    @validates_schema
    def one_role_at_most(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "role" in data and "role_id" in data:
            raise ValidationError("Name `role` or `roleId`, not both.", "roleId")


class Invite(WantedRole):
    email = EmailAddress(required=True)

    @validates_schema
    def a_role(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "role" not in data and "role_id" not in data:
            raise ValidationError("Missing data for required field.", "role")


class AcceptInvitation(WantedSession):
    first_name = Text(maximum=80, metadata={"description": "For a new account, together with `lastName`."})
    last_name = Text(maximum=80)
    password = Secret(
        maximum=LONGEST_PASSWORD,
        required=True,
        metadata={
            "format": "password",
            "description": "The account's; a new one has "
            f"{passwords.MINIMUM} to {passwords.MAXIMUM} characters and is not a common one.",
        },
    )

    @validates_schema
    def both_names(self, data: dict[str, Any], **kwargs: Any) -> None:
        missing = {"first_name", "last_name"} - data.keys()
        if len(missing) == 1:
            raise ValidationError("Missing data for required field.", camel_case(missing.pop()))


class InvitationQuery(PageQuery):
    status = Choices(*STATUSES)
    sort_by = Choice(*SORTS, load_default="createdAt")


class HeldRole(WireSchema):
    key = fields.String(required=True, metadata={"enum": [*ROLE_PERMISSIONS, "custom"]})
    label = fields.String(required=True)
    role_id = fields.UUID(required=True, allow_none=True)


class InvitationView(WireSchema):
    id = fields.UUID(required=True)
    email = fields.String(required=True)
    role = fields.Nested(HeldRole, required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    invited_by = fields.UUID(required=True)
    expires_at = fields.DateTime(required=True)
    accepted_at = fields.DateTime(required=True, allow_none=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


InvitationPage = page_schema("InvitationPage", InvitationView)


class ShownInvitation(WireSchema):
    """What whoever holds the token may know."""

    business_name = fields.String(required=True)
    role = fields.Nested(HeldRole, required=True)
    email = fields.String(required=True)
    has_account = fields.Boolean(
        required=True, metadata={"description": "Whether to sign in, or to choose a name and a password."}
    )
    expires_at = fields.DateTime(required=True)


def present_role(row: Any) -> dict[str, Any]:
    """Return the role of a membership or an invitation; `role_name` is that of one of the business's own."""
    return {"key": row.role, "label": row.role_name or row.role.capitalize(), "roleId": row.role_id}


def present(row: Any, now: datetime) -> dict[str, Any]:
    """Return an invitation as `InvitationView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "email": row.email,
        "role": present_role(row),
        "status": status_of(row, now),
        "invitedBy": row.invited_by,
        "expiresAt": row.expires_at,
        "acceptedAt": row.accepted_at,
        "revokedAt": row.revoked_at,
        "createdAt": row.created_at,
    }


def present_to_holder(row: Any, has_account: bool) -> dict[str, Any]:
    return {
        "businessName": row.business_name,
        "role": present_role(row),
        "email": row.email,
        "hasAccount": has_account,
        "expiresAt": row.expires_at,
    }
