"""API keys on the wire. No digest ever, and a key itself once."""

from typing import Any

from marshmallow import fields, validate

from mbs.api_keys.models import SCOPES, SORTS
from mbs.foundation.api_key_format import MARK
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Instant, Text

EXAMPLE = {"name": "Web shop", "scopes": ["customers:read", "customers:create"]}


class Scopes(fields.List):
    """One or more different permissions that a key can have."""

    def __init__(self, **kwargs: Any) -> None:
        words = sorted(SCOPES)
        super().__init__(Choice(*words), validate=validate.Length(min=1, max=len(words)), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))


class CreateApiKey(WireSchema):
    name = Text(maximum=120, required=True)
    scopes = Scopes(required=True)
    expires_at = Instant(allow_none=True, metadata={"description": "Never, unless given."})


class ChangeApiKey(MergePatch):
    name = Text(maximum=120)


class ApiKeyQuery(PageQuery):
    sort_by = Choice(*SORTS, load_default="createdAt")


class ApiKeyView(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    prefix = fields.String(
        required=True, metadata={"description": "By which a key is recognized: not enough of it to use it."}
    )
    scopes = fields.List(fields.String(), required=True)
    created_by = fields.UUID(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    last_used_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Exact to five minutes."}
    )
    last_used_address = fields.String(required=True, allow_none=True)
    revoked_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class ApiKeyCreated(ApiKeyView):
    key = fields.String(
        required=True, metadata={"description": "For `Authorization: Bearer <key>`; it is shown only here."}
    )


ApiKeyPage = page_schema("ApiKeyPage", ApiKeyView)


def present(row: Any) -> dict[str, Any]:
    """Return a key as `ApiKeyView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "name": row.name,
        "prefix": f"{MARK}...{row.prefix}",
        "scopes": row.scopes,
        "createdBy": row.created_by,
        "expiresAt": row.expires_at,
        "lastUsedAt": row.last_used_at,
        "lastUsedAddress": row.last_used_address,
        "revokedAt": row.revoked_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
