"""What a request about payments needs to be accepted, where the document's example does not do."""

from collections.abc import Callable, Mapping

from tests.factories.calendar_requests import Prepared
from tests.factories.callers import Business
from tests.factories.issued import issued, new_customer, pay


def record(owner: Business) -> Prepared:
    invoice = issued(owner, "999.00")
    parts = [{"invoiceId": invoice["invoiceId"], "amount": "999.00"}]
    return Prepared(body={"customerId": invoice["customerId"], "allocations": parts})


def apply(owner: Business) -> Prepared:
    customer = new_customer(owner)
    payment = pay(owner, "999.00", customerId=customer, allowUnapplied=True)
    invoice = issued(owner, "100.00", customer_id=customer)
    parts = [{"invoiceId": invoice["invoiceId"], "amount": "100.00"}]
    return Prepared({"payment_id": payment["id"]}, {"allocations": parts})


def undo(owner: Business) -> Prepared:
    """Prepare what takes money back out of the invoice that it has paid."""
    return Prepared({"payment_id": pay(owner, "100.00", **issued(owner, "100.00"))["id"]})


PREPARED: Mapping[str, Callable[[Business], Prepared]] = {
    "POST /api/payments": record,
    "POST /api/payments/{payment_id}/allocations": apply,
    "POST /api/payments/{payment_id}/refunds": undo,
    "POST /api/payments/{payment_id}/reverse": undo,
}
"""By the operation's name."""
