"""Drafts, invoices, payments, refunds and credit notes, in any order, against a small model of them.

After each step every answer is what the model says, the tables hold what the model holds, and all that a
superuser asks of money holds.
"""

from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any, ClassVar

import psycopg2
import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.factories.answers import made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.invoices import charge_gst, new_customer
from tests.factories.issued import new_key
from tests.money.invariants import asked
from tests.money.ledger import UNITS, ZERO, Invoice, Ledger, Line, Part, Payment, Refused, rounded

STORED = """
SELECT id::text, status, amount_paid, amount_credited, amount_due FROM documents
WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id::text, status, amount_applied, amount_refunded, amount_unapplied FROM payments
WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
"""
QUANTITIES = st.sampled_from(["1", "2", "3", "0.5", "1.234", "7"])
UNIT_PRICES = st.integers(0, 3) | st.integers(100, 200_000)
THOUSANDTH = Decimal("0.001")
ROUNDINGS = st.sampled_from([None, None, "1.00", "5.00"])

ITEMS = st.lists(
    st.fixed_dictionaries(
        {
            "quantity": QUANTITIES,
            "unitPrice": UNIT_PRICES,
            "taxCategory": st.sampled_from(["standard", "beauty_wellness", "zero", "exempt"]),
            "discount": st.sampled_from([None, None, None, {"type": "percent", "value": "12.5"}]),
        }
    ),
    min_size=1,
    max_size=3,
)


class Machine(RuleBasedStateMachine):
    owner: ClassVar[Business]
    cursor: ClassVar[Any]
    customers: ClassVar[list[str]]

    @initialize(cash=ROUNDINGS, scope=st.sampled_from(["document", "line"]))
    def open(self, cash: str | None, scope: str) -> None:
        self.ledger = Ledger()
        rules = {"invoicing": {"cashRounding": cash, "roundingScope": scope}}
        assert self.owner.patch("/api/tenant/settings", rules).status_code == 200

    # How the service and the model are asked

    def both(self, model: Callable[[], Any], request: Callable[[], TestResponse]) -> Any:
        """Ask both; return what the model said and the service's answer, None if both refuse."""
        try:
            said = model()
        except Refused:
            response = request()
            assert response.status_code in (400, 409), response.get_json()
            return None
        response = request()
        assert response.status_code in (200, 201, 204), response.get_json()
        return said, response.get_json()

    def post(self, path: str, body: Any) -> Callable[[], TestResponse]:
        return lambda: self.owner.post(path, body, headers=new_key())

    def amount(self, data: st.DataObject, most: Decimal, currency: str) -> Decimal:
        """Return an amount around one that matters: often just it, sometimes just above."""
        unit = UNITS[currency]
        around = [most, most, most / 2, most / 3, most - unit, most + unit, unit]
        return max(rounded(data.draw(st.sampled_from(around)), currency), unit)

    def invoice(self, data: st.DataObject) -> Invoice:
        return data.draw(st.sampled_from(self.ledger.invoices))

    def payment(self, data: st.DataObject) -> Payment:
        return data.draw(st.sampled_from(self.ledger.payments))

    # What happens to documents

    @rule(
        which=st.integers(0, 1),
        currency=st.sampled_from(["INR", "INR", "JPY"]),
        mode=st.sampled_from(["inclusive", "exclusive"]),
        items=ITEMS,
        off=st.sampled_from([None, None, {"type": "percent", "value": "10"}]),
        issue=st.integers(0, 4),
    )
    def write(self, which: int, currency: str, mode: str, items: Any, off: Any, issue: int) -> None:
        body = {
            "customerId": self.customers[which],
            "currency": currency,
            "taxMode": mode,
            "discount": off,
            "items": [
                {**one, "description": "Work", "unitPrice": str(one["unitPrice"] * UNITS[currency])}
                for one in items
            ],
        }
        draft = made(self.owner, "/api/invoices", body)
        lines = [Line(one["id"], Decimal(one["quantity"]), Decimal(one["total"])) for one in draft["items"]]
        total = Decimal(draft["total"])
        self.ledger.invoices.append(Invoice(draft["id"], body["customerId"], currency, total, lines))
        if issue:
            self.issue_it(self.ledger.invoices[-1])

    def issue_it(self, invoice: Invoice) -> None:
        response = self.owner.post(f"/api/invoices/{invoice.id}/issue", {})
        assert response.status_code == (200 if invoice.status == "draft" else 409), response.get_json()
        if invoice.status == "draft":
            assert Decimal(response.get_json()["total"]) == invoice.total
            invoice.status = "open"
            self.ledger.settle()

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data())
    def issue(self, data: st.DataObject) -> None:
        self.issue_it(self.invoice(data))

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), remove=st.booleans())
    def rewrite(self, data: st.DataObject, remove: bool) -> None:
        invoice = self.invoice(data)
        path, is_draft = f"/api/invoices/{invoice.id}", invoice.status == "draft"
        response = self.owner.delete(path) if remove else self.owner.patch(path, {"notes": "Thank you"})
        assert response.status_code == ((204 if remove else 200) if is_draft else 409), response.get_json()
        if remove and is_draft:
            self.ledger.invoices.remove(invoice)

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data())
    def void(self, data: st.DataObject) -> None:
        invoice = self.invoice(data)
        moved = self.ledger.paid(invoice) + invoice.credited
        allowed = invoice.status in ("open", "uncollectible") and not moved
        response = self.owner.post(f"/api/invoices/{invoice.id}/void", {"reason": "Typo"})
        assert response.status_code == (200 if allowed else 409), response.get_json()
        invoice.status = "void" if allowed else invoice.status

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        invoice = self.invoice(data)
        allowed = invoice.status == "open"
        response = self.owner.post(f"/api/invoices/{invoice.id}/mark-uncollectible")
        assert response.status_code == (200 if allowed else 409), response.get_json()
        invoice.status = "uncollectible" if allowed else invoice.status

    # What happens to money

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), surplus=st.booleans(), stranger=st.integers(0, 9))
    def pay(self, data: st.DataObject, surplus: bool, stranger: int) -> None:
        first = self.invoice(data)
        chosen = data.draw(st.sets(st.sampled_from(self.ledger.invoices), max_size=2)) | {first}
        customer = self.customers[stranger == 0] if stranger < 2 else first.customer
        wanted = {
            one: self.amount(data, self.ledger.due(one), one.currency)
            for one in sorted(chosen, key=self.ledger.invoices.index)
        }
        amount = sum(wanted.values(), ZERO) + data.draw(st.sampled_from([0, 0, 0, 100]))
        if first.currency == "JPY":
            amount = max(amount.quantize(Decimal(1)), Decimal(1))
        payment = Payment("", customer, first.currency, amount)
        body = {
            "customerId": customer,
            "currency": first.currency,
            "amount": str(amount),
            "method": "cash",
            "allowUnapplied": surplus,
            "allocations": [{"invoiceId": one.id, "amount": str(part)} for one, part in wanted.items()],
        }
        done = self.both(
            lambda: self.ledger.pay(payment, wanted, surplus=surplus), self.post("/api/payments", body)
        )
        if done:
            payment.id = done[1]["id"]

    @precondition(lambda self: self.ledger.payments)
    @rule(data=st.data())
    def apply(self, data: st.DataObject) -> None:
        payment, invoice = self.payment(data), self.invoice(data)
        most = min(self.ledger.unapplied(payment), self.ledger.due(invoice))
        amount = self.amount(data, most, payment.currency)
        body = {"allocations": [{"invoiceId": invoice.id, "amount": str(amount)}]}
        path = f"/api/payments/{payment.id}/allocations"
        self.both(lambda: self.ledger.apply(payment, {invoice: amount}), self.post(path, body))

    @precondition(lambda self: self.ledger.allocations)
    @rule(data=st.data())
    def unapply(self, data: st.DataObject) -> None:
        gone = data.draw(st.sampled_from(self.ledger.allocations))
        theirs = [one for one in self.ledger.allocations if one.payment is gone.payment]
        view = self.owner.get(f"/api/payments/{gone.payment.id}").get_json()
        # Both stand in the order in which they were made.
        shown = [(one["invoiceId"], Decimal(one["amount"])) for one in view["allocations"]]
        assert shown == [(one.invoice.id, one.amount) for one in theirs]
        id_ = view["allocations"][theirs.index(gone)]["id"]
        response = self.owner.delete(f"/api/payments/{gone.payment.id}/allocations/{id_}")
        assert response.status_code == 204, response.get_json()
        self.ledger.allocations.remove(gone)
        self.ledger.settle()

    @precondition(lambda self: self.ledger.payments)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        payment = self.payment(data)
        amount = self.amount(data, payment.amount - payment.refunded, payment.currency)
        body = {"amount": str(amount), "reason": "Too late"}
        path = f"/api/payments/{payment.id}/refunds"
        self.both(lambda: self.ledger.refund(payment, amount), self.post(path, body))

    @precondition(lambda self: self.ledger.payments)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        payment = self.payment(data)
        path = f"/api/payments/{payment.id}/reverse"
        self.both(lambda: self.ledger.reverse(payment), self.post(path, {"reason": "Bounced"}))

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), whole=st.integers(0, 4), settle=st.sampled_from(["apply", "refund", "balance"]))
    def credit(self, data: st.DataObject, whole: int, settle: str) -> None:
        invoice = self.invoice(data)
        body: dict[str, Any] = {"reason": "Too late", "settle": settle}
        parts: list[Part] | None = None
        if whole:
            lines = data.draw(st.sets(st.sampled_from(invoice.lines), min_size=1))
            parts = [self.part(data, line, invoice.currency) for line in invoice.lines if line in lines]
            body["lines"] = [{"invoiceLineId": line.id, kind: str(much)} for line, kind, much in parts]
        done = self.both(
            lambda: self.ledger.credit(invoice, parts, settle=settle),
            self.post(f"/api/invoices/{invoice.id}/credit-notes", body),
        )
        if done:
            total, note = done
            assert Decimal(note["total"]) == total
            assert (note["invoiceId"], note["settlement"]) == (invoice.id, settle)

    def part(self, data: st.DataObject, line: Line, currency: str) -> Part:
        if data.draw(st.booleans()):
            left = line.quantity - line.by
            much = data.draw(st.sampled_from([left, left, left / 2, THOUSANDTH, left + THOUSANDTH]))
            return line, "quantity", max(much.quantize(THOUSANDTH), THOUSANDTH)
        return line, "amount", self.amount(data, line.total - line.credited, currency)

    # What must hold

    @invariant()
    def the_tables_hold_what_the_model_holds(self) -> None:
        if not hasattr(self, "ledger"):
            return
        ledger = self.ledger
        wanted = {
            one.id: (one.status, ledger.paid(one), one.credited, ledger.due(one)) for one in ledger.invoices
        } | {
            one.id: (one.status, ledger.applied(one), one.refunded, ledger.unapplied(one))
            for one in ledger.payments
        }
        self.cursor.execute(STORED, {"tenant": str(self.owner.tenant_id), "ids": list(wanted)})
        assert {row[0]: tuple(row[1:]) for row in self.cursor.fetchall()} == wanted

    @invariant()
    def all_that_a_superuser_asks_holds(self) -> None:
        assert asked(self.cursor, self.owner.tenant_id) == []


@pytest.fixture(scope="module")
def app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true", "LOG_LEVEL": "error"}))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture
def machine(app: Flask, server: Server, database_name: str) -> Iterator[type[Machine]]:
    """The machine, at a business of its own."""
    with closing(psycopg2.connect(server.url(database_name))) as connection, connection.cursor() as cursor:
        connection.autocommit = True
        Machine.cursor, Machine.owner = cursor, charge_gst(new_business(Caller(app)))
        Machine.customers = [new_customer(Machine.owner, name=name) for name in ("Jane", "John")]
        yield Machine


def run(machine: type[Machine], examples: int, steps: int) -> None:
    bounds = settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    run_machine(machine, settings=bounds)


class TestMoney:
    def test_stays_what_the_model_says_whatever_happens(self, machine: type[Machine]) -> None:
        run(machine, 10, 20)

    @pytest.mark.slow
    @pytest.mark.timeout(900)
    def test_stays_what_the_model_says_for_long(self, machine: type[Machine]) -> None:
        run(machine, 100, 50)
