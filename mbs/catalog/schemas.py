"""Services on the wire."""

from collections.abc import Iterable
from typing import Any

from marshmallow import ValidationError, fields, validate

from mbs.catalog.models import MODES, MOST_RESOURCES, MOST_SEGMENTS, PRICE_UNITS, SORTS
from mbs.foundation.money import shown
from mbs.foundation.money_fields import Amount
from mbs.foundation.policy_fields import BookingRules, ServicePolicy
from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Flag, Id, Int, Text
from mbs.resources.models import KINDS, MOST_SLOTS
from mbs.taxes.models.rates import CATEGORY_PATTERN
from mbs.taxes.models.treatments import SUPPLY_RULES

DAY = 1440

EXAMPLE = {
    "name": "Color and cut",
    "price": "2400.00",
    "duration": 90,
    "category": "Hair",
    "bufferAfter": 10,
    "segments": [
        {"minutes": 30, "needs": ["staff", "equipment"]},
        {"minutes": 40, "needs": ["equipment"]},
        {"minutes": 20, "needs": ["staff", "equipment"]},
    ],
    "policy": {"cancelNoticeMin": 1440, "lateCancelFee": {"type": "percent", "value": "50"}},
}
RESOURCES_EXAMPLE = {
    "resources": [
        {"resourceId": "018f2a5e-7c1d-7b3a-9c55-0d6a1f2b3c4d", "price": "2900.00", "duration": 100},
        {"resourceId": "018f2a5e-7c1d-7b3a-9c55-0d6a1f2b3c4e"},
    ]
}

PRICE = {"description": "In the business's currency, with no more decimals than it has."}
PRICE_UNIT = {
    "description": "What the price is for. Appointments: `booking`, `person`, `hour`; sessions: `person`,"
    " `booking`; stays: `night`, `day`, `week`, `month`, `booking`. The first of them unless given."
}
DURATION = {"description": "Minutes. Needed but for a stay, which lasts as long as its guest wants."}
BUFFER = {"description": "Minutes in which its resources are taken besides, which the customer does not see."}
INTERVAL = {"description": "Minutes from one start that is offered to the next; the policy's unless given."}
PARTY = {"description": "The largest party of a booking, and the seats of a session. 1 unless given."}
SEGMENTS = {
    "description": "Parts of an appointment and what each needs, so that a person is free while a color"
    " works. Their minutes add up to the duration. Without segments all is needed all the time."
}
LEADS = "Of a service that takes people, theirs counts, and not that of their rooms and tools."
POLICY = {"description": "What differs from the business's rules; null makes a rule the business's again."}

TAX_CATEGORY = {
    "description": "Which rate of tax it has; `GET /api/tax-rates/effective` lists them. Unless given,"
    " what such a business mostly sells under: `beauty_wellness` of a salon in India, else `standard`.",
    "example": "beauty_wellness",
}
SAC_HSN = {
    "description": "The code of the service or the goods that invoices show; in India 4 to 8 digits.",
    "example": "999721",
}
SAC_HSN_PATTERN = "[A-Z0-9.]{2,10}"
SUPPLY_RULE = {
    "description": "What decides where it is supplied, and so which tax it has: where the recipient is, where"
    " it is performed, where the property is; of training, the first if the recipient is registered, else the"
    " second. What is usual for the type of business unless given."
}


class Needs(fields.List[Any]):
    """One or more different kinds of resources."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(Choice(*KINDS), validate=validate.Length(min=1, max=len(KINDS)), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        kinds = super()._deserialize(value, attr, data, **kwargs)
        if len(set(kinds)) < len(kinds):
            raise ValidationError("Must name each kind once.")
        return kinds


class Segment(WireSchema):
    minutes = Int(minimum=1, maximum=DAY, required=True)
    needs = Needs(required=True)


class Segments(fields.List[Any]):
    def __init__(self) -> None:
        super().__init__(
            fields.Nested(Segment), validate=validate.Length(max=MOST_SEGMENTS), metadata=SEGMENTS
        )


class ChangeService(MergePatch):
    name = Text(maximum=200)
    description = Text(maximum=10_000, lines=True, allow_none=True)
    category = Text(maximum=80, allow_none=True)
    price = Amount(metadata=PRICE)
    price_unit = Choice(*PRICE_UNITS, metadata=PRICE_UNIT)
    duration_min = Int(data_key="duration", minimum=1, maximum=DAY, allow_none=True, metadata=DURATION)
    buffer_before_min = Int(data_key="buffer_before", minimum=0, maximum=DAY, metadata=BUFFER)
    buffer_after_min = Int(data_key="buffer_after", minimum=0, maximum=DAY, metadata=BUFFER)
    slot_interval_min = Int(
        data_key="slot_interval", minimum=5, maximum=DAY, allow_none=True, metadata=INTERVAL
    )
    segments = Segments()
    policy = fields.Nested(ServicePolicy, metadata=POLICY)
    tax_category = Text(maximum=40, pattern=CATEGORY_PATTERN, metadata=TAX_CATEGORY)
    sac_hsn = Text(maximum=10, pattern=SAC_HSN_PATTERN, allow_none=True, metadata=SAC_HSN)
    supply_rule = Choice(*SUPPLY_RULES, allow_none=True, metadata=SUPPLY_RULE)
    max_capacity = Int(minimum=1, maximum=MOST_SLOTS, metadata=PARTY)
    sort_order = Int(minimum=-1_000_000, maximum=1_000_000, metadata={"description": "0 unless given."})
    active = Flag(data_key="is_active")


class CreateService(WireSchema):
    name = Text(maximum=200, required=True)
    mode = Choice(*MODES, load_default="appointment")
    description = Text(maximum=10_000, lines=True, allow_none=True)
    category = Text(maximum=80, allow_none=True)
    price = Amount(required=True, metadata=PRICE)
    price_unit = Choice(*PRICE_UNITS, metadata=PRICE_UNIT)
    duration_min = Int(data_key="duration", minimum=1, maximum=DAY, allow_none=True, metadata=DURATION)
    buffer_before_min = Int(data_key="buffer_before", minimum=0, maximum=DAY, metadata=BUFFER)
    buffer_after_min = Int(data_key="buffer_after", minimum=0, maximum=DAY, metadata=BUFFER)
    slot_interval_min = Int(
        data_key="slot_interval", minimum=5, maximum=DAY, allow_none=True, metadata=INTERVAL
    )
    segments = Segments()
    policy = fields.Nested(ServicePolicy, metadata=POLICY)
    tax_category = Text(maximum=40, pattern=CATEGORY_PATTERN, metadata=TAX_CATEGORY)
    sac_hsn = Text(maximum=10, pattern=SAC_HSN_PATTERN, allow_none=True, metadata=SAC_HSN)
    supply_rule = Choice(*SUPPLY_RULES, allow_none=True, metadata=SUPPLY_RULE)
    max_capacity = Int(minimum=1, maximum=MOST_SLOTS, metadata=PARTY)
    sort_order = Int(minimum=-1_000_000, maximum=1_000_000, metadata={"description": "0 unless given."})


class ServiceQuery(PageQuery):
    search = Text(maximum=100, metadata={"description": "Part of the name."})
    category = Text(maximum=80)
    active = Flag(data_key="is_active", load_default=True, metadata={"description": "`true` unless given."})
    mode = Choices(*MODES)
    staff_id = Id(metadata={"description": "Those that this person can do."})
    resource_id = Id(metadata={"description": "Those that this resource is assigned to."})
    sort_by = Choice(*SORTS, load_default="sortOrder")


class RemoveServiceQuery(QuerySchema):
    purge = Flag(load_default=False, metadata={"description": "Remove for good instead of archiving."})


class Assignment(WireSchema):
    resource_id = Id(required=True)
    price = Amount(allow_none=True, metadata={"description": f"The service's own unless given. {LEADS}"})
    duration_min = Int(
        data_key="duration",
        minimum=1,
        maximum=DAY,
        allow_none=True,
        metadata={"description": f"Minutes; the service's own unless given. {LEADS}"},
    )


class AssignResources(WireSchema):
    resources = fields.List(
        fields.Nested(Assignment), required=True, validate=validate.Length(max=MOST_RESOURCES)
    )


class SegmentView(WireSchema):
    minutes = fields.Integer(required=True)
    needs = fields.List(fields.String(), required=True)


class ServiceView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    category = fields.String(required=True, allow_none=True)
    mode = fields.String(required=True, metadata={"enum": list(MODES)})
    price = fields.String(required=True)
    currency = fields.String(required=True)
    price_unit = fields.String(required=True, metadata={"enum": list(PRICE_UNITS)})
    duration = fields.Integer(required=True, allow_none=True)
    buffer_before = fields.Integer(required=True)
    buffer_after = fields.Integer(required=True)
    slot_interval = fields.Integer(required=True, allow_none=True)
    segments = fields.List(fields.Nested(SegmentView), required=True)
    policy = fields.Nested(BookingRules, required=True)
    tax_category = fields.String(required=True)
    sac_hsn = fields.String(required=True, allow_none=True)
    supply_rule = fields.String(required=True, allow_none=True, metadata={"enum": [*SUPPLY_RULES, None]})
    max_capacity = fields.Integer(required=True)
    sort_order = fields.Integer(required=True)
    is_active = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class AssignmentView(WireSchema):
    resource_id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    name = fields.String(required=True)
    is_active = fields.Boolean(required=True)
    price = fields.String(required=True, allow_none=True)
    duration = fields.Integer(required=True, allow_none=True)


class ServiceResources(WireSchema):
    version = fields.Integer(required=True)
    resources = fields.List(fields.Nested(AssignmentView), required=True)


ServicePage = page_schema("ServicePage", ServiceView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a service as `ServiceView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "name": row.name,
        "description": row.description,
        "category": row.category,
        "mode": row.mode,
        "price": shown(row.price, row.currency),
        "currency": row.currency,
        "priceUnit": row.price_unit,
        "duration": row.duration_min,
        "bufferBefore": row.buffer_before_min,
        "bufferAfter": row.buffer_after_min,
        "slotInterval": row.slot_interval_min,
        "segments": row.segments,
        "policy": row.policy,
        "taxCategory": row.tax_category,
        "sacHsn": row.sac_hsn,
        "supplyRule": row.supply_rule,
        "maxCapacity": row.max_capacity,
        "sortOrder": row.sort_order,
        "isActive": row.active,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def present_assignments(item: Any, rows: Iterable[Any]) -> dict[str, Any]:
    """Return a service's resources as `ServiceResources` describes them."""
    return {
        "version": item.version,
        "resources": [
            {
                "resourceId": row.resource_id,
                "kind": row.kind,
                "name": row.name,
                "isActive": row.active,
                "price": None if row.price is None else shown(row.price, item.currency),
                "duration": row.duration_min,
            }
            for row in rows
        ],
    }
