"""The trail on the wire: as events for programs, as audit entries for people."""

import re
from typing import Any

from marshmallow import ValidationError, fields

from mbs.foundation.schemas import Cursor, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Id, Instant, Int, Text

LARGEST_SEQ = 2**63 - 1
TYPE = re.compile(r"[a-z_]{1,40}\.[a-z_]{1,40}")


class EventTypes(Text):
    """Event types, separated by commas."""

    def __init__(self, **kwargs: Any) -> None:
        word = TYPE.pattern
        metadata = {"pattern": f"^{word}(,{word})*$", "example": "customer.created,customer.updated"}
        super().__init__(maximum=1000, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[str]:  # type: ignore[override]
        types = super()._deserialize(value, attr, data, **kwargs).split(",")
        if not all(TYPE.fullmatch(word) for word in types):
            raise ValidationError("Must be event types like customer.created, separated by commas.")
        return types


class TrailQuery(QuerySchema):
    limit = PageQuery().fields["limit"]
    cursor = Cursor(maximum=18, metadata={"pattern": "^[0-9]+$"})
    types = EventTypes()
    object_type = Text(maximum=40, pattern="[a-z_]+", metadata={"example": "customer"})
    object_id = Id()
    actor_id = Id()


class EventQuery(TrailQuery):
    after = Int(
        minimum=0,
        maximum=LARGEST_SEQ,
        metadata={"description": "Events behind this sequence number; the same as `cursor`."},
    )


class AuditQuery(TrailQuery):
    from_ = Instant(data_key="from")
    to = Instant()


class ActorView(WireSchema):
    type = fields.String(required=True)
    id = fields.String(required=True, allow_none=True)
    correlation_id = fields.String(required=True)


class EventView(WireSchema):
    id = fields.UUID(required=True)
    seq = fields.Integer(required=True, metadata={"description": "Gapless within the business."})
    type = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    tenant_id = fields.UUID(required=True)
    object_type = fields.String(required=True)
    object_id = fields.UUID(required=True)
    actor = fields.Nested(ActorView, required=True)
    data = fields.Dict(required=True, allow_none=True)
    data_hash = fields.String(required=True)
    prev_hash = fields.String(required=True)
    hash = fields.String(required=True)


class AuditView(WireSchema):
    id = fields.UUID(required=True)
    seq = fields.Integer(required=True)
    at = fields.DateTime(required=True)
    actor = fields.Nested(ActorView, required=True)
    action = fields.String(required=True)
    summary = fields.String(required=True, metadata={"description": "The change in words."})
    object_type = fields.String(required=True)
    object_id = fields.UUID(required=True)
    changed = fields.List(fields.String(), required=True, metadata={"description": "Fields that changed."})


EventPage = page_schema("EventPage", EventView)
AuditPage = page_schema("AuditPage", AuditView)


def present_event(row: Any, tenant_id: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "seq": row.seq,
        "type": row.type,
        "createdAt": row.at,
        "tenantId": tenant_id,
        "objectType": row.object_type,
        "objectId": row.object_id,
        "actor": row.actor,
        "data": row.data,
        "dataHash": row.data_hash,
        "prevHash": row.prev_hash,
        "hash": row.hash,
    }


def present_audit(row: Any) -> dict[str, Any]:
    object_, _, action = row.type.partition(".")
    return {
        "id": row.id,
        "seq": row.seq,
        "at": row.at,
        "actor": row.actor,
        "action": row.type,
        "summary": f"{object_} {action}".replace("_", " ").capitalize(),
        "objectType": row.object_type,
        "objectId": row.object_id,
        "changed": sorted((row.data or {}).get("previous") or {}),
    }
