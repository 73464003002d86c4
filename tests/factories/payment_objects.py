"""A payment or a refund for each id that a path of the API can name."""

from collections.abc import Callable, Mapping

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.issued import issued, new_customer, pay


def payment(owner: Business) -> dict[str, str]:
    """Make a payment of 999 that is applied to nothing yet."""
    return {"payment_id": pay(owner, "999.00", customerId=new_customer(owner), allowUnapplied=True)["id"]}


def allocation(owner: Business) -> dict[str, str]:
    made_ = pay(owner, "100.00", **issued(owner, "100.00"))
    return {"payment_id": made_["id"], "allocation_id": made_["allocations"][0]["id"]}


def refund(owner: Business) -> dict[str, str]:
    path = f"/api/payments/{payment(owner)['payment_id']}/refunds"
    return {"refund_id": made(owner, path, {"amount": "1.00", "reason": "Came too late"})["id"]}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/payments/{payment_id}": payment,
    "/api/payments/{payment_id}/allocations/{allocation_id}": allocation,
    "/api/refunds/{refund_id}": refund,
}
