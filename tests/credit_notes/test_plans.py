"""Credit notes and what is left of an invoice are read by indexes, however many there are of others."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.credit_notes.repository import CreditedLineRepository, CreditNoteRepository
from mbs.foundation.db import Transaction
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.pages import PageRequest, Position
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create
from tests.factories.plans import explained

pytestmark = pytest.mark.slow

ROWS, BUSINESSES = 1500, 5
"""Invoices of each business, one a day, each with three lines; each other one has a credit note of one line,
for which money went back."""

SHARED = """title, location_id, customer_id, currency, supply_date, seller, buyer, tax_mode, rounding_scope,
  subtotal, discount_total, tax_total, rounding, total, created_by"""
VALUES = """location_id, customer_id, 'INR', date '2026-03-01', jsonb '[]', jsonb '[]', 'exclusive',
  'document'"""
FILL = f"""
SET session_replication_role = replica;
CREATE TABLE numbered AS SELECT someone.tenant_id, someone.id AS customer_id, place.id AS location_id, n,
  someone.created_by, md5('i' || someone.tenant_id || n)::uuid AS invoice_id,
  md5('n' || someone.tenant_id || n)::uuid AS note_id
FROM customers AS someone JOIN locations AS place USING (tenant_id), generate_series(1, {ROWS}) AS n;
INSERT INTO documents (tenant_id, id, type, status, number, series, seq, issue_date, original_id, reason,
  created_at, {SHARED})
SELECT tenant_id, invoice_id, 'invoice', 'open', 'T/' || n, 'T', n, date '2020-01-01' + n, NULL, NULL,
  timestamptz '2020-01-01' + n * interval '1 day', 'Invoice', {VALUES}, 3000, 0, 0, 0, 3000, created_by
FROM numbered UNION ALL
SELECT tenant_id, note_id, 'credit_note', 'issued', 'C/' || n, 'C', n, date '2020-01-01' + n, invoice_id, 'x',
  timestamptz '2020-01-01' + n * interval '1 day', 'Credit note', {VALUES}, n, 0, 0, 0, n, created_by
FROM numbered WHERE n % 2 = 0;
INSERT INTO document_lines (tenant_id, id, document_id, position, description, quantity, unit_price, amount,
  tax_category, tax_kind, supply_rule, net, tax, total)
SELECT tenant_id, gen_random_uuid(), invoice_id, position, 'Work', 1, 1000, 1000, 'standard', 'out_of_scope',
  'recipient', 1000, 0, 1000 FROM numbered, generate_series(1, 3) AS position UNION ALL
SELECT tenant_id, gen_random_uuid(), note_id, 1, 'Work', 1, n, n, 'standard', 'out_of_scope', 'recipient', n,
  0, n FROM numbered WHERE n % 2 = 0;
INSERT INTO refunds (tenant_id, id, payment_id, customer_id, currency, amount, method, reason, credit_note_id,
  refunded_at, created_by)
SELECT tenant_id, gen_random_uuid(), gen_random_uuid(), customer_id, 'INR', n, 'cash', 'x', note_id, now(),
  created_by FROM numbered WHERE n % 2 = 0;
DROP TABLE numbered;
ANALYZE
"""

SOME = text("""
SELECT id AS note, original_id AS invoice, customer_id AS customer FROM documents
WHERE tenant_id = :tenant AND type = 'credit_note' AND number = 'C/700'
""")
LATE = date(2021, 3, 1)

Ask = Callable[[Transaction, Mapping[str, UUID]], Any]


def notes(sort: str = "created_at", position: Position | None = None, **filters: Any) -> Ask:
    request = PageRequest(sort=sort, descending=True, limit=50, position=position)

    def ask(transaction: Transaction, ids: Mapping[str, UUID]) -> Any:
        named = {name: ids.get(str(value), value) for name, value in filters.items()}
        return CreditNoteRepository(transaction).search(request, **named)

    return ask


QUESTIONS: Mapping[str, Ask] = {
    "the newest": notes(),
    "the last ones by date": notes("issue_order"),
    "a later page by date": notes("issue_order", Position("2022-01-01", UUID(int=2**127))),
    "by number": notes("number_order"),
    "the largest": notes("total_order"),
    "of an invoice": notes(invoice_id="invoice"),
    "of a number": notes(number="C/700"),
    "of a week": notes("issue_order", issued_from=LATE, issued_to=date(2021, 3, 8)),
    "one": lambda transaction, ids: CreditNoteRepository(transaction).view(ids["note"]),
    "what is left of an invoice": lambda transaction, ids: CreditedLineRepository(transaction).of_invoice(
        ids["invoice"]
    ),
}
MOST_ROWS = 160
"""A page and its invoices, with some to spare; a business has fourteen times as many documents."""


@pytest.fixture(scope="module")
def busy(server: Server, new_database: Callable[[], str], environ: dict[str, str]) -> Iterator[Business]:
    """A business among others, with years of invoices."""
    name = new_database()
    app = create_app(Config.load({**environ, "DATABASE_URL": login_url(server, name)}))
    businesses = [new_business(Caller(app)) for _ in range(BUSINESSES)]
    for one in businesses:
        create(one, name="Jo")
    run_as_superuser(server, FILL, name)
    yield businesses[0]
    app.extensions[EXTENSION].dispose()


@pytest.mark.parametrize("question", QUESTIONS)
class TestPlans:
    def test_read_what_is_asked_and_little_else(self, busy: Business, question: str) -> None:
        with busy.database.transaction(busy.scope) as transaction:
            ids = transaction.execute(SOME, {"tenant": busy.tenant_id}).one()._asdict()
        plan = explained(busy, lambda transaction: QUESTIONS[question](transaction, ids))
        assert not plan.whole & {"documents", "document_lines", "refunds"}
        assert plan.rows <= MOST_ROWS
