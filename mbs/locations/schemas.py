"""Locations on the wire."""

from typing import Any

from marshmallow import fields

from mbs.foundation.place_fields import AddressOrLine, AddressView, country, timezone
from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Flag, PhoneNumber, Text
from mbs.locations.models import SORTS, STATUSES, TAX_REGIMES

EXAMPLE = {
    "name": "Bandra",
    "timezone": "Asia/Kolkata",
    "country": "IN",
    "address": {"line1": "12 Hill Road", "city": "Mumbai", "postalCode": "400050", "country": "IN"},
    "phone": "+919876543210",
    "legalName": "Asha Wellness Private Limited",
    "taxRegistration": "27AAPFU0939F1ZV",
    "invoicePrefix": "BAN",
}

REGISTRATION = {"description": "With the tax office: a GSTIN, a VAT number, a TRN, or what the country has."}

LEGAL_NAME = {"description": "What invoices call the seller; the business's name unless given."}
REGIME = {
    "description": "Which tax is charged here, if any: one of the country's. Unless given, `none`, or the"
    " country's as soon as there is a registration."
}
PREFIX = {
    "description": "What `{LOC}` becomes in the numbers of invoices; made from the name unless given.",
    "example": "BAN",
}
PREFIX_PATTERN = "[A-Z0-9]{1,5}"


class ChangeLocation(MergePatch):
    name = Text(maximum=120)
    timezone = timezone()
    country = country()
    address = AddressOrLine(allow_none=True)
    phone = PhoneNumber(allow_none=True)
    legal_name = Text(maximum=200, allow_none=True, metadata=LEGAL_NAME)
    tax_regime = Choice(*TAX_REGIMES, metadata=REGIME)
    tax_registration = Text(maximum=40, allow_none=True, metadata=REGISTRATION)
    invoice_prefix = Text(maximum=5, pattern=PREFIX_PATTERN, metadata=PREFIX)
    status = Choice(*STATUSES)
    is_default = Flag()


class CreateLocation(WireSchema):
    name = Text(maximum=120, required=True)
    timezone = timezone(metadata={"description": "The business's unless given."})
    country = country(metadata={"description": "The business's unless given."})
    address = AddressOrLine(allow_none=True)
    phone = PhoneNumber(allow_none=True)
    legal_name = Text(maximum=200, allow_none=True, metadata=LEGAL_NAME)
    tax_regime = Choice(*TAX_REGIMES, metadata=REGIME)
    tax_registration = Text(maximum=40, allow_none=True, metadata=REGISTRATION)
    invoice_prefix = Text(maximum=5, pattern=PREFIX_PATTERN, metadata=PREFIX)
    is_default = Flag(load_default=False)


class LocationQuery(PageQuery):
    status = Choices(*STATUSES, load_default=["active"], metadata={"description": "`active` unless given."})
    sort_by = Choice(*SORTS, load_default="createdAt")


class RemoveLocationQuery(QuerySchema):
    purge = Flag(load_default=False, metadata={"description": "Remove for good instead of archiving."})


class LocationView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    country = fields.String(required=True)
    address = fields.Nested(AddressView, required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    legal_name = fields.String(required=True, allow_none=True)
    tax_regime = fields.String(required=True, metadata={"enum": list(TAX_REGIMES)})
    tax_registration = fields.String(required=True, allow_none=True)
    invoice_prefix = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    is_default = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


LocationPage = page_schema("LocationPage", LocationView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a location as `LocationView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "name": row.name,
        "timezone": row.timezone,
        "country": row.country,
        "address": row.address,
        "phone": row.phone,
        "legalName": row.legal_name,
        "taxRegime": row.tax_regime,
        "taxRegistration": row.tax_registration,
        "invoicePrefix": row.invoice_prefix,
        "status": row.status,
        "isDefault": row.is_default,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
