"""Invoices made ready for the wire, as views.py describes them."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from mbs.foundation.money import shown
from mbs.invoices.models.pricing import line_discount
from mbs.invoices.models.states import is_overdue, payment_status


def present(view: Any, tenant_id: Any, at: datetime) -> dict[str, Any]:
    """Return a view of an invoice as `InvoiceView` describes it; a test holds the two together.

    :param at: when it is looked at, which decides whether it is overdue.
    """
    currency = view.currency
    return {
        **present_listed(view, tenant_id, at),
        "seller": view.seller,
        "taxSummary": view.tax_summary,
        "notes": view.notes,
        "terms": view.terms,
        "footer": view.footer,
        "creditNotes": [
            {
                "id": note["id"],
                "number": note["number"],
                "issueDate": note["issue_date"],
                "reason": note["reason"],
                "total": shown(Decimal(note["total"]), currency),
            }
            for note in view.credit_notes or ()
        ],
    }


def present_listed(row: Any, tenant_id: Any, at: datetime) -> dict[str, Any]:
    """Return a row of a list as `ListedInvoice` describes it."""
    currency = row.currency
    found = {
        "id": row.id,
        "tenantId": tenant_id,
        "type": row.type,
        "status": row.status,
        "paymentStatus": payment_status(row),
        "isOverdue": is_overdue(row, at),
        "title": row.title,
        "number": row.number,
        "bookingId": row.booking_id,
        "issueDate": row.issue_date,
        **_sums(row),
        "amountPaid": shown(row.amount_paid, currency),
        "amountCredited": shown(row.amount_credited, currency),
        "amountDue": shown(row.amount_due, currency),
        "sentAt": row.sent_at,
        "voidedAt": row.voided_at,
        "voidReason": row.void_reason,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
    if hasattr(row, "customer"):
        found["customer"] = row.customer
    if hasattr(row, "lines"):
        found["items"] = [_stored_item(line, currency) for line in row.lines or ()]
    if hasattr(row, "payments"):
        found["payments"] = [_payment(paid, currency) for paid in row.payments or ()]
    return found


def present_preview(draft: Any) -> dict[str, Any]:
    """Return what an invoice would be as `InvoicePreview` describes it."""
    return {
        **_sums(draft),
        "customer": draft.customer,
        "seller": draft.seller,
        "items": [_item(line, draft.currency) for line in draft.lines],
        "taxSummary": draft.tax_summary,
        "notes": draft.notes,
        "terms": draft.terms,
        "footer": draft.footer,
    }


def _sums(row: Any) -> dict[str, Any]:
    currency = row.currency
    return {
        "currency": currency,
        "locationId": row.location_id,
        "customerId": row.customer_id,
        "supplyDate": row.supply_date,
        "dueDate": row.due_date,
        "placeOfSupply": row.place_of_supply,
        "reverseCharge": row.reverse_charge,
        "taxMode": row.tax_mode,
        "roundingScope": row.rounding_scope,
        "discount": _discount(row),
        "subtotal": shown(row.subtotal, currency),
        "discountTotal": shown(row.discount_total, currency),
        "taxTotal": shown(row.tax_total, currency),
        "rounding": shown(row.rounding, currency),
        "total": shown(row.total, currency),
    }


def _discount(row: Any) -> dict[str, str] | None:
    if row.discount_percent is not None:
        return {"type": "percent", "value": _plain(row.discount_percent)}
    if row.discount_amount is not None:
        return {"type": "amount", "value": shown(row.discount_amount, row.currency)}
    return None


def _item(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    numbers = {
        name: None if line[name] is None else Decimal(line[name])
        for name in ("quantity", "unit_price", "discount_percent", "discount_amount")
    }
    percent = numbers["discount_percent"]
    return {
        "serviceId": line["catalog_item_id"],
        "description": line["description"],
        "quantity": f"{Decimal(line['quantity']):.3f}",
        "unit": line["unit"],
        "unitPrice": shown(Decimal(line["unit_price"]), currency),
        "discount": shown(line_discount(numbers, currency)[1], currency),
        "discountPercent": None if percent is None else _plain(percent),
        "documentDiscount": shown(Decimal(line["document_discount"]), currency),
        "taxCategory": line["tax_category"],
        "taxKind": line["tax_kind"],
        "supplyRule": line["supply_rule"],
        "sacHsn": line["sac_hsn"],
        "net": shown(Decimal(line["net"]), currency),
        "taxes": line["taxes"],
        "tax": shown(Decimal(line["tax"]), currency),
        "total": shown(Decimal(line["total"]), currency),
    }


def _stored_item(line: Mapping[str, Any], currency: str) -> dict[str, Any]:
    source = {"sourceType": line["source_type"], "sourceId": line["source_id"]}
    return {"id": line["id"], **_item(line, currency), **source}


def _payment(paid: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        "paymentId": paid["payment_id"],
        "allocationId": paid["id"],
        "number": paid["number"],
        "method": paid["method"],
        "reference": paid["reference"],
        # PostgreSQL's JSON has instants as text with an offset.
        "receivedAt": datetime.fromisoformat(paid["received_at"]),
        "amount": shown(Decimal(paid["amount"]), currency),
    }


def _plain(number: Decimal) -> str:
    return format(number.normalize(), "f")
