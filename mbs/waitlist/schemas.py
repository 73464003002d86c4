"""Waiting lists on the wire."""

from typing import Any

from marshmallow import fields

from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Id, Int
from mbs.resources.models import MOST_SLOTS
from mbs.waitlist.models import OPEN, SORTS, STATUSES

EXAMPLE = {"customerId": "0190a6f2-7c3e-7000-8000-000000000001", "partySize": 1}


class JoinWaitlist(WireSchema):
    customer_id = Id(required=True)
    party_size = Int(minimum=1, maximum=MOST_SLOTS, load_default=1)


class WaitlistQuery(PageQuery):
    status = Choices(
        *STATUSES, load_default=sorted(OPEN), metadata={"description": "Those who still wait unless given."}
    )
    sort_by = Choice(*SORTS, load_default="createdAt")
    sort_order = Choice("asc", "desc", load_default="asc")


class WaitlistEntryView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    session_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    party_size = fields.Integer(required=True)
    position = fields.Integer(
        required=True, allow_none=True, metadata={"description": "From 1; null of one that waits no longer."}
    )
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    booking_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "What holds the seats that are offered."}
    )
    offer_expires_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


WaitlistPage = page_schema("WaitlistPage", WaitlistEntryView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return an entry as `WaitlistEntryView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "sessionId": row.session_id,
        "customerId": row.customer_id,
        "partySize": row.party_size,
        "position": row.position,
        "status": row.status,
        "bookingId": row.booking_id,
        "offerExpiresAt": row.offer_expires_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
