"""Drafts, invoices, payments, refunds and credit notes, in any order, beside a small model of them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any, ClassVar

from flask import Flask
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from werkzeug.test import TestResponse

from tests.factories.answers import made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.invoices import charge_gst, new_customer
from tests.factories.issued import new_key
from tests.money.drafts import DRAFTS
from tests.money.invariants import asked
from tests.money.ledger import UNITS, ZERO, Invoice, Ledger, Line, Part, Payment, Refused, rounded

STORED = """
SELECT id::text, status, amount_paid, amount_credited, amount_due FROM documents
WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
UNION ALL
SELECT id::text, status, amount_applied, amount_refunded, amount_unapplied FROM payments
WHERE tenant_id = %(tenant)s AND id = ANY(%(ids)s::uuid[])
"""
SETTLEMENTS = st.sampled_from(["apply", "refund", "balance"])
THOUSANDTH = Decimal("0.001")
ROUNDINGS = st.sampled_from([None, None, "1.00", "5.00"])


class Machine(RuleBasedStateMachine):
    app: ClassVar[Flask]
    owner: ClassVar[Business]
    cursor: ClassVar[Any]
    customers: ClassVar[list[str]]

    @classmethod
    def move(cls) -> None:
        """Go on at a new business."""
        cls.owner = charge_gst(new_business(Caller(cls.app)))
        cls.customers = [new_customer(cls.owner, name=name) for name in ("Jane", "John")]

    @initialize(
        cash=ROUNDINGS,
        scope=st.sampled_from(["document", "line"]),
        drafts=st.lists(DRAFTS, min_size=3, max_size=3),
    )
    def open(self, cash: str | None, scope: str, drafts: list[Any]) -> None:
        self.ledger = Ledger()
        rules = {"invoicing": {"cashRounding": cash, "roundingScope": scope}}
        assert self.owner.patch("/api/tenant/settings", rules).status_code == 200
        for draft in drafts:
            self.write(draft)

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
        around = [most, most, most, most / 2, most / 2, most / 3, most / 3, most - unit, unit, most + unit]
        return max(rounded(data.draw(st.sampled_from(around)), currency), unit)

    def invoice(self, data: st.DataObject) -> Invoice:
        """Return an invoice, mostly one that was issued: of the others little can be told."""
        issued = [one for one in self.ledger.invoices if one.is_issued]
        any_ = data.draw(st.integers(0, 7)) == 7
        return data.draw(st.sampled_from(self.ledger.invoices if any_ or not issued else issued))

    def payment(self, data: st.DataObject) -> Payment:
        return data.draw(st.sampled_from(self.ledger.payments))

    # What happens to documents

    def write(self, asked: dict[str, Any]) -> None:
        currency = asked["currency"]
        items = [
            {**one, "description": "Work", "unitPrice": str(one["unitPrice"] * UNITS[currency])}
            for one in asked["items"]
        ]
        body = {**asked, "customerId": self.customers[asked["customerId"]], "items": items}
        is_issued = body.pop("issued")
        draft = made(self.owner, "/api/invoices", body)
        lines = [Line(one["id"], Decimal(one["quantity"]), Decimal(one["total"])) for one in draft["items"]]
        total = Decimal(draft["total"])
        self.ledger.invoices.append(Invoice(draft["id"], body["customerId"], currency, total, lines))
        if is_issued:
            self.issue_it(self.ledger.invoices[-1])

    @rule(draft=DRAFTS)
    def write_one(self, draft: dict[str, Any]) -> None:
        self.write(draft)

    def issue_it(self, invoice: Invoice) -> None:
        response = self.owner.post(f"/api/invoices/{invoice.id}/issue", {})
        assert response.status_code == (200 if invoice.status == "draft" else 409), response.get_json()
        if invoice.status == "draft":
            assert Decimal(response.get_json()["total"]) == invoice.total
            invoice.status = "open"
            self.ledger.settle()

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), act=st.sampled_from(["issue", "change", "remove"]))
    def change(self, data: st.DataObject, act: str) -> None:
        invoice = data.draw(st.sampled_from(self.ledger.invoices))
        path, is_draft = f"/api/invoices/{invoice.id}", invoice.status == "draft"
        if act == "issue":
            self.issue_it(invoice)
        elif act == "change":
            response = self.owner.patch(path, {"notes": "Thank you"})
            assert response.status_code == (200 if is_draft else 409), response.get_json()
        else:
            response = self.owner.delete(path)
            assert response.status_code == (204 if is_draft else 409), response.get_json()
            if is_draft:
                self.ledger.invoices.remove(invoice)

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), act=st.sampled_from(["void", "mark-uncollectible", "mark-uncollectible"]))
    def end(self, data: st.DataObject, act: str) -> None:
        invoice = self.invoice(data)
        moved = self.ledger.paid(invoice) + invoice.credited
        allowed = invoice.status in ("open", "uncollectible") and not moved
        if act == "mark-uncollectible":
            allowed = invoice.status == "open"
        body = {"reason": "Typo"} if act == "void" else None
        response = self.owner.post(f"/api/invoices/{invoice.id}/{act}", body)
        assert response.status_code == (200 if allowed else 409), response.get_json()
        if allowed:
            invoice.status = "void" if act == "void" else "uncollectible"

    # What happens to money

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), surplus=st.booleans(), mix=st.integers(0, 9))
    def pay(self, data: st.DataObject, surplus: bool, mix: int) -> None:
        first = self.invoice(data)
        alike = [
            one
            for one in self.ledger.invoices
            if mix > 7
            or (one.customer, one.currency, one.is_issued) == (first.customer, first.currency, True)
        ]
        chosen = {first} | (data.draw(st.sets(st.sampled_from(alike), max_size=2)) if alike else set())
        customer = self.customers[mix % 2] if mix > 8 else first.customer
        wanted = {
            one: self.amount(data, self.ledger.due(one), one.currency)
            for one in sorted(chosen, key=self.ledger.invoices.index)
        }
        amount = sum(wanted.values(), ZERO) + data.draw(st.sampled_from([0, 0, 0, 100]))
        if first.currency == "JPY":
            amount = max(amount.quantize(Decimal(1)), Decimal(1))
        self.pay_it(customer, first.currency, amount, wanted, surplus=surplus)

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), parts=st.integers(2, 3))
    def pay_in_parts(self, data: st.DataObject, parts: int) -> None:
        invoice = self.invoice(data)
        part = rounded(self.ledger.due(invoice) / 3, invoice.currency)
        for _ in range(parts if part else 0):
            self.pay_it(invoice.customer, invoice.currency, part, {invoice: part}, surplus=False)

    def pay_it(
        self, customer: str, currency: str, amount: Decimal, wanted: dict[Invoice, Decimal], *, surplus: bool
    ) -> None:
        payment = Payment("", customer, currency, amount)
        body = {
            "customerId": customer,
            "currency": currency,
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
    @rule(data=st.data(), settle=SETTLEMENTS)
    def credit_all(self, data: st.DataObject, settle: str) -> None:
        self.credit(self.invoice(data), settle, None)

    @precondition(lambda self: self.ledger.invoices)
    @rule(data=st.data(), settle=SETTLEMENTS)
    def credit_parts(self, data: st.DataObject, settle: str) -> None:
        invoice = self.invoice(data)
        lines = data.draw(st.sets(st.sampled_from(invoice.lines), min_size=1))
        parts = [self.part(data, one, invoice.currency) for one in invoice.lines if one in lines]
        self.credit(invoice, settle, parts)

    def credit(self, invoice: Invoice, settle: str, parts: list[Part] | None) -> None:
        body: dict[str, Any] = {"reason": "Too late", "settle": settle}
        if parts is not None:
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
        wrong = asked(self.cursor, self.owner.tenant_id)
        if wrong:
            # What is wrong stays, and would fail the next run at its first step.
            type(self).move()
        assert wrong == []
