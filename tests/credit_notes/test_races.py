"""Racers for one invoice: whatever order they come in, no line is credited twice and no money is lost."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event
from werkzeug.test import TestResponse

from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.auth.racing import together
from tests.credit_notes.crediting import credit, credited, line, money_of
from tests.factories.answers import listed
from tests.factories.callers import Business, Caller, new_business
from tests.factories.invoices import charge_gst, item, new_invoice
from tests.factories.issued import new_key, pay
from tests.money.invariants import violations


@pytest.fixture
def wide(wide_app: Flask, server: Server, database_name: str) -> Any:
    """A business whose requests are not limited; behind the test all its money is in order."""
    owner = charge_gst(new_business(Caller(wide_app)))
    yield owner
    assert violations(server.url(database_name), owner.tenant_id) == []


def outcomes(answers: list[TestResponse]) -> Counter[Any]:
    return Counter(one.status_code if one.status_code < 300 else one.get_json()["code"] for one in answers)


class TestTenRacers:
    def test_credit_one_line_once_in_all(self, wide: Business) -> None:
        invoice = new_invoice(wide, item(quantity="4"))
        part = line(invoice, quantity="1")
        answers = together(10, lambda _: credit(wide, invoice["id"], part))
        assert outcomes(answers) == {201: 4, "CREDIT_EXCEEDS_LINE": 6}
        notes = listed(wide, "/api/credit-notes?sortBy=number&limit=100")
        assert [one["number"][-5:] for one in notes] == ["00001", "00002", "00003", "00004"]
        assert sum(Decimal(one["total"]) for one in notes) == Decimal(invoice["total"])

    def test_that_credit_the_same_seven_tenths_of_it_leave_three(self, wide: Business) -> None:
        invoice = new_invoice(wide, item(unitPrice="1000.00"))
        answers = together(10, lambda _: credit(wide, invoice["id"], line(invoice, amount="700.00")))
        assert outcomes(answers) == {201: 1, "CREDIT_EXCEEDS_LINE": 9}


class TestCreditAndPayment:
    def test_never_take_more_than_the_invoice(self, wide: Business) -> None:
        invoice = new_invoice(wide, item(unitPrice="1000.00"))
        target = {"customerId": invoice["customerId"], "invoiceId": invoice["id"]}
        payment = {**target, "amount": "100.00", "currency": "INR", "method": "cash"}

        def race(number: int) -> TestResponse:
            if number % 2:
                return credit(wide, invoice["id"], line(invoice, amount="100.00"))
            return wide.post("/api/payments", payment, headers=new_key())

        answers = together(16, race)
        won = outcomes(answers)
        # A credit of what has been paid meanwhile says so, and a payment of what has been credited.
        assert set(won) <= {201, "OVERPAYMENT", "INVALID_STATE"}
        assert won[201] == 10
        assert money_of(wide, invoice["id"])[0] == "paid"

    def test_refunds_and_notes_take_turns(self, wide: Business) -> None:
        invoice = new_invoice(wide, item(unitPrice="1000.00"))
        paid = pay(wide, "1000.00", customerId=invoice["customerId"], invoiceId=invoice["id"])

        def race(number: int) -> TestResponse:
            if number % 2:
                return credit(wide, invoice["id"], line(invoice, amount="100.00"), settle="refund")
            body = {"amount": "100.00", "reason": "Too late"}
            return wide.post(f"/api/payments/{paid['id']}/refunds", body, headers=new_key())

        won = outcomes(together(12, race))
        # Notes and refunds want 1200 of the 1000 that came in.
        assert set(won) <= {201, "BUSY", "REFUND_EXCEEDS_PAYMENT"}
        assert won[201] >= 6


class TestStatements:
    def test_are_as_many_for_many_lines_and_payments_as_for_one(self, salon: Business) -> None:
        small = new_invoice(salon, item())
        large = new_invoice(salon, *[item(quantity="2")] * 20)
        for invoice, amounts in ((small, ["999.00"]), (large, ["9990.00"] * 4)):
            for amount in amounts:
                pay(salon, amount, customerId=invoice["customerId"], invoiceId=invoice["id"])
        counts = []
        for invoice in (small, large):
            sent: list[str] = []
            engine = salon.app.extensions[EXTENSION].engine

            def note(_: Any, cursor: Any, statement: str, *rest: Any, to: list[str] = sent) -> None:
                to.append(statement)

            event.listen(engine, "before_cursor_execute", note)
            credited(salon, invoice["id"], settle="refund")
            event.remove(engine, "before_cursor_execute", note)
            counts.append(len(sent))
        assert counts[0] == counts[1]
        assert counts[0] <= 20
