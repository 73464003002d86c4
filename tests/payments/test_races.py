"""Money under racers: no invoice is paid twice, and no payment given back twice."""

import random
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import Business, Caller, new_business
from tests.factories.issued import KEYS, amiss, issued, new_customer, pay, state
from tests.factories.teams import code_of

Act = Callable[[Caller], TestResponse]


@pytest.fixture
def racer(wide_app: Flask) -> Business:
    """A business that is not counted, so that it may try often."""
    return new_business(Caller(wide_app))


def at_once(racer: Business, acts: list[Act]) -> list[TestResponse]:
    """Do all at the same moment."""
    start = Barrier(len(acts))

    def make(act: Act) -> TestResponse:
        caller = Caller(racer.app, token=racer.token, address=racer.address)
        start.wait()
        return act(caller)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(make, acts))


def post(path: str, body: Any, caller: Caller, **options: Any) -> TestResponse:
    return caller.post(path, body, **options)


def remove(path: str, caller: Caller) -> TestResponse:
    return caller.delete(path)


def outcomes(answers: list[TestResponse]) -> Counter[Any]:
    return Counter(one.status_code if one.status_code < 400 else code_of(one) for one in answers)


class TestPayments:
    def test_of_all_that_is_due_pay_it_exactly(self, racer: Business) -> None:
        invoice = issued(racer, "100.00")
        body = {**KEYS, **invoice, "amount": "10.00"}

        answers = at_once(racer, [partial(post, "/api/payments", body)] * 10)

        assert outcomes(answers) == {201: 10}
        assert state(racer, invoice["invoiceId"]) == ("paid", "100.00", "0.00")
        numbers = sorted(one.get_json()["number"] for one in answers)
        assert [number.rpartition("/")[2] for number in numbers] == [f"{n:05}" for n in range(1, 11)]
        assert amiss(racer) == []

    def test_of_half_each_succeed_twice(self, racer: Business) -> None:
        invoice = issued(racer, "118.00")
        body = {**KEYS, **invoice, "amount": "59.00"}

        answers = at_once(racer, [partial(post, "/api/payments", body)] * 20)

        assert outcomes(answers) == {201: 2, (409, "OVERPAYMENT"): 18}
        assert state(racer, invoice["invoiceId"]) == ("paid", "118.00", "0.00")
        assert amiss(racer) == []

    def test_under_one_key_are_one(self, racer: Business) -> None:
        invoice = issued(racer, "100.00")
        body, key = {**KEYS, **invoice, "amount": "10.00"}, {"Idempotency-Key": "one"}

        answers = at_once(racer, [partial(post, "/api/payments", body, headers=key)] * 30)

        assert outcomes(answers) == {201: 30}
        assert len({one.get_data() for one in answers}) == 1
        assert sum(one.headers.get("Idempotent-Replayed") == "true" for one in answers) == 29
        assert state(racer, invoice["invoiceId"]) == ("open", "10.00", "90.00")

    def test_of_the_same_invoices_in_any_order_never_wait_for_each_other_in_a_circle(
        self, racer: Business
    ) -> None:
        customer = new_customer(racer)
        bills = [issued(racer, "100.00", customer_id=customer)["invoiceId"] for _ in range(5)]
        acts: list[Act] = []
        for number in range(20):
            shuffled = random.Random(number).sample(bills, len(bills))
            parts = [{"invoiceId": id_, "amount": "1.00"} for id_ in shuffled]
            body = {**KEYS, "customerId": customer, "amount": "5.00", "allocations": parts}
            acts.append(partial(post, "/api/payments", body))

        assert outcomes(at_once(racer, acts)) == {201: 20}
        assert [state(racer, id_)[1] for id_ in bills] == ["20.00"] * 5


class TestRefunds:
    def test_never_give_back_more_than_came(self, racer: Business) -> None:
        payment = pay(racer, "100.00", **issued(racer, "100.00"))
        body = {"amount": "30.00", "reason": "Came too late"}

        answers = at_once(racer, [partial(post, f"/api/payments/{payment['id']}/refunds", body)] * 12)

        counted = outcomes(answers)
        assert counted[201] == 3
        assert set(counted) <= {201, (409, "REFUND_EXCEEDS_PAYMENT"), (409, "BUSY")}
        left = racer.get(f"/api/payments/{payment['id']}").get_json()
        assert (left["amountRefunded"], left["amountApplied"]) == ("90.00", "10.00")
        assert amiss(racer) == []


class TestWhateverHappensToAPayment:
    @pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
    def test_at_once_leaves_it_the_sum_of_what_it_is_for(self, racer: Business, rounds: int) -> None:
        for number in range(rounds):
            customer = new_customer(racer)
            bills = [issued(racer, "50.00", customer_id=customer)["invoiceId"] for _ in range(3)]
            payment = pay(
                racer,
                "100.00",
                customerId=customer,
                allocations=[{"invoiceId": bills[0], "amount": "20.00"}],
                allowUnapplied=True,
            )
            path = f"/api/payments/{payment['id']}"
            refund = partial(post, f"{path}/refunds", {"amount": "15.00", "reason": "Came too late"})
            acts: list[Act] = [
                *(partial(post, f"{path}/allocations", apply_to(id_, "20.00")) for id_ in bills * 2),
                partial(remove, f"{path}/allocations/{payment['allocations'][0]['id']}"),
                *([refund] * 2 if number % 2 else []),
                *[partial(post, f"{path}/reverse", {"reason": "The cheque bounced"})] * 2,
                *(partial(post, "/api/payments", {**KEYS, **whole(customer, id_)}) for id_ in bills),
            ]
            random.Random(number).shuffle(acts)

            counted = outcomes(at_once(racer, acts))

            refused = {one[1] for one in counted if isinstance(one, tuple)}
            assert refused <= {"BUSY", "CONFLICT", "INVALID_STATE", "OVERPAYMENT", "NOT_FOUND"}, counted
            assert amiss(racer) == []
            left = racer.get(path).get_json()
            if left["status"] == "reversed":
                assert (left["amountApplied"], left["allocations"]) == ("0.00", [])


def apply_to(invoice_id: str, amount: str) -> dict[str, Any]:
    return {"allocations": [{"invoiceId": invoice_id, "amount": amount}]}


def whole(customer: str, invoice_id: str) -> dict[str, Any]:
    return {"customerId": customer, "invoiceId": invoice_id, "amount": "50.00"}
