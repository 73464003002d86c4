"""Tax rates on the wire. A rate is text in percent: `"18"`, `"9.975"`."""

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import fields, validate

from mbs.foundation.money_fields import Amount
from mbs.foundation.place_fields import country
from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Day, Id, Text
from mbs.locations.models import TAX_REGIMES
from mbs.taxes.models.own_rates import MOST_COMPONENTS, SORTS
from mbs.taxes.models.rates import CATEGORY_PATTERN, KINDS, Rate

EXAMPLE = {
    "category": "beauty_wellness",
    "components": [{"code": "GST", "rate": "5"}],
    "validFrom": "2027-04-01",
    "source": "Notification No. 15/2025-Central Tax (Rate)",
}

CATEGORY: Mapping[str, Any] = {"description": "What services and lines call it.", "example": "standard"}
FROM = {"description": "The first day on which it holds."}
TO = {"description": "The first day on which it holds no more; null: until further notice."}
SOURCE = {"description": "The law or the notice that says so."}
KIND = {"description": "`taxed` has components, and nothing else has."}
JURISDICTION = {"description": "The country; the location's, or else the business's, unless given."}
COMPONENTS = {
    "description": "The taxes, together at most 100 %. In India GST is one of them, which the place of supply"
    " divides into CGST and SGST, or makes IGST."
}


class TaxComponent(WireSchema):
    code = Text(maximum=20, pattern="[A-Z][A-Z0-9_]{0,19}", required=True, metadata={"example": "GST"})
    rate = Amount(maximum=Decimal(100), required=True, metadata={"examples": ["18"]})


class CreateTaxRate(WireSchema):
    jurisdiction = country(metadata=JURISDICTION)
    location_id = Id(allow_none=True, metadata={"description": "Only there, where it goes before others."})
    category = Text(maximum=40, pattern=CATEGORY_PATTERN, required=True, metadata=CATEGORY)
    kind = Choice(*KINDS, load_default="taxed", metadata=KIND)
    components = fields.List(
        fields.Nested(TaxComponent),
        load_default=list,
        validate=validate.Length(max=MOST_COMPONENTS),
        metadata=COMPONENTS,
    )
    valid_from = Day(required=True, metadata=FROM)
    valid_to = Day(allow_none=True, metadata=TO)
    source = Text(maximum=300, allow_none=True, metadata=SOURCE)


class ChangeTaxRate(MergePatch):
    valid_to = Day(allow_none=True, metadata=TO)
    source = Text(maximum=300, allow_none=True, metadata=SOURCE)


class TaxRateQuery(PageQuery):
    jurisdiction = country()
    category = Text(maximum=40, pattern=CATEGORY_PATTERN, metadata=CATEGORY)
    sort_by = Choice(*SORTS, load_default="createdAt")


class EffectiveQuery(QuerySchema):
    location_id = Id(metadata={"description": "The default location unless given."})
    on = Day(metadata={"description": "Today at the location unless given."})


class TaxComponentView(WireSchema):
    code = fields.String(required=True)
    rate = fields.String(required=True)


class TaxRateView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    jurisdiction = fields.String(required=True)
    location_id = fields.UUID(required=True, allow_none=True)
    category = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    components = fields.List(fields.Nested(TaxComponentView), required=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class EffectiveTaxRate(WireSchema):
    category = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    components = fields.List(fields.Nested(TaxComponentView), required=True)
    valid_from = fields.Date(required=True)
    valid_to = fields.Date(required=True, allow_none=True)
    label = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, allow_none=True)
    tax_rate_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Of a rate of your own; else null."}
    )


class EffectiveTaxRates(WireSchema):
    jurisdiction = fields.String(required=True)
    location_id = fields.UUID(required=True)
    tax_regime = fields.String(
        required=True,
        metadata={"enum": list(TAX_REGIMES), "description": "With `none` the location charges none of them."},
    )
    on = fields.Date(required=True)
    rates = fields.List(fields.Nested(EffectiveTaxRate), required=True)


TaxRatePage = page_schema("TaxRatePage", TaxRateView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a rate as `TaxRateView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "jurisdiction": row.jurisdiction,
        "locationId": row.location_id,
        "category": row.category,
        "kind": row.kind,
        "components": row.components,
        "validFrom": row.valid_from,
        "validTo": row.valid_to,
        "source": row.source,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def present_effective(location: Any, on: date, rates: Iterable[Rate]) -> dict[str, Any]:
    """Return what holds as `EffectiveTaxRates` describes it."""
    return {
        "jurisdiction": location.country,
        "locationId": location.id,
        "taxRegime": location.tax_regime,
        "on": on,
        "rates": [_present_effective(rate) for rate in rates],
    }


def _present_effective(rate: Rate) -> dict[str, Any]:
    return {
        "category": rate.category,
        "kind": rate.kind,
        "components": [{"code": one.code, "rate": str(one.rate)} for one in rate.components],
        "validFrom": rate.valid_from,
        "validTo": rate.valid_to,
        "label": rate.label,
        "source": rate.source,
        "taxRateId": rate.own_id,
    }
