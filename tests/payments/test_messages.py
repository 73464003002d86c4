"""How many messages a payment costs PostgreSQL: as many for a hundred invoices as for one."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.payments.models import MOST_ALLOCATIONS
from tests.contract.round_trips import Counter
from tests.factories.callers import Business, Caller, new_business
from tests.factories.issued import KEYS, issued, new_customer, pay, state

Send = Callable[[], TestResponse]


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true"}))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def counter(counted_app: Flask) -> Counter:
    return Counter(counted_app)


@pytest.fixture(scope="module")
def payer(counted_app: Flask) -> Business:
    return new_business(Caller(counted_app))


def bills(payer: Business, count: int) -> tuple[str, list[dict[str, str]]]:
    """Write invoices of 1 to a new customer; return who that is, and what pays them all."""
    customer = new_customer(payer)
    ids = [issued(payer, "1.00", customer_id=customer)["invoiceId"] for _ in range(count)]
    return customer, [{"invoiceId": id_, "amount": "1.00"} for id_ in ids]


def record(payer: Business, count: int) -> Send:
    customer, parts = bills(payer, count)
    body = {**KEYS, "customerId": customer, "amount": f"{count}.00", "allocations": parts}
    return lambda: payer.post("/api/payments", body)


def apply(payer: Business, count: int) -> Send:
    customer, parts = bills(payer, count)
    payment = pay(payer, "100.00", customerId=customer, allowUnapplied=True)
    return lambda: payer.post(f"/api/payments/{payment['id']}/allocations", {"allocations": parts})


def paid(payer: Business, count: int) -> dict[str, Any]:
    customer, parts = bills(payer, count)
    return pay(payer, f"{count}.00", customerId=customer, allocations=parts)


def refund(payer: Business, count: int) -> Send:
    path = f"/api/payments/{paid(payer, count)['id']}/refunds"
    return lambda: payer.post(path, {"amount": f"{count}.00", "reason": "Came too late"})


def reverse(payer: Business, count: int) -> Send:
    path = f"/api/payments/{paid(payer, count)['id']}/reverse"
    return lambda: payer.post(path, {"reason": "The cheque bounced"})


class TestMessages:
    @pytest.mark.parametrize("prepare", [record, apply, refund, reverse], ids=lambda one: one.__name__)
    def test_are_as_many_for_a_hundred_invoices_as_for_one(
        self, payer: Business, counter: Counter, prepare: Callable[[Business, int], Send]
    ) -> None:
        one, most = (counter.count(prepare(payer, count)).own for count in (1, MOST_ALLOCATIONS))

        assert one == most

    def test_of_a_hundred_pay_all_of_them(self, payer: Business) -> None:
        """What shows that there was something to count."""
        payment = paid(payer, MOST_ALLOCATIONS)

        assert len(payment["allocations"]) == MOST_ALLOCATIONS
        assert {state(payer, one["invoiceId"])[0] for one in payment["allocations"]} == {"paid"}
