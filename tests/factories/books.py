"""Books of a business with a row in every table of money."""

from datetime import UTC, datetime
from uuid import UUID

from mbs.branding.schemas import EXAMPLE
from mbs.printing.repository import PrintRepository
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.issued import issued, pay
from tests.factories.money_objects import exchange_rate, tax_rate
from tests.factories.payment_objects import refund


def whole_books(owner: Business) -> None:
    """Write rates, a logo, a paid invoice that waits to be printed, and a payment of which some went back."""
    for make in (tax_rate, exchange_rate, refund):
        make(owner)
    made(owner, "/api/tenant/logo", EXAMPLE, "PUT")
    invoice = issued(owner, "10.00")
    pay(owner, "10.00", **invoice)
    with owner.database.transaction(owner.scope) as transaction:
        id_ = UUID(invoice["invoiceId"])
        PrintRepository(transaction).enqueue(id_, "an edition", at=datetime.now(UTC))
