"""Credit notes on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.credit_notes.models.lines import SETTLEMENTS, SORTS
from mbs.foundation.money import shown
from mbs.foundation.money_fields import Amount
from mbs.foundation.place_fields import currency
from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Day, Id, Instant, Text
from mbs.invoices.schemas.requests import INCLUSIVE, MOST_ITEMS, MOST_QUANTITY
from mbs.invoices.schemas.views import DATE, KINDS, InvoiceBuyer, InvoiceSeller, LineTaxView, TaxGroupView
from mbs.payments.models import METHODS

MONEY = {"examples": ["999.00"]}
LINE_ID = "0190a6f2-7c3e-7000-8000-000000000003"
EXAMPLE = {
    "reason": "Came too late",
    "lines": [{"invoiceLineId": LINE_ID, "quantity": "1"}],
    "settle": "refund",
    "refund": {"method": "upi", "reference": "412345678901"},
}


class CreditedLine(WireSchema):
    """A line of the invoice, and which part of it: by quantity, or an amount with its taxes inside."""

    invoice_line_id = Id(required=True)
    quantity = Amount(maximum=MOST_QUANTITY, decimals=3, metadata={"examples": ["1.000"]})
    amount = Amount()

    @validates_schema(skip_on_field_errors=True)
    def one_of_both(self, data: dict[str, Any], **kwargs: Any) -> None:
        said = [name for name in ("quantity", "amount") if name in data]
        if len(said) != 1:
            raise ValidationError("Give this or `amount`, and not both.", "quantity")
        if data[said[0]] == 0:
            raise ValidationError("Must be more than 0.", said[0])


class RefundOfCredit(WireSchema):
    method = Choice(*METHODS, metadata={"description": "The way it came unless given."})
    reference = Text(maximum=200, allow_none=True)


class IssueCreditNote(WireSchema):
    reason = Text(maximum=500, required=True)
    lines = fields.List(
        fields.Nested(CreditedLine),
        validate=validate.Length(min=1, max=MOST_ITEMS),
        metadata={"description": "All that is left of the invoice unless given."},
    )
    settle = Choice(
        *SETTLEMENTS,
        load_default="apply",
        metadata={"description": "What becomes of money that was paid for what is credited."},
    )
    refund = fields.Nested(RefundOfCredit)
    issue_date = Day(metadata={"description": "Today, at the location, unless given."})

    @validates_schema(skip_on_field_errors=True)
    def said_once(self, data: dict[str, Any], **kwargs: Any) -> None:
        seen: set[Any] = set()
        for number, line in enumerate(data.get("lines", ())):
            if line["invoice_line_id"] in seen:
                message = "Must not name a line that another one names."
                raise ValidationError({"lines": {number: {"invoiceLineId": [message]}}})
            seen.add(line["invoice_line_id"])

    @validates_schema(skip_on_field_errors=True)
    def refunded(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "refund" in data and data["settle"] != "refund":
            raise ValidationError("Goes with `settle` as `refund` only.", "refund")


class CreditNoteQuery(PageQuery):
    customer_id = Id()
    location_id = Id()
    invoice_id = Id()
    number = Text(maximum=40)
    issued_from = Day()
    issued_to = Day(metadata=INCLUSIVE)
    min_total = Amount()
    max_total = Amount()
    currency = currency()
    updated_since = Instant()
    sort_by = Choice(*SORTS, load_default="createdAt")


class CreditNoteItem(WireSchema):
    id = fields.UUID(required=True)
    invoice_line_id = fields.UUID(required=True)
    service_id = fields.UUID(required=True, allow_none=True)
    description = fields.String(required=True)
    quantity = fields.String(required=True, metadata={"examples": ["1.000"]})
    unit = fields.String(required=True, allow_none=True)
    unit_price = fields.String(required=True, metadata=MONEY)
    discount = fields.String(required=True, metadata=MONEY)
    credited_quantity = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Null of what was credited as an amount.", "examples": ["1.000"]},
    )
    tax_category = fields.String(required=True)
    tax_kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    sac_hsn = fields.String(required=True, allow_none=True)
    net = fields.String(required=True, metadata=MONEY)
    taxes = fields.List(fields.Nested(LineTaxView), required=True)
    tax = fields.String(required=True, metadata=MONEY)
    total = fields.String(required=True, metadata=MONEY)


class RefundOfCreditNote(WireSchema):
    id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    amount = fields.String(required=True, metadata=MONEY)
    method = fields.String(required=True, metadata={"enum": list(METHODS)})
    reference = fields.String(required=True, allow_none=True)
    refunded_at = fields.DateTime(required=True)


class ListedCreditNote(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    type = fields.String(required=True, metadata={"enum": ["credit_note"]})
    status = fields.String(required=True, metadata={"enum": ["issued"]})
    title = fields.String(required=True)
    number = fields.String(required=True, metadata={"examples": ["CN2526/00007"]})
    invoice_id = fields.UUID(required=True)
    invoice_number = fields.String(required=True, metadata={"examples": ["MUM/2526/00042"]})
    location_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    issue_date = fields.String(required=True, metadata=DATE)
    supply_date = fields.String(required=True, metadata=DATE)
    place_of_supply = fields.String(required=True, allow_none=True)
    reverse_charge = fields.Boolean(required=True)
    tax_mode = fields.String(required=True, metadata={"enum": ["inclusive", "exclusive"]})
    currency = fields.String(required=True)
    subtotal = fields.String(required=True, metadata=MONEY)
    tax_total = fields.String(required=True, metadata=MONEY)
    rounding = fields.String(required=True, metadata=MONEY)
    total = fields.String(required=True, metadata=MONEY)
    reason = fields.String(required=True)
    settlement = fields.String(required=True, metadata={"enum": list(SETTLEMENTS)})
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class CreditNoteView(ListedCreditNote):
    customer = fields.Nested(InvoiceBuyer, required=True)
    seller = fields.Nested(InvoiceSeller, required=True)
    items = fields.List(fields.Nested(CreditNoteItem), required=True)
    tax_summary = fields.List(fields.Nested(TaxGroupView), required=True)
    footer = fields.String(required=True, allow_none=True)
    refunds = fields.List(
        fields.Nested(RefundOfCreditNote), required=True, metadata={"description": "What went back for it."}
    )


CreditNotePage = page_schema("CreditNotePage", ListedCreditNote)


def present(view: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a view of a credit note as `CreditNoteView` describes it; a test holds the two together."""
    return {
        **present_listed(view, tenant_id),
        "customer": view.customer,
        "seller": view.seller,
        "items": [_item(line, view.currency) for line in view.lines],
        "taxSummary": view.tax_summary,
        "footer": view.footer,
        "refunds": [_refund(one, view.currency) for one in view.refunds or ()],
    }


def present_listed(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a row of a list as `ListedCreditNote` describes it."""
    paid_in = row.currency
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "type": row.type,
        "status": row.status,
        "title": row.title,
        "number": row.number,
        "invoiceId": row.original_id,
        "invoiceNumber": row.invoice_number,
        "locationId": row.location_id,
        "customerId": row.customer_id,
        "issueDate": row.issue_date,
        "supplyDate": row.supply_date,
        "placeOfSupply": row.place_of_supply,
        "reverseCharge": row.reverse_charge,
        "taxMode": row.tax_mode,
        "currency": paid_in,
        "subtotal": shown(row.subtotal, paid_in),
        "taxTotal": shown(row.tax_total, paid_in),
        "rounding": shown(row.rounding, paid_in),
        "total": shown(row.total, paid_in),
        "reason": row.reason,
        "settlement": row.settlement,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def _item(line: dict[str, Any], paid_in: str) -> dict[str, Any]:
    by = line["credited_quantity"]
    return {
        "id": line["id"],
        "invoiceLineId": line["credited_line_id"],
        "serviceId": line["catalog_item_id"],
        "description": line["description"],
        "quantity": f"{Decimal(line['quantity']):.3f}",
        "unit": line["unit"],
        "unitPrice": shown(Decimal(line["unit_price"]), paid_in),
        "discount": shown(Decimal(line["discount_amount"] or 0), paid_in),
        "creditedQuantity": None if by is None else f"{Decimal(by):.3f}",
        "taxCategory": line["tax_category"],
        "taxKind": line["tax_kind"],
        "sacHsn": line["sac_hsn"],
        "net": shown(Decimal(line["net"]), paid_in),
        "taxes": line["taxes"],
        "tax": shown(Decimal(line["tax"]), paid_in),
        "total": shown(Decimal(line["total"]), paid_in),
    }


def _refund(one: dict[str, Any], paid_in: str) -> dict[str, Any]:
    return {
        "id": one["id"],
        "paymentId": one["payment_id"],
        "amount": shown(Decimal(one["amount"]), paid_in),
        "method": one["method"],
        "reference": one["reference"],
        "refundedAt": datetime.fromisoformat(one["refunded_at"]),
    }
