"""Invoices on the wire: what is shown."""

from typing import Any

from marshmallow import fields

from mbs.foundation.place_fields import AddressView
from mbs.foundation.schemas import WireSchema, page_schema
from mbs.invoices.models.states import PAYMENT_STATUSES, STATUSES
from mbs.taxes.models.treatments import SUPPLY_RULES

MONEY = {"examples": ["999.00"]}
DATE = {"format": "date"}
KINDS = ("taxed", "zero", "exempt", "out_of_scope", "reverse_charge")


def _money(**kwargs: Any) -> Any:
    return fields.String(required=True, metadata={**MONEY, **kwargs})


def _date() -> Any:
    return fields.String(required=True, allow_none=True, metadata=DATE)


class LineTaxView(WireSchema):
    code = fields.String(required=True, metadata={"examples": ["CGST"]})
    rate = fields.String(required=True, metadata={"examples": ["2.5"]})
    amount = _money()


class TaxGroupView(WireSchema):
    category = fields.String(required=True)
    kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    net = _money()
    taxes = fields.List(fields.Nested(LineTaxView), required=True)
    tax = _money()


class DiscountView(WireSchema):
    type = fields.String(required=True, metadata={"enum": ["percent", "amount"]})
    value = fields.String(required=True)


class InvoiceItemPreview(WireSchema):
    service_id = fields.UUID(required=True, allow_none=True)
    description = fields.String(required=True)
    quantity = fields.String(required=True, metadata={"examples": ["1.000"]})
    unit = fields.String(required=True, allow_none=True)
    unit_price = _money()
    discount = _money(description="What is taken off this line alone.")
    discount_percent = fields.String(required=True, allow_none=True)
    document_discount = _money(description="This line's part of the invoice's discount.")
    tax_category = fields.String(required=True)
    tax_kind = fields.String(required=True, metadata={"enum": list(KINDS)})
    supply_rule = fields.String(required=True, metadata={"enum": list(SUPPLY_RULES)})
    sac_hsn = fields.String(required=True, allow_none=True)
    net = _money()
    taxes = fields.List(fields.Nested(LineTaxView), required=True)
    tax = _money()
    total = _money()


class InvoiceItemView(InvoiceItemPreview):
    id = fields.UUID(required=True)
    source_type = fields.String(
        required=True, allow_none=True, metadata={"enum": ["booking_item", "booking_fee", None]}
    )
    source_id = fields.UUID(required=True, allow_none=True, metadata={"description": "What it bills."})


class InvoiceBuyer(WireSchema):
    name = fields.String(required=True)
    address = fields.Nested(AddressView, required=True, allow_none=True)
    tax_id = fields.String(required=True, allow_none=True)
    tax_status = fields.String(required=True)
    region_code = fields.String(required=True, allow_none=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)


class InvoiceSeller(WireSchema):
    name = fields.String(required=True)
    address = fields.Nested(AddressView, required=True, allow_none=True)
    country = fields.String(required=True)
    tax_registration = fields.String(required=True, allow_none=True)
    tax_regime = fields.String(required=True)
    location_name = fields.String(required=True)
    phone = fields.String(required=True, allow_none=True)


class PaymentOfInvoice(WireSchema):
    payment_id = fields.UUID(required=True)
    allocation_id = fields.UUID(required=True)
    number = fields.String(required=True)
    method = fields.String(required=True)
    reference = fields.String(required=True, allow_none=True)
    received_at = fields.DateTime(required=True)
    amount = _money(description="How much of the payment is for this invoice.")


class CreditNoteOfInvoice(WireSchema):
    id = fields.UUID(required=True)
    number = fields.String(required=True)
    issue_date = fields.String(required=True, metadata=DATE)
    reason = fields.String(required=True, allow_none=True)
    total = _money()


class _Sums(WireSchema):
    currency = fields.String(required=True)
    location_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    supply_date = _date()
    due_date = _date()
    place_of_supply = fields.String(required=True, allow_none=True, metadata={"examples": ["27"]})
    reverse_charge = fields.Boolean(required=True)
    tax_mode = fields.String(required=True, metadata={"enum": ["inclusive", "exclusive"]})
    rounding_scope = fields.String(required=True, metadata={"enum": ["document", "line"]})
    discount = fields.Nested(DiscountView, required=True, allow_none=True)
    subtotal = _money(description="The items without their taxes.")
    discount_total = _money(description="Everything that was taken off, of items and of the whole.")
    tax_total = _money()
    rounding = _money(description="To what can be paid in cash.")
    total = _money()


class InvoicePreview(_Sums):
    customer = fields.Nested(InvoiceBuyer, required=True)
    seller = fields.Nested(InvoiceSeller, required=True)
    items = fields.List(fields.Nested(InvoiceItemPreview), required=True)
    tax_summary = fields.List(fields.Nested(TaxGroupView), required=True)
    notes = fields.String(required=True, allow_none=True)
    terms = fields.String(required=True, allow_none=True)
    footer = fields.String(required=True, allow_none=True)


class ListedInvoice(_Sums):
    """An invoice of a list; `customer`, `items` and `payments` only if `expand` names them."""

    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    type = fields.String(required=True, metadata={"enum": ["invoice"]})
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    payment_status = fields.String(
        required=True, allow_none=True, metadata={"enum": [*PAYMENT_STATUSES, None]}
    )
    is_overdue = fields.Boolean(required=True)
    title = fields.String(required=True, allow_none=True, metadata={"examples": ["Tax invoice"]})
    number = fields.String(required=True, allow_none=True, metadata={"examples": ["MUM/2526/00042"]})
    booking_id = fields.UUID(required=True, allow_none=True)
    issue_date = _date()
    amount_paid = _money()
    amount_credited = _money()
    amount_due = _money()
    sent_at = fields.DateTime(required=True, allow_none=True)
    voided_at = fields.DateTime(required=True, allow_none=True)
    void_reason = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    customer = fields.Nested(InvoiceBuyer)
    items = fields.List(fields.Nested(InvoiceItemView))
    payments = fields.List(fields.Nested(PaymentOfInvoice))


class InvoiceView(ListedInvoice):
    customer = fields.Nested(
        InvoiceBuyer,
        required=True,
        metadata={"description": "As it was when the invoice was issued; of a draft, as it is."},
    )
    seller = fields.Nested(InvoiceSeller, required=True, allow_none=True)
    items = fields.List(fields.Nested(InvoiceItemView), required=True)
    tax_summary = fields.List(fields.Nested(TaxGroupView), required=True)
    notes = fields.String(required=True, allow_none=True)
    terms = fields.String(required=True, allow_none=True)
    footer = fields.String(required=True, allow_none=True)
    payments = fields.List(fields.Nested(PaymentOfInvoice), required=True)
    credit_notes = fields.List(fields.Nested(CreditNoteOfInvoice), required=True)


InvoicePage = page_schema("InvoicePage", ListedInvoice)
