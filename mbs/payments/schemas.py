"""Payments and refunds on the wire."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from mbs.foundation.money import shown
from mbs.foundation.money_fields import Amount
from mbs.foundation.place_fields import currency
from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Flag, Id, Instant, Text
from mbs.payments.models import METHODS, MOST_ALLOCATIONS, REFUND_SORTS, REFUND_STATUSES, SORTS, STATUSES

CUSTOMER_ID = "0190a6f2-7c3e-7000-8000-000000000001"
INVOICE_ID = "0190a6f2-7c3e-7000-8000-000000000002"
EXAMPLE = {
    "customerId": CUSTOMER_ID,
    "amount": "999.00",
    "currency": "INR",
    "method": "upi",
    "reference": "412345678901",
    "allocations": [{"invoiceId": INVOICE_ID, "amount": "999.00"}],
}
REFUND_EXAMPLE = {"amount": "100.00", "reason": "Came too late", "method": "upi"}
MONEY = {"examples": ["999.00"]}


def more_than_nothing(amount: Decimal) -> None:
    if amount == 0:
        raise ValidationError("Must be more than 0.")


class Allocation(WireSchema):
    invoice_id = Id(required=True)
    amount = Amount(required=True, validate=more_than_nothing)


def refuse_repeated(allocations: list[dict[str, Any]]) -> None:
    """Refuse an invoice that is named twice, by the place where it is repeated."""
    seen: set[Any] = set()
    for number, one in enumerate(allocations):
        if one["invoice_id"] in seen:
            message = "Must not name an invoice that another allocation names."
            raise ValidationError({"allocations": {number: {"invoiceId": [message]}}})
        seen.add(one["invoice_id"])


def allocations(minimum: int, **options: Any) -> fields.List[Any]:
    length = validate.Length(min=minimum, max=MOST_ALLOCATIONS)
    return fields.List(fields.Nested(Allocation), validate=length, **options)


class RecordPayment(WireSchema):
    customer_id = Id(required=True)
    amount = Amount(required=True, validate=more_than_nothing)
    currency = currency(required=True)
    method = Choice(*METHODS, required=True)
    received_at = Instant(metadata={"description": "Now unless given; not in the future."})
    reference = Text(maximum=200, allow_none=True)
    notes = Text(maximum=10_000, lines=True, allow_none=True)
    booking_id = Id(allow_none=True, metadata={"description": "What the customer paid for ahead."})
    allocations = allocations(0, metadata={"description": "For which invoices it is, and how much."})
    invoice_id = Id(metadata={"description": "Instead of `allocations`: all of it is for this invoice."})
    allow_unapplied = Flag(
        load_default=False,
        metadata={"description": "Keep what no invoice takes as the customer's balance."},
    )

    @validates_schema(skip_on_field_errors=True)
    def said_once(self, data: dict[str, Any], **kwargs: Any) -> None:
        if "invoice_id" in data and "allocations" in data:
            raise ValidationError("Give this or `allocations`, not both.", "invoiceId")
        refuse_repeated(data.get("allocations", []))


class ApplyPayment(WireSchema):
    allocations = allocations(1, required=True)

    @validates_schema(skip_on_field_errors=True)
    def said_once(self, data: dict[str, Any], **kwargs: Any) -> None:
        refuse_repeated(data["allocations"])


class RefundPayment(WireSchema):
    amount = Amount(required=True, validate=more_than_nothing)
    reason = Text(maximum=500, required=True)
    method = Choice(*METHODS, metadata={"description": "The way it came unless given."})
    reference = Text(maximum=200, allow_none=True)
    refunded_at = Instant(metadata={"description": "Now unless given; not in the future."})


class ReversePayment(WireSchema):
    reason = Text(maximum=500, required=True)


class PaymentQuery(PageQuery):
    customer_id = Id()
    invoice_id = Id()
    booking_id = Id()
    method = Choices(*METHODS)
    status = Choices(*STATUSES)
    received_from = Instant()
    received_to = Instant()
    unapplied = Flag(metadata={"description": "`true`: only those of which something is not applied."})
    expand = Choices("allocations", load_default=[])
    sort_by = Choice(*SORTS, load_default="receivedAt")


class RefundQuery(PageQuery):
    payment_id = Id()
    customer_id = Id()
    refunded_from = Instant()
    refunded_to = Instant()
    sort_by = Choice(*REFUND_SORTS, load_default="refundedAt")


class InvoiceOfAllocation(WireSchema):
    number = fields.String(required=True)
    status = fields.String(required=True, metadata={"enum": ["open", "paid", "uncollectible"]})
    amount_due = fields.String(required=True, metadata=MONEY)


class AllocationView(WireSchema):
    id = fields.UUID(required=True)
    invoice_id = fields.UUID(required=True)
    amount = fields.String(required=True, metadata=MONEY)
    invoice = fields.Nested(InvoiceOfAllocation, required=True)


class RefundOfPayment(WireSchema):
    id = fields.UUID(required=True)
    amount = fields.String(required=True, metadata=MONEY)
    method = fields.String(required=True, metadata={"enum": list(METHODS)})
    status = fields.String(required=True, metadata={"enum": list(REFUND_STATUSES)})
    reference = fields.String(required=True, allow_none=True)
    reason = fields.String(required=True)
    credit_note_id = fields.UUID(required=True, allow_none=True)
    refunded_at = fields.DateTime(required=True)


class RefundView(RefundOfPayment):
    tenant_id = fields.UUID(required=True)
    payment_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    currency = fields.String(required=True)
    created_at = fields.DateTime(required=True)


class PaymentListed(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    number = fields.String(required=True, metadata={"examples": ["RCP/2526/00042"]})
    customer_id = fields.UUID(required=True)
    location_id = fields.UUID(required=True)
    booking_id = fields.UUID(required=True, allow_none=True)
    currency = fields.String(required=True)
    amount = fields.String(required=True, metadata=MONEY)
    method = fields.String(required=True, metadata={"enum": list(METHODS)})
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    reference = fields.String(required=True, allow_none=True)
    received_at = fields.DateTime(required=True)
    amount_applied = fields.String(required=True, metadata=MONEY)
    amount_refunded = fields.String(required=True, metadata=MONEY)
    amount_unapplied = fields.String(required=True, metadata=MONEY)
    notes = fields.String(required=True, allow_none=True)
    reversed_at = fields.DateTime(required=True, allow_none=True)
    reverse_reason = fields.String(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)
    allocations = fields.List(
        fields.Nested(AllocationView), metadata={"description": "In lists only with `expand=allocations`."}
    )


class PaymentView(PaymentListed):
    allocations = fields.List(fields.Nested(AllocationView), required=True)
    refunds = fields.List(fields.Nested(RefundOfPayment), required=True)


PaymentPage = page_schema("PaymentPage", PaymentListed)
RefundPage = page_schema("RefundPage", RefundView)


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a payment as `PaymentView` describes it, and one of a list; a test holds the two together."""
    paid_in = row.currency
    view = {
        "id": row.id,
        "tenantId": tenant_id,
        "number": row.number,
        "customerId": row.customer_id,
        "locationId": row.location_id,
        "bookingId": row.booking_id,
        "currency": paid_in,
        "amount": shown(row.amount, paid_in),
        "method": row.method,
        "status": row.status,
        "reference": row.reference,
        "receivedAt": row.received_at,
        "amountApplied": shown(row.amount_applied, paid_in),
        "amountRefunded": shown(row.amount_refunded, paid_in),
        "amountUnapplied": shown(row.amount_unapplied, paid_in),
        "notes": row.notes,
        "reversedAt": row.reversed_at,
        "reverseReason": row.reverse_reason,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
    if hasattr(row, "allocations"):
        view["allocations"] = [_allocation(one, paid_in) for one in row.allocations or ()]
    if hasattr(row, "refunds"):
        view["refunds"] = [_refund(one, paid_in) for one in row.refunds or ()]
    return view


def present_refund(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a refund as `RefundView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "paymentId": row.payment_id,
        "customerId": row.customer_id,
        "currency": row.currency,
        "amount": shown(row.amount, row.currency),
        "method": row.method,
        "status": row.status,
        "reference": row.reference,
        "reason": row.reason,
        "creditNoteId": row.credit_note_id,
        "refundedAt": row.refunded_at,
        "createdAt": row.created_at,
    }


def _allocation(one: dict[str, Any], paid_in: str) -> dict[str, Any]:
    return {
        "id": one["id"],
        "invoiceId": one["invoice_id"],
        "amount": shown(Decimal(one["amount"]), paid_in),
        "invoice": {
            "number": one["number"],
            "status": one["status"],
            "amountDue": shown(Decimal(one["amount_due"]), paid_in),
        },
    }


def _refund(one: dict[str, Any], paid_in: str) -> dict[str, Any]:
    return {
        "id": one["id"],
        "amount": shown(Decimal(one["amount"]), paid_in),
        "method": one["method"],
        "status": one["status"],
        "reference": one["reference"],
        "reason": one["reason"],
        "creditNoteId": one["credit_note_id"],
        "refundedAt": datetime.fromisoformat(one["refunded_at"]),
    }
