"""Customers on the wire."""

from typing import Any

from marshmallow import fields

from mbs.customers.models import KINDS, SORTS, STATUSES, TAX_STATUSES
from mbs.foundation.place_fields import AddressOrLine, AddressView
from mbs.foundation.schemas import MergePatch, PageQuery, QuerySchema, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, EmailAddress, Flag, Instant, PhoneNumber, Tags, Text

EXAMPLE = {
    "name": "Jane Smith",
    "email": "jane@example.com",
    "phone": "+919876543210",
    "address": {"line1": "12 MG Road", "city": "Mumbai", "postalCode": "400001", "country": "IN"},
    "tags": ["vip"],
}

TAX_ID = {
    "description": "With the tax office: a GSTIN, a VAT number, a TRN, or what the country has. Of somebody"
    " registered it must have the form of their address's country, or else the business's."
}
TAX_STATUS = {
    "description": "`registered` as soon as there is a `taxId`, else `unregistered`, unless given. `sez`: in"
    " a special economic zone of India; `overseas`: outside the seller's country."
}
REGION = {"description": "In India the two digits of their state.", "example": "27"}
REGION_PATTERN = "[A-Z0-9-]{1,6}"


class ChangeCustomer(MergePatch):
    kind = Choice(*KINDS)
    name = Text(maximum=200)
    email = EmailAddress(allow_none=True)
    phone = PhoneNumber(allow_none=True)
    address = AddressOrLine(allow_none=True)
    tax_id = Text(maximum=40, allow_none=True, metadata=TAX_ID)
    tax_status = Choice(*TAX_STATUSES, metadata=TAX_STATUS)
    region_code = Text(maximum=6, pattern=REGION_PATTERN, allow_none=True, metadata=REGION)
    tags = Tags()
    notes = Text(maximum=10_000, lines=True, allow_none=True)
    status = Choice(*STATUSES)


class CreateCustomer(WireSchema):
    kind = Choice(*KINDS, load_default="person")
    name = Text(maximum=200, required=True)
    email = EmailAddress(allow_none=True)
    phone = PhoneNumber(allow_none=True)
    address = AddressOrLine(allow_none=True)
    tax_id = Text(maximum=40, allow_none=True, metadata=TAX_ID)
    tax_status = Choice(*TAX_STATUSES, metadata=TAX_STATUS)
    region_code = Text(maximum=6, pattern=REGION_PATTERN, allow_none=True, metadata=REGION)
    tags = Tags()
    notes = Text(maximum=10_000, lines=True, allow_none=True)


class CustomerQuery(PageQuery):
    search = Text(
        maximum=100, metadata={"description": "Part of the name, the e-mail address, or the phone's digits."}
    )
    status = Choices(*STATUSES, load_default=["active"], metadata={"description": "`active` unless given."})
    kind = Choices(*KINDS)
    tag = Text(maximum=40)
    email = EmailAddress()
    phone = PhoneNumber()
    created_from = Instant()
    created_to = Instant()
    updated_since = Instant()
    sort_by = Choice(*SORTS, load_default="createdAt")


class RemoveQuery(QuerySchema):
    purge = Flag(load_default=False, metadata={"description": "Remove for good instead of archiving."})


class CustomerView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    address = fields.Nested(AddressView, required=True, allow_none=True)
    tax_id = fields.String(required=True, allow_none=True)
    tax_status = fields.String(required=True, metadata={"enum": list(TAX_STATUSES)})
    region_code = fields.String(required=True, allow_none=True)
    tags = fields.List(fields.String(), required=True)
    notes = fields.String(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class SimilarCustomer(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


class CustomerCreated(CustomerView):
    possible_duplicates = fields.List(
        fields.Nested(SimilarCustomer),
        required=True,
        metadata={"description": "Active customers with the same name, e-mail address or phone number."},
    )


CustomerPage = page_schema("CustomerPage", CustomerView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a customer as `CustomerView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "kind": row.kind,
        "name": row.name,
        "email": row.email,
        "phone": row.phone,
        "address": row.address,
        "taxId": row.tax_id,
        "taxStatus": row.tax_status,
        "regionCode": row.region_code,
        "tags": row.tags,
        "notes": row.notes,
        "status": row.status,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
