"""What a request about money needs to be accepted, where the document's example does not do."""

from collections.abc import Callable, Mapping

from tests.factories import print_objects
from tests.factories.answers import made
from tests.factories.calendar_objects import wish
from tests.factories.calendar_requests import Prepared
from tests.factories.callers import Business
from tests.factories.invoices import new_customer, new_invoice
from tests.factories.money_objects import new_day


def write_draft(owner: Business) -> Prepared:
    return Prepared(body={"customerId": new_customer(owner)})


def act_on_invoice(owner: Business) -> Prepared:
    customer = new_customer(owner, email="jane@example.com")
    return Prepared({"invoice_id": new_invoice(owner, customerId=customer)["id"]})


def bill_booking(owner: Business) -> Prepared:
    return Prepared({"booking_id": made(owner, "/api/bookings", wish(owner))["id"]})


def add_rate(owner: Business) -> Prepared:
    return Prepared(body={"validFrom": new_day()})


PREPARED: Mapping[str, Callable[[Business], Prepared]] = {
    **print_objects.PREPARED,
    "POST /api/exchange-rates": add_rate,
    "POST /api/invoices": write_draft,
    "POST /api/invoices/preview": write_draft,
    "POST /api/invoices/{invoice_id}/send": act_on_invoice,
    "POST /api/invoices/{invoice_id}/void": act_on_invoice,
    "POST /api/invoices/{invoice_id}/mark-uncollectible": act_on_invoice,
    "POST /api/bookings/{booking_id}/invoice": bill_booking,
}
"""By the operation."""
