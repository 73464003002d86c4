"""Exchange rates on the wire. A rate is text, as amounts are."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from mbs.exchange_rates.models import SORTS, shown_rate
from mbs.foundation.money_fields import Amount
from mbs.foundation.place_fields import currency
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Day, Text

EXAMPLE = {
    "base": "USD",
    "quote": "INR",
    "rate": "83.1234",
    "validFrom": "2026-03-01",
    "source": "Reserve Bank of India",
}

LARGEST = Decimal("99999999999999")
SCALE = 10
ABOVE_NOUGHT = r"^(?=.*[1-9])[0-9]{1,14}(\.[0-9]{1,10})?$"
WORTH = {"description": "What one unit of `base` is worth in `quote`.", "examples": ["83.1234"]}


class Rate(Amount):
    """A rate above 0 as text; a JSON number is refused, for it may be inexact."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {**WORTH, "pattern": ABOVE_NOUGHT, "maxLength": 25}
        super().__init__(maximum=LARGEST, decimals=SCALE, metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:  # type: ignore[override]
        rate = super()._deserialize(value, attr, data, **kwargs)
        if not rate:
            raise ValidationError("Must be above 0.")
        return rate


class CreateExchangeRate(WireSchema):
    base = currency(required=True)
    quote = currency(required=True)
    rate = Rate(required=True)
    valid_from = Day(
        required=True, metadata={"description": "The first day; it holds until that of the pair's next rate."}
    )
    source = Text(maximum=200, allow_none=True)


class ChangeExchangeRate(MergePatch):
    rate = Rate()
    source = Text(maximum=200, allow_none=True)


class ExchangeRateQuery(PageQuery):
    base = currency()
    quote = currency()
    on = Day(metadata={"description": "Of each pair the rate that holds on this day alone."})
    sort_by = Choice(*SORTS, load_default="validFrom")
    sort_order = Choice("asc", "desc", load_default="desc")


class ExchangeRateView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    base = fields.String(required=True)
    quote = fields.String(required=True)
    rate = fields.String(required=True, metadata=WORTH)
    valid_from = fields.Date(required=True)
    source = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


ExchangeRatePage = page_schema("ExchangeRatePage", ExchangeRateView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a rate as `ExchangeRateView` describes it."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "base": row.base,
        "quote": row.quote,
        "rate": shown_rate(row.rate),
        "validFrom": row.valid_from,
        "source": row.source,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
