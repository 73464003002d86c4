"""Lists of payments and what locks them read indexes, however many there are of other businesses."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest, Position
from mbs.operations.embedded_postgres import Server
from mbs.payments.repository.allocations import PaymentAllocationRepository
from mbs.payments.repository.payments import PaymentRepository
from mbs.payments.repository.refunds import RefundRepository
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create
from tests.factories.plans import explained

pytestmark = pytest.mark.slow

ROWS, BUSINESSES = 2000, 5
"""Payments of each business, an hour apart: a tenth not applied, each other for an invoice of its own, and a
tenth with a refund."""

FILL = f"""
SET session_replication_role = replica;
INSERT INTO customers (tenant_id, id, kind, name, name_key, search_key, created_by)
SELECT tenant_id, gen_random_uuid(), 'person', 'Jo', 'jo', 'jo', created_by
FROM customers, generate_series(1, 99);
CREATE TABLE numbered AS SELECT someone.tenant_id, someone.id AS customer_id, place.id AS location_id, n,
  someone.created_by, md5('p' || someone.tenant_id || n)::uuid AS payment_id,
  md5('d' || someone.tenant_id || n)::uuid AS document_id
FROM (SELECT *, row_number() OVER (PARTITION BY tenant_id ORDER BY id) AS turn FROM customers) AS someone
JOIN locations AS place USING (tenant_id)
JOIN generate_series(1, {ROWS}) AS n ON n % 100 + 1 = someone.turn;
INSERT INTO documents (tenant_id, id, type, status, title, number, series, seq, location_id, customer_id,
  currency, issue_date, supply_date, due_date, seller, buyer, tax_mode, rounding_scope, subtotal,
  discount_total, tax_total, rounding, total, amount_paid, created_by)
SELECT tenant_id, document_id, 'invoice', 'paid', 'Invoice', 'T/' || n, 'T', n, location_id, customer_id,
  'INR', '2026-03-01', '2026-03-01', '2026-03-16', '{{}}', '{{}}', 'exclusive', 'document', 100, 0, 0, 0,
  100, 100, created_by FROM numbered;
INSERT INTO payments (tenant_id, id, number, series, seq, customer_id, location_id, currency, amount, method,
  status, received_at, amount_applied, amount_refunded, created_by)
SELECT tenant_id, payment_id, 'R/' || n, 'R', n, customer_id, location_id, 'INR', 200 + n,
  CASE n % 3 WHEN 0 THEN 'upi' ELSE 'cash' END,
  CASE n % 10 WHEN 1 THEN 'partially_refunded' ELSE 'succeeded' END,
  timestamptz '2026-01-01' + n * interval '1 hour', CASE n % 10 WHEN 0 THEN 0 WHEN 1 THEN 199 + n
  ELSE 200 + n END, CASE n % 10 WHEN 1 THEN 1 ELSE 0 END, created_by FROM numbered;
INSERT INTO payment_allocations (tenant_id, id, payment_id, document_id, customer_id, currency, amount,
  created_by)
SELECT tenant_id, gen_random_uuid(), payment_id, document_id, customer_id, 'INR', 100, created_by
FROM numbered WHERE n % 10 > 0;
INSERT INTO refunds (tenant_id, id, payment_id, customer_id, currency, amount, method, reason, refunded_at,
  created_by)
SELECT tenant_id, gen_random_uuid(), payment_id, customer_id, 'INR', 1, 'cash', 'because',
  timestamptz '2026-01-01' + n * interval '1 hour', created_by FROM numbered WHERE n % 10 = 1;
DROP TABLE numbered;
ANALYZE
"""

NEWEST = PageRequest(sort="received_at", descending=True, limit=50)
LARGEST = PageRequest(sort="amount", descending=True, limit=50)
LATE = datetime(2026, 3, 1, tzinfo=UTC)
MIDST = Position(LATE, UUID(int=2**127))
REFUNDED = PageRequest(sort="refunded_at", descending=True, limit=50)

SOME = text("""
SELECT p.id AS payment, p.customer_id AS customer, a.document_id AS invoice
FROM payments AS p JOIN payment_allocations AS a ON a.tenant_id = p.tenant_id AND a.payment_id = p.id
WHERE p.tenant_id = :tenant ORDER BY p.received_at LIMIT 1 OFFSET 900
""")

Ask = Callable[[Transaction, Mapping[str, UUID]], Any]


def payments(request: PageRequest = NEWEST, **filters: Any) -> Ask:
    def ask(transaction: Transaction, ids: Mapping[str, UUID]) -> Any:
        named = {name: ids.get(str(value), value) for name, value in filters.items()}
        return PaymentRepository(transaction).search(request, **named)

    return ask


def refunds(**filters: Any) -> Ask:
    def ask(transaction: Transaction, ids: Mapping[str, UUID]) -> Any:
        named = {name: ids.get(str(value), value) for name, value in filters.items()}
        return RefundRepository(transaction).search(REFUNDED, **named)

    return ask


QUESTIONS: Mapping[str, Ask] = {
    "the newest": payments(),
    "the newest with what they are for": payments(with_allocations=True),
    "a later page": payments(PageRequest(sort="received_at", descending=True, limit=50, position=MIDST)),
    "the largest": payments(LARGEST),
    "of a week": payments(received_from=LATE, received_to=datetime(2026, 3, 8, tzinfo=UTC)),
    "of a customer": payments(customer_id="customer"),
    "for an invoice": payments(invoice_id="invoice"),
    "not applied": payments(unapplied=True),
    "in cash": payments(method=["cash"]),
    "given back in part": payments(status=["partially_refunded"]),
    "one": lambda transaction, ids: PaymentRepository(transaction).view(ids["payment"]),
    "locking one": lambda transaction, ids: PaymentRepository(transaction).lock_one(ids["payment"]),
    "locking those for an invoice": lambda transaction, ids: PaymentRepository(transaction).lock_payments_of(
        ids["invoice"]
    ),
    "what one is for": lambda transaction, ids: PaymentAllocationRepository(transaction).of_payment(
        ids["payment"]
    ),
    "settling one": lambda transaction, ids: PaymentRepository(transaction).settle_payments([ids["payment"]]),
    "refunds": refunds(),
    "refunds of a payment": refunds(payment_id="payment"),
}

MOST_ROWS = {
    "the newest with what they are for": 160,
    "in cash": 120,
    "not applied": 60,
    "given back in part": 700,
}
"""How many rows are touched to answer, what belongs to a row included."""


@pytest.fixture(scope="module")
def owner(environ: dict[str, str], server: Server, new_database: Callable[[], str]) -> Iterator[Business]:
    name = new_database()
    environ = {**environ, "DATABASE_URL": login_url(server, name), "SKIP_RATE_LIMIT": "true"}
    app = create_app(Config.load(environ))
    owners = [new_business(Caller(app)) for _ in range(BUSINESSES)]
    for one in owners:
        create(one)
    run_as_superuser(server, FILL, name)
    yield owners[2]
    app.extensions[EXTENSION].dispose()


class TestAQuestion:
    @pytest.mark.parametrize(("name", "ask"), QUESTIONS.items(), ids=QUESTIONS)
    def test_reads_an_index(self, owner: Business, name: str, ask: Ask) -> None:
        with owner.database.transaction(owner.scope) as transaction:
            ids = transaction.execute(SOME, {"tenant": owner.tenant_id}).one()._asdict()

        plan = explained(owner, lambda transaction: ask(transaction, ids))

        assert not plan.whole & {"payments", "payment_allocations", "refunds", "documents"}, plan.scans
        assert plan.rows <= MOST_ROWS.get(name, 60), plan.scans


class TestTheSums:
    def test_are_those_of_the_statements(self, owner: Business) -> None:
        """What shows that the rows above are there to be found."""
        with owner.database.transaction(owner.scope) as transaction:
            page = PaymentRepository(transaction).search(LARGEST)
            assert (len(page.rows), page.rows[0].amount) == (50, Decimal(200 + ROWS))
            assert len(PaymentRepository(transaction).search(NEWEST, unapplied=True).rows) == 50
