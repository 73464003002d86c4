"""Whatever is done to payments in whatever order: all sums hold, and no money appears or is lost."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from mbs.payments.models import split_latest
from tests.factories.callers import Business, Caller, new_business
from tests.factories.issued import KEYS, amiss, issued, new_customer

BILLS = ("100.00", "33.33", "0.01")

STEPS = st.one_of(
    st.tuples(st.just("record"), st.integers(1, 15000), st.booleans(), st.integers(0, 2)),
    st.tuples(st.just("apply"), st.integers(1, 12000), st.integers(0, 3), st.integers(0, 2)),
    st.tuples(st.just("unapply"), st.integers(0, 3), st.integers(0, 3)),
    st.tuples(st.just("refund"), st.integers(1, 12000), st.integers(0, 3)),
    st.tuples(st.just("reverse"), st.integers(0, 3)),
)
REFUSALS = {"OVERPAYMENT", "CONFLICT", "INVALID_STATE", "REFUND_EXCEEDS_PAYMENT"}


@pytest.fixture(scope="module")
def payer(wide_app: Flask) -> Business:
    return new_business(Caller(wide_app))


class Till:
    """One customer's money, with what is known of it by the answers alone."""

    def __init__(self, owner: Business) -> None:
        self.owner, self.customer = owner, new_customer(owner)
        self.bills = [issued(owner, total, customer_id=self.customer)["invoiceId"] for total in BILLS]
        self.payments: list[str] = []

    def take(self, step: tuple[Any, ...]) -> None:
        kind, *values = step
        if kind != "record" and not self.payments:
            return
        response: TestResponse = getattr(self, kind)(*values)
        if response.status_code >= 400:
            assert response.get_json()["code"] in REFUSALS, response.get_data(as_text=True)

    def record(self, paise: int, allow: bool, bill: int) -> TestResponse:
        body = {"customerId": self.customer, "invoiceId": self.bills[bill], "amount": money(paise)}
        response = self.owner.post("/api/payments", {**KEYS, **body, "allowUnapplied": allow})
        if response.status_code == 201:
            self.payments.append(response.get_json()["id"])
        return response

    def apply(self, paise: int, payment: int, bill: int) -> TestResponse:
        parts = {"allocations": [{"invoiceId": self.bills[bill], "amount": money(paise)}]}
        return self.owner.post(f"{self.path(payment)}/allocations", parts)

    def unapply(self, payment: int, allocation: int) -> TestResponse:
        path = self.path(payment)
        shown = self.owner.get(path)
        found = shown.get_json()["allocations"]
        if not found:
            return shown
        return self.owner.delete(f"{path}/allocations/{found[allocation % len(found)]['id']}")

    def refund(self, paise: int, payment: int) -> TestResponse:
        body = {"amount": money(paise), "reason": "Came too late"}
        return self.owner.post(f"{self.path(payment)}/refunds", body)

    def reverse(self, payment: int) -> TestResponse:
        return self.owner.post(f"{self.path(payment)}/reverse", {"reason": "The cheque bounced"})

    def path(self, payment: int) -> str:
        return f"/api/payments/{self.payments[payment % len(self.payments)]}"

    def check(self) -> None:
        assert amiss(self.owner) == []
        found = self.owner.get(f"/api/payments?customerId={self.customer}&limit=100").get_json()["data"]
        for one in found:
            amount, applied, refunded, rest = (
                Decimal(one[name])
                for name in ("amount", "amountApplied", "amountRefunded", "amountUnapplied")
            )
            assert min(applied, refunded, rest) >= 0
            gone = amount if one["status"] == "reversed" else Decimal(0)
            assert applied + refunded + rest + gone == amount, one


def money(paise: int) -> str:
    return f"{paise // 100}.{paise % 100:02}"


def run(payer: Business, steps: Iterable[tuple[Any, ...]]) -> None:
    till = Till(payer)
    for step in steps:
        till.take(step)
        till.check()


class TestAnySequence:
    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=st.lists(STEPS, min_size=4, max_size=12))
    @example(steps=[("record", 10000, False, 0), ("refund", 4000, 0), ("apply", 1, 0, 1), ("reverse", 0)])
    def test_leaves_all_sums_right(self, payer: Business, steps: list[tuple[Any, ...]]) -> None:
        run(payer, steps)

    @pytest.mark.slow
    @settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=st.lists(STEPS, min_size=4, max_size=25))
    def test_leaves_all_sums_right_however_long(self, payer: Business, steps: list[tuple[Any, ...]]) -> None:
        run(payer, steps)


class Part:
    def __init__(self, amount: Decimal) -> None:
        self.amount = amount


class TestSplitting:
    @given(st.lists(st.integers(1, 1000), max_size=6), st.data())
    def test_takes_exactly_so_much_in_their_order(self, amounts: list[int], data: st.DataObject) -> None:
        parts = [Part(Decimal(amount)) for amount in amounts]
        wanted = Decimal(data.draw(st.integers(0, sum(amounts))))

        taken, rest = split_latest(parts, wanted)

        assert sum(part for _, part in taken) == wanted
        assert [one for one, _ in taken] == parts[: len(taken)]
        assert all(part == one.amount for one, part in taken[:-1])
        if rest is None:
            assert all(part == one.amount for one, part in taken)
        else:
            assert rest == (taken[-1][0], taken[-1][0].amount - taken[-1][1])
            assert rest[1] > 0

    def test_refuses_more_than_there_is(self) -> None:
        with pytest.raises(ValueError, match="hold less"):
            split_latest([Part(Decimal(1))], Decimal(2))
