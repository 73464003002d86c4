"""Invoices on the wire: what is sent."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.foundation.money import LARGEST
from mbs.foundation.money_fields import Amount
from mbs.foundation.place_fields import currency
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema
from mbs.foundation.wire_fields import Choice, Choices, Day, Id, Instant, Text
from mbs.invoices.models.states import STATUSES
from mbs.taxes.models.treatments import SUPPLY_RULES

MOST_ITEMS = 200
MOST_QUANTITY = Decimal("999999.999")

SORTS = {
    "createdAt": "created_at",
    "issueDate": "issue_order",
    "dueDate": "due_order",
    "number": "number_order",
    "total": "total_order",
}
"""The orders of a list: the word of `sortBy` and the column, which has an index. Drafts stand at the end."""

EXAMPLE = {
    "customerId": "0190b6f0-0000-7000-8000-000000000001",
    "items": [{"description": "Haircut", "quantity": "1", "unitPrice": "999.00"}],
}

TAX_MODES = ("inclusive", "exclusive")
TAX_MODE = {"description": "Whether prices have the tax in them; as the settings say unless given."}
SUPPLY_DATE = {"description": "Its rates hold; the date of issue unless given."}
DUE_DATE = {"description": "So many days behind the date of issue as the settings say, unless given."}
INCLUSIVE = {"description": "This day included."}
FROM_SERVICE = {"description": "The service's unless given."}


class Discount(WireSchema):
    """A part of what it is taken from, or an amount of the invoice's currency."""

    type = Choice("percent", "amount", required=True)
    value = Amount(required=True, metadata={"examples": ["10"]})

    @validates_schema
    def at_most_all(self, data: dict[str, Any], **kwargs: Any) -> None:
        if data["type"] == "percent" and data["value"] > 100:
            raise ValidationError("Must be at most 100.", "value")


class InvoiceItem(WireSchema):
    """One line: of a service, or described. Amounts are reckoned by the service alone."""

    service_id = Id(allow_none=True)
    description = Text(
        maximum=1000,
        lines=True,
        metadata={"description": "The service's name unless given; required without one."},
    )
    quantity = Amount(
        maximum=MOST_QUANTITY,
        decimals=3,
        load_default=Decimal(1),
        metadata={"examples": ["1.5"], "default": "1"},
    )
    unit = Text(maximum=20, allow_none=True, metadata=FROM_SERVICE)
    unit_price = Amount(
        maximum=LARGEST, metadata={"description": "The service's unless given; required without one."}
    )
    discount = fields.Nested(Discount, allow_none=True)
    tax_category = Text(
        maximum=40, pattern="[a-z][a-z0-9_]*", metadata={**FROM_SERVICE, "example": "standard"}
    )
    sac_hsn = Text(
        maximum=8, pattern="[0-9]{4,8}", allow_none=True, metadata={**FROM_SERVICE, "example": "999721"}
    )
    supply_rule = Choice(
        *SUPPLY_RULES,
        allow_none=True,
        metadata={"description": "What decides where it is supplied: the service's, or the business type's."},
    )

    @validates_schema
    def enough_said(self, data: dict[str, Any], **kwargs: Any) -> None:
        missing = {
            name: ["Required unless `serviceId` is given."]
            for column, name in (("description", "description"), ("unit_price", "unitPrice"))
            if data.get("service_id") is None and column not in data
        }
        if data["quantity"] == 0:
            missing["quantity"] = ["Must be more than 0."]
        if missing:
            raise ValidationError(missing)


class _Invoice(WireSchema):
    location_id = Id(metadata={"description": "The default location unless given."})
    currency = currency(metadata={"description": "The business's unless given."})
    supply_date = Day(allow_none=True, metadata=SUPPLY_DATE)
    due_date = Day(allow_none=True, metadata=DUE_DATE)
    tax_mode = Choice(*TAX_MODES, metadata=TAX_MODE)
    discount = fields.Nested(
        Discount, allow_none=True, metadata={"description": "Of the whole invoice, before tax."}
    )
    notes = Text(maximum=5000, lines=True, allow_none=True)
    terms = Text(maximum=5000, lines=True, allow_none=True)
    footer = Text(maximum=1000, lines=True, allow_none=True)


class CreateInvoice(_Invoice):
    customer_id = Id(required=True)
    items = fields.List(
        fields.Nested(InvoiceItem), required=True, validate=validate.Length(min=1, max=MOST_ITEMS)
    )


class ChangeInvoice(MergePatch, _Invoice):
    customer_id = Id()
    items = fields.List(
        fields.Nested(InvoiceItem),
        validate=validate.Length(min=1, max=MOST_ITEMS),
        metadata={"description": "They replace all items."},
    )


class InvoiceQuery(PageQuery):
    status = Choices(*STATUSES, "overdue", "partial")
    customer_id = Id()
    location_id = Id()
    booking_id = Id()
    number = Text(maximum=40)
    issued_from = Day()
    issued_to = Day(metadata=INCLUSIVE)
    due_from = Day()
    due_to = Day(metadata=INCLUSIVE)
    min_total = Amount()
    max_total = Amount()
    currency = currency()
    updated_since = Instant()
    sort_by = Choice(*SORTS, load_default="createdAt")
    expand = Choices(
        "customer",
        "items",
        "payments",
        load_default=[],
        metadata={"description": "What to show of each invoice beside its sums."},
    )
