"""Documents to be printed: rows as the database gives them, without a database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

from mbs.foundation.policies import INVOICING
from mbs.printing.models.sheet import Business

MOMENT = datetime(2026, 3, 2, 4, 30, tzinfo=UTC)
NOTHING = Decimal(0)

SALON = {
    "name": "Asha's Salon",
    "address": {"line1": "12 MG Road", "city": "Mumbai", "postalCode": "400001", "country": "IN"},
    "country": "IN",
    "taxRegistration": "27AAPFU0939F1ZV",
    "taxRegime": "india_gst",
    "locationName": "Main",
    "phone": "+919876543210",
}
JANE = {
    "name": "Jane Smith",
    "address": {"line1": "7 Hill Road", "city": "Mumbai", "postalCode": "400050", "country": "IN"},
    "taxId": None,
    "taxStatus": "unregistered",
    "regionCode": "27",
    "email": "jane@example.com",
    "phone": "+919876500000",
}
GST = ({"code": "CGST", "rate": "2.5"}, {"code": "SGST", "rate": "2.5"})


def line(
    description: str = "Haircut",
    price: str = "999.00",
    *,
    net: str = "951.42",
    taxes: Sequence[Mapping[str, str]] = (
        {"code": "CGST", "rate": "2.5", "amount": "23.79"},
        {"code": "SGST", "rate": "2.5", "amount": "23.79"},
    ),
    **changes: Any,
) -> SimpleNamespace:
    """Return a line of one piece, with prices that hold the tax."""
    tax = sum((Decimal(one["amount"]) for one in taxes), NOTHING)
    return SimpleNamespace(
        **{
            "position": 1,
            "description": description,
            "quantity": Decimal("1.000"),
            "unit": None,
            "unit_price": Decimal(price),
            "amount": Decimal(price),
            "document_discount": NOTHING,
            "tax_kind": "taxed" if taxes else "out_of_scope",
            "sac_hsn": "999721",
            "net": Decimal(net),
            "taxes": list(taxes),
            "tax": tax,
            "total": Decimal(net) + tax,
            **changes,
        }
    )


def document(lines: Sequence[SimpleNamespace], **changes: Any) -> SimpleNamespace:
    """Return an open invoice with the sums of its lines."""
    net, tax = (sum((getattr(one, name) for one in lines), NOTHING) for name in ("net", "tax"))
    total, paid = net + tax + changes.get("rounding", NOTHING), changes.get("amount_paid", NOTHING)
    return SimpleNamespace(
        **{
            "type": "invoice",
            "status": "open",
            "title": "Tax invoice",
            "number": "MUM/2526/00042",
            "currency": "INR",
            "issue_date": date(2026, 3, 2),
            "supply_date": date(2026, 3, 2),
            "due_date": date(2026, 3, 9),
            "original_number": None,
            "original_issue_date": None,
            "seller": SALON,
            "buyer": JANE,
            "place_of_supply": "27",
            "reverse_charge": False,
            "tax_mode": "inclusive",
            "subtotal": net,
            "discount_total": NOTHING,
            "tax_total": tax,
            "rounding": NOTHING,
            "total": total,
            "amount_paid": NOTHING,
            "amount_credited": NOTHING,
            "amount_due": total - paid,
            "notes": None,
            "terms": None,
            "footer": None,
            "reason": None,
            "updated_at": MOMENT,
            **changes,
        }
    )


def business(
    name: str = "Asha's Salon", locale: str = "en-IN", logo: bytes | None = None, **settings: Any
) -> Business:
    """Return a business with the settings of invoices that are given, and the default for the others."""
    return Business(name=name, locale=locale, invoicing={**INVOICING, **settings}, logo=logo)
