"""The questions about money: each is answered by what it is about, so that their silence means something."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from babel.numbers import get_currency_precision, list_currencies

from mbs.operations.embedded_postgres import Server
from tests.credit_notes.crediting import credited, line
from tests.factories.callers import Business
from tests.factories.invoices import charge_gst, item, new_draft, new_invoice
from tests.factories.issued import pay
from tests.money.invariants import INVARIANTS, asked

BREAKS = {
    "a document is the sum of its lines": "UPDATE document_lines SET net = net + 1, total = total + 1",
    "a line is its net and its taxes": "UPDATE document_lines SET tax = tax + 1, total = total + 1",
    "a line comes to its amount, in the document's tax mode": "UPDATE document_lines SET amount = amount + 1",
    "what was paid of a document is the sum of its allocations": "DELETE FROM payment_allocations",
    "what was credited of a document is the sum of its credit notes": (
        "UPDATE documents SET amount_credited = 0 WHERE amount_credited > 0"
    ),
    "no more is paid and credited than the total": "UPDATE documents SET amount_paid = total + 1",
    "the status of a document follows its money": (
        "UPDATE documents SET status = 'open' WHERE status = 'paid'"
    ),
    "a payment is what it is for, what went back, and what is left": "DELETE FROM refunds",
    "the status of a payment follows its money": "UPDATE payments SET status = 'refunded'",
    "only issued invoices are paid": "UPDATE documents SET status = 'void' WHERE amount_paid > 0",
    "numbers have no gap, and stand for what was issued": (
        "UPDATE documents SET seq = seq + 1 WHERE type = 'credit_note'"
    ),
    "numbers of documents run as their dates do": (
        "UPDATE documents SET issue_date = issue_date + 9 WHERE type = 'invoice' AND seq = 1"
    ),
    "a draft has no number, and what is issued has all that it must show": (
        "UPDATE documents SET seller = '{}' WHERE number IS NOT NULL"
    ),
    "nothing is billed twice": (
        "UPDATE document_lines SET source_type = 'booking_fee', released = false, source_id = tenant_id"
    ),
    "what is void or wholly credited may be billed again, and nothing else": (
        "UPDATE document_lines SET released = NOT released"
    ),
    "no more is credited than the line": (
        "UPDATE document_lines SET credited_quantity = 9 WHERE credited_quantity IS NOT NULL"
    ),
    "no more of a tax is credited than was charged": (
        "UPDATE document_lines SET taxes = jsonb_set(taxes, '{0,amount}', '\"999.00\"')"
        " WHERE credited_line_id IS NOT NULL"
    ),
    "a credit note takes back lines of its own invoice": (
        "UPDATE document_lines SET credited_line_id = NULL WHERE credited_line_id IS NOT NULL"
    ),
    "a credit note is its invoice's: customer, currency, seller, buyer and place": (
        "UPDATE documents SET place_of_supply = '07' WHERE type = 'credit_note'"
    ),
    "money stays with its customer and in its currency": "UPDATE payments SET currency = 'USD'",
    "no more goes back than a credit note takes back": "UPDATE refunds SET amount = amount + 1000",
    "amounts are what their currency can pay": "UPDATE payments SET amount = amount + 0.001",
    "the trail tells once of each document, payment and refund": (
        "DELETE FROM events WHERE type = 'credit_note.issued'"
    ),
}
"""For each question what it must not miss."""

LOOSEN = """
DO $$
DECLARE it record;
BEGIN
    FOR it IN SELECT conrelid::regclass AS of, conname FROM pg_constraint WHERE contype IN ('c', 'f', 'u')
        AND conrelid IN ('documents'::regclass, 'document_lines'::regclass, 'payments'::regclass,
            'payment_allocations'::regclass, 'refunds'::regclass)
    LOOP EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', it.of, it.conname); END LOOP;
END $$;
DROP INDEX uq__document_lines__source;
SET LOCAL session_replication_role = replica
"""
"""Without constraints and triggers, until the transaction is taken back."""


@pytest.fixture
def ledger(server: Server, database_name: str, owner: Business) -> Iterator[Any]:
    """A superuser's cursor on a business with a bit of everything; what it does is taken back."""
    charge_gst(owner)
    new_draft(owner)
    invoice = new_invoice(owner, item(quantity="2"))
    pay(owner, "1998.00", customerId=invoice["customerId"], invoiceId=invoice["id"])
    credited(owner, invoice["id"], line(invoice, quantity="1"), settle="refund")
    pay(owner, "500.00", customerId=invoice["customerId"], allowUnapplied=True)
    new_invoice(owner)
    with closing(psycopg2.connect(server.url(database_name))) as connection, connection.cursor() as cursor:
        yield cursor


class TestQuestions:
    def test_find_what_they_are_about_and_are_silent_otherwise(self, ledger: Any, owner: Business) -> None:
        assert asked(ledger, owner.tenant_id) == []
        ledger.execute(LOOSEN)
        assert BREAKS.keys() == INVARIANTS.keys()
        for name, breaks in BREAKS.items():
            ledger.execute("SAVEPOINT sound")
            where = " AND" if "WHERE" in breaks else " WHERE"
            ledger.execute(f"{breaks}{where} tenant_id = %s", (str(owner.tenant_id),))
            assert ledger.rowcount, f"nothing to break: {name}"
            assert name in {broken for broken, _ in asked(ledger, owner.tenant_id)}, name
            ledger.execute("ROLLBACK TO sound")


class TestScales:
    def test_of_the_database_are_those_of_the_program(self, ledger: Any) -> None:
        ledger.execute(
            "SELECT code, currency_scale(code) FROM unnest(%s) AS code", (sorted(list_currencies()),)
        )
        assert dict(ledger.fetchall()) == {one: get_currency_precision(one) for one in list_currencies()}
