"""Sessions on the wire, and what proves who somebody is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from marshmallow import ValidationError, fields, validates_schema

from mbs.foundation.schemas import WireSchema, page_schema
from mbs.foundation.wire_fields import Secret
from mbs.sign_ins.models import device

STEP_UP_EXAMPLE = {"password": "three green umbrellas"}


class StepUp(WireSchema):
    """One of the two: the code where there is a second factor, else the password."""

    password = Secret(maximum=1024, load_default=None)
    code = Secret(
        maximum=40,
        load_default=None,
        metadata={"description": "Of your authenticator app, or a recovery code; needed where you have one."},
    )

    @validates_schema
    def one_of_two(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data.get("password") is None) == (data.get("code") is None):
            raise ValidationError("Send either `password` or `code`.")


class SteppedUpView(WireSchema):
    authenticated_at = fields.DateTime(required=True)
    valid_until = fields.DateTime(
        required=True, metadata={"description": "Until when sensitive requests need no other proof."}
    )
    csrf_token = fields.String(metadata={"description": "Of a browser's session, which has a new cookie."})


class BusinessName(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class SignInView(WireSchema):
    id = fields.UUID(required=True)
    current = fields.Boolean(required=True, metadata={"description": "Whether it is this request's."})
    kind = fields.String(required=True, metadata={"enum": ["token", "browser"]})
    business = fields.Nested(BusinessName, required=True)
    device = fields.String(required=True, metadata={"example": "Firefox on Linux"})
    user_agent = fields.String(required=True, allow_none=True)
    address = fields.String(
        required=True, allow_none=True, metadata={"description": "From where it was used last."}
    )
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True, metadata={"description": "To within five minutes."})
    expires_at = fields.DateTime(required=True)


SignInPage = page_schema("SignInPage", SignInView)


def present(row: Any, current: UUID) -> dict[str, Any]:
    return {
        "id": row.id,
        "current": row.id == current,
        "kind": row.kind,
        "business": {"id": row.tenant_id, "name": row.tenant_name},
        "device": device(row.user_agent),
        "userAgent": row.user_agent,
        "address": row.address,
        "createdAt": row.created_at,
        "lastUsedAt": row.last_used_at,
        "expiresAt": row.expires_at,
    }


def present_stepped_up(authenticated_at: datetime, valid_until: datetime) -> dict[str, Any]:
    return {"authenticatedAt": authenticated_at, "validUntil": valid_until}
