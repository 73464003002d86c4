"""Bookings on the wire."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from mbs.bookings.models import ATTENDING, CANCELLERS, FEE_REASONS, SORTS, SOURCES, STATUSES
from mbs.catalog.models import MODES, PRICE_UNITS
from mbs.foundation.local_time import local
from mbs.foundation.money import shown
from mbs.foundation.pages import MAXIMUM_LIMIT
from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Flag, Id, Instant, Int, Text

LOCAL = {"description": "In the booking's time zone."}
STAYS_ONLY = {"description": "The local date; null but for a stay."}


EXPAND = {"description": "Show each one's customer, too: id, name, email and phone."}
NOTES = {"description": "For the customer's eyes, too."}
WAIVED = {"description": "Ask no fee, whatever the rules say; for people of the business only."}


class ChangeBooking(MergePatch):
    notes = Text(maximum=10_000, lines=True, allow_none=True, metadata=NOTES)
    internal_notes = Text(maximum=10_000, lines=True, allow_none=True)


class DeclineBooking(WireSchema):
    optional = True

    reason = Text(maximum=500)


class NoShow(WireSchema):
    optional = True

    waive_fee = Flag(load_default=False, metadata=WAIVED)


class CancelBooking(WireSchema):
    optional = True

    reason = Text(maximum=500)
    cancelled_by = Choice(
        *CANCELLERS,
        metadata={
            "description": "Whose wish it is: `business` unless given; of an API key, `customer` always."
        },
    )
    waive_fee = Flag(load_default=False, metadata=WAIVED)


class ExpandQuery(QuerySchema):
    expand = Choices("customer", load_default=[], metadata=EXPAND)


class BookingsQuery(PageQuery):
    """What every list of bookings can be asked for."""

    from_ = Instant(data_key="from", metadata={"description": "What is not over by then."})
    to = Instant(metadata={"description": "What has begun before then."})
    status = Choices(*STATUSES)
    sort_by = Choice(*SORTS, load_default="startAt")
    sort_order = Choice("asc", "desc", metadata={"description": "`asc` unless given, `desc` by `createdAt`."})
    expand = Choices("customer", load_default=[], metadata=EXPAND)

    @validates_schema
    def some_time_between(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "from_" in data and "to" in data and data["to"] <= data["from_"]:
            raise ValidationError("Must be later than `from`.", "to")


class BookingQuery(BookingsQuery):
    customer_id = Id()
    staff_id = Id()
    resource_id = Id()
    service_id = Id()
    location_id = Id()
    session_id = Id()
    source = Choices(*SOURCES)
    reference = Text(maximum=20)
    updated_since = Instant()


class UpcomingQuery(QuerySchema):
    limit = Int(
        minimum=1,
        maximum=2**31 - 1,
        load_default=10,
        metadata={"description": f"More than {MAXIMUM_LIMIT} is served as {MAXIMUM_LIMIT}."},
    )
    staff_id = Id()
    location_id = Id()
    expand = Choices("customer", load_default=[], metadata=EXPAND)


class AttendeesQuery(BookingsQuery):
    class Meta:
        exclude = ("from_", "to")

    status = Choices(
        *STATUSES,
        load_default=list(ATTENDING),
        metadata={"description": "Whoever has a seat, or had one and came or did not come, unless given."},
    )


class ItemView(WireSchema):
    service_id = fields.UUID(required=True)
    name = fields.String(required=True, metadata={"description": "As it was when it was booked."})
    quantity = fields.String(required=True, metadata={"examples": ["1.000"]})
    unit_price = fields.String(required=True, metadata={"examples": ["999.00"]})
    price_unit = fields.String(required=True, metadata={"enum": list(PRICE_UNITS)})
    amount = fields.String(required=True, metadata={"examples": ["999.00"]})
    start_at = fields.DateTime(required=True)
    end_at = fields.DateTime(required=True)


class TakenView(WireSchema):
    resource_id = fields.UUID(required=True)
    kind = fields.String(required=True)
    name = fields.String(required=True)
    slot_no = fields.Integer(required=True, metadata={"description": "Which bed, desk or seat of it."})
    item_no = fields.Integer(required=True, metadata={"description": "For which item; the first is 1."})


class CustomerOfBooking(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


class BookingView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    reference = fields.String(required=True, metadata={"examples": ["7F3K9QXA"]})
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    mode = fields.String(required=True, metadata={"enum": list(MODES)})
    customer_id = fields.UUID(required=True)
    location_id = fields.UUID(required=True)
    session_id = fields.UUID(required=True, allow_none=True)
    service_id = fields.UUID(required=True, metadata={"description": "That of the first item."})
    staff_id = fields.UUID(required=True, allow_none=True, metadata={"description": "Of the first item."})
    start_at = fields.DateTime(required=True)
    end_at = fields.DateTime(required=True)
    timezone = fields.String(required=True)
    booking_date = fields.String(required=True, metadata={"format": "date", **LOCAL})
    start_time = fields.String(required=True, metadata={"examples": ["10:00"], **LOCAL})
    end_time = fields.String(required=True, metadata={"examples": ["10:45"], **LOCAL})
    check_in = fields.String(required=True, allow_none=True, metadata={"format": "date", **STAYS_ONLY})
    check_out = fields.String(required=True, allow_none=True, metadata={"format": "date", **STAYS_ONLY})
    party_size = fields.Integer(required=True)
    amount = fields.String(required=True, metadata={"examples": ["999.00"]})
    currency = fields.String(required=True)
    deposit_due = fields.String(required=True, metadata={"examples": ["0.00"]})
    fee = fields.String(required=True, metadata={"description": "For cancelling late, or not coming."})
    fee_reason = fields.String(required=True, allow_none=True, metadata={"enum": [*FEE_REASONS, None]})
    items = fields.List(fields.Nested(ItemView), required=True)
    resources = fields.List(fields.Nested(TakenView), required=True)
    notes = fields.String(required=True, allow_none=True)
    internal_notes = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, metadata={"enum": list(SOURCES)})
    reschedule_count = fields.Integer(required=True)
    expires_at = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Until when a held or pending one waits."}
    )
    cancelled_at = fields.DateTime(required=True, allow_none=True)
    cancelled_by = fields.String(required=True, allow_none=True)
    cancel_reason = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    customer = fields.Nested(CustomerOfBooking, metadata={"description": "Only with `expand=customer`."})


BookingPage = page_schema("BookingPage", BookingView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a view of a booking as `BookingView` describes it; a test holds the two together."""
    start, end = local(row.start_at, row.timezone), local(row.end_at, row.timezone)
    currency, stays = row.currency, row.mode == "stay"
    taken = _taken(row.resources)
    staff = (one["resourceId"] for one in taken if one["kind"] == "staff" and one["itemNo"] == 1)
    view = {
        "id": row.id,
        "tenantId": tenant_id,
        "reference": row.reference,
        "status": row.status,
        "mode": row.mode,
        "customerId": row.customer_id,
        "locationId": row.location_id,
        "sessionId": row.session_id,
        "serviceId": row.items[0]["service_id"],
        "staffId": next(staff, None),
        "startAt": row.start_at,
        "endAt": row.end_at,
        "timezone": row.timezone,
        "bookingDate": start.date(),
        "startTime": f"{start:%H:%M}",
        "endTime": f"{end:%H:%M}",
        "checkIn": start.date() if stays else None,
        "checkOut": end.date() if stays else None,
        "partySize": row.party_size,
        "amount": shown(row.amount, currency),
        "currency": currency,
        "depositDue": shown(row.deposit_due, currency),
        "fee": shown(row.fee, currency),
        "feeReason": row.fee_reason,
        "items": [_item(item, currency) for item in row.items],
        "resources": taken,
        "notes": row.notes,
        "internalNotes": row.internal_notes,
        "source": row.source,
        "rescheduleCount": row.reschedule_count,
        "expiresAt": row.expires_at,
        "cancelledAt": row.cancelled_at,
        "cancelledBy": row.cancelled_by,
        "cancelReason": row.cancel_reason,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
    if hasattr(row, "customer"):
        view["customer"] = row.customer
    return view


def _item(item: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "serviceId": item["service_id"],
        "name": item["name"],
        "quantity": item["quantity"],
        "unitPrice": shown(Decimal(item["unit_price"]), currency),
        "priceUnit": item["price_unit"],
        "amount": shown(Decimal(item["amount"]), currency),
        # PostgreSQL's JSON has instants as text with an offset.
        "startAt": datetime.fromisoformat(item["start_at"]),
        "endAt": datetime.fromisoformat(item["end_at"]),
    }


def _taken(rows: Any) -> list[dict[str, Any]]:
    # A person whom a service needs before and after a gap is taken twice, and named once.
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for one in rows or ():
        found[one["item_no"], one["resource_id"], one["slot_no"]] = {
            "resourceId": one["resource_id"],
            "kind": one["kind"],
            "name": one["name"],
            "slotNo": one["slot_no"],
            "itemNo": one["item_no"],
        }
    return list(found.values())
