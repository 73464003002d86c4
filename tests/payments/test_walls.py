"""What the database itself refuses, whatever the program does: as the tenant's role, past the services."""

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest
from uuid_utils.compat import uuid7

from mbs.foundation.context import CONTEXT
from mbs.foundation.db import Role
from tests.factories.callers import Business
from tests.factories.issued import issued, new_customer, pay

ALLOCATE = """
INSERT INTO payment_allocations (id, payment_id, document_id, customer_id, currency, amount)
SELECT %(id)s, p.id, d.id, p.customer_id, p.currency, 1 FROM payments AS p, documents AS d
WHERE p.id = %(payment)s AND d.id = %(invoice)s
"""
REFUND = """
INSERT INTO refunds (id, payment_id, customer_id, currency, amount, method, reason, refunded_at)
SELECT %(id)s, id, customer_id, currency, 1, 'cash', 'because', now() FROM payments WHERE id = %(payment)s
"""
UNBALANCED = {
    "an allocation without the sums": ALLOCATE,
    "a refund without the sum": REFUND,
    "a paid amount without a payment": "UPDATE documents SET amount_paid = amount_paid + 1"
    " WHERE id = %(invoice)s",
    "an applied amount without an allocation": "UPDATE payments SET amount_applied = amount_applied + 1"
    " WHERE id = %(payment)s",
    "a refunded amount without a refund": "UPDATE payments SET amount_refunded = 1,"
    " status = 'partially_refunded' WHERE id = %(payment)s",
    "an allocation taken away": "DELETE FROM payment_allocations WHERE payment_id = %(payment)s",
}
FOREVER = {
    "an amount": "UPDATE payments SET amount = 1 WHERE id = %(payment)s",
    "a customer": "UPDATE payments SET customer_id = customer_id WHERE id = %(payment)s",
    "an allocation": "UPDATE payment_allocations SET amount = 1 WHERE payment_id = %(payment)s",
    "a refund": "UPDATE refunds SET amount = 1 WHERE payment_id = %(payment)s",
    "a payment itself": "DELETE FROM payments WHERE id = %(payment)s",
    "a refund itself": "DELETE FROM refunds WHERE payment_id = %(payment)s",
}

Run = Callable[..., str | None]


@pytest.fixture
def run(database_url: str, owner: Business) -> Iterator[Run]:
    """Return a function that runs a statement as the tenant, commits, and gives the code of its refusal."""
    with closing(psycopg2.connect(database_url)) as connection:

        def send(statement: str, **parameters: object) -> str | None:
            context = {"role": Role.TENANT.value, "tenant": str(owner.tenant_id), "actor": str(owner.user_id)}
            times = {"correlation": "t", "statement_ms": "3000", "lock_ms": "1000", "idle_ms": "10000"}
            try:
                with connection, connection.cursor() as cursor:
                    cursor.execute(CONTEXT, {**context, **times})
                    cursor.execute(statement, {"id": str(uuid7()), **parameters})
                    assert cursor.rowcount == 1, "the statement must find its row to be refused"
            except psycopg2.Error as error:
                return error.pgcode
            return None

        yield send


def paid(owner: Business) -> dict[str, str]:
    """Pay a half of an invoice with a half of a payment."""
    customer = new_customer(owner)
    invoice = issued(owner, "100.00", customer_id=customer)["invoiceId"]
    parts = [{"invoiceId": invoice, "amount": "50.00"}]
    payment = pay(owner, "100.00", customerId=customer, allocations=parts, allowUnapplied=True)
    return {"payment": payment["id"], "invoice": invoice}


class TestAtCommit:
    @pytest.mark.parametrize("statement", UNBALANCED.values(), ids=UNBALANCED)
    def test_sums_that_differ_are_refused(self, owner: Business, run: Run, statement: str) -> None:
        assert run(statement, **paid(owner)) == "MB004"

    def test_all_at_once_is_accepted(self, owner: Business, run: Run) -> None:
        """What shows that the statements above fail for the sums alone."""
        sums = (
            "; UPDATE payments SET amount_applied = amount_applied + 1 WHERE id = %(payment)s"
            "; UPDATE documents SET amount_paid = amount_paid + 1 WHERE id = %(invoice)s"
        )
        assert run(ALLOCATE + sums, **paid(owner)) is None


class TestWhatStandsForEver:
    @pytest.mark.parametrize("statement", FOREVER.values(), ids=FOREVER)
    def test_may_not_be_changed(self, owner: Business, run: Run, statement: str) -> None:
        assert run(statement, **paid(owner)) == "42501"


class TestAnAllocation:
    def test_is_of_one_customer_and_one_currency(self, owner: Business, run: Run) -> None:
        ids = paid(owner)
        for other in (issued(owner), issued(owner, customer_id=new_customer(owner), currency="USD")):
            assert run(ALLOCATE, payment=ids["payment"], invoice=other["invoiceId"]) == "23503"
