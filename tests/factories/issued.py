"""Issued invoices without taxes, written past the API; and what is stored of money, seen by the tenant."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.foundation.money import shown
from mbs.invoices.models.numbering import Series
from mbs.invoices.repository.documents import DocumentRepository
from mbs.invoices.repository.lines import LineRepository
from mbs.invoices.repository.series import draw
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.customers import add_customers

PLACE = text("SELECT id FROM locations WHERE tenant_id = :tenant AND is_default")
ISSUE = text("""
UPDATE documents SET status = :status, number = :number, series = :series, seq = :seq, title = 'Invoice',
  issue_date = :on, supply_date = :on, due_date = :due, seller = '{}', buyer = '{}', version = version + 1
WHERE tenant_id = :tenant AND id = :id
""")
LATER = text("""
UPDATE documents SET status = :status, voided_at = CASE WHEN :status = 'void' THEN now() END
WHERE tenant_id = :tenant AND id = :id
""")
AMISS = text("""
SELECT 'invoice' AS kind, d.id FROM documents AS d WHERE d.tenant_id = :tenant AND (
  d.amount_paid <> (SELECT coalesce(sum(amount), 0) FROM payment_allocations AS a
    WHERE a.tenant_id = d.tenant_id AND a.document_id = d.id)
  OR d.amount_paid + d.amount_credited > d.total
  OR d.status = 'open' AND d.amount_due = 0 OR d.status = 'paid' AND d.amount_due > 0)
UNION ALL
SELECT 'payment', p.id FROM payments AS p WHERE p.tenant_id = :tenant AND (
  p.amount_applied <> (SELECT coalesce(sum(amount), 0) FROM payment_allocations AS a
    WHERE a.tenant_id = p.tenant_id AND a.payment_id = p.id)
  OR p.amount_refunded <> (SELECT coalesce(sum(amount), 0) FROM refunds AS r
    WHERE r.tenant_id = p.tenant_id AND r.payment_id = p.id)
  OR p.amount_applied + p.amount_refunded > p.amount)
""")
KEYS: Mapping[str, Any] = {"method": "cash", "currency": "INR"}


def new_customer(owner: Business) -> str:
    (id_,) = add_customers(owner, [{"name": "Jane Smith"}])
    return str(id_)


def issued(
    owner: Business,
    total: str = "100.00",
    *,
    customer_id: str | None = None,
    currency: str = "INR",
    status: str = "open",
    location_id: str | None = None,
) -> dict[str, str]:
    """Write an invoice of one line; return its id and its customer's, as a payment's body has them."""
    customer_id, amount, id_ = customer_id or new_customer(owner), Decimal(total), uuid7()
    with owner.database.transaction(owner.scope) as transaction:
        place = location_id or transaction.execute(PLACE, {"tenant": owner.tenant_id}).scalar_one()
        row = {"type": "invoice", "location_id": place, "customer_id": customer_id, "currency": currency}
        sums = {"subtotal": amount, "discount_total": 0, "tax_total": 0, "rounding": 0, "total": amount}
        modes = {"tax_mode": "exclusive", "rounding_scope": "document"}
        DocumentRepository(transaction).add({"id": id_, **row, **sums, **modes})
        LineRepository(transaction).add_all(id_, [_line(amount)])
        if status != "draft":
            drawn = draw(transaction, type_="invoice", series=Series("T/{SEQ}", 5, None), on=None)
            today = date.today()
            days = {"on": today, "due": today + timedelta(days=15)}
            number = {**drawn._asdict(), **days, "status": "open", "id": id_, "tenant": owner.tenant_id}
            transaction.execute(ISSUE, number)
        if status in ("void", "uncollectible"):
            transaction.execute(LATER, {"status": status, "id": id_, "tenant": owner.tenant_id})
    return {"invoiceId": str(id_), "customerId": customer_id}


def pay(owner: Business, amount: str, **body: Any) -> dict[str, Any]:
    """Record a payment in cash, and return what is answered."""
    return made(owner, "/api/payments", {**KEYS, "amount": amount, **body}, headers=new_key())


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid7())}


def state(owner: Business, invoice_id: str) -> tuple[str, str, str]:
    """Return an invoice's status, what was paid and what is due."""
    with owner.database.transaction(owner.scope) as transaction:
        (row,) = DocumentRepository(transaction).lock([UUID(invoice_id)])
    return row.status, shown(row.amount_paid, row.currency), shown(row.amount_due, row.currency)


def amiss(owner: Business) -> list[tuple[str, UUID]]:
    """Return the invoices and payments of a business that are not the sum of what they are for."""
    with owner.database.transaction(owner.scope) as transaction:
        found = transaction.execute(AMISS, {"tenant": owner.tenant_id}).all()
    return [(row.kind, row.id) for row in found]


def _line(amount: Decimal) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "description": "Haircut",
        "quantity": Decimal(1),
        "unit_price": amount,
        "amount": amount,
        "document_discount": Decimal(0),
        "tax_category": "standard",
        "tax_kind": "out_of_scope",
        "supply_rule": "performance",
        "net": amount,
        "taxes": [],
        "tax": Decimal(0),
        "total": amount,
    }
