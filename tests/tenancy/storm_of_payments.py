"""The storm's tenth part: what customers pay and get back, and what that comes to."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from tests.tenancy.storm_of_invoices import InvoiceStorm, lasting, new_key

OWED = ("open", "uncollectible")
REPORTS = ("revenue", "collected", "tax", "outstanding", "invoices")


class PaymentStorm(InvoiceStorm):
    """What moves money changes invoices and payments that it does not name; these are looked at anew."""

    actions: ClassVar[Mapping[str, int]] = {
        **InvoiceStorm.actions,
        "pay": 5,
        "pay_for_what_is_not_ones_own": 4,
        "look_at_payments": 3,
        "apply": 3,
        "unapply": 3,
        "refund": 3,
        "reverse": 2,
        "look_at_refunds": 3,
        "credit": 4,
        "look_at_credit_notes": 4,
        "look_at_money": 5,
    }

    def keyed(self, status: int, path: str, body: Any) -> Any:
        """Send what needs an Idempotency-Key."""
        answer = self.expect(status, "POST", path, body, headers=new_key())
        self.own.answers += 1
        return answer

    def new_payment(self, amount: str, **more: Any) -> str:
        body = {"amount": amount, "currency": "INR", "method": "cash", "notes": self.text(), **more}
        payment = self.keyed(201, "/api/payments", body)
        self.own.series.add(("payment", payment["number"][:-5]))
        self.look_at_payment_anew(payment["id"])
        return str(payment["id"])

    def loose_payment(self) -> str:
        """Make a payment that is for nothing yet."""
        return self.new_payment("10.00", customerId=self.some_customer(), allowUnapplied=True)

    def paid_invoice(self) -> tuple[str, str]:
        """Make an invoice of which a part is paid; return its payment and it."""
        id_ = self.new_invoice()
        customer = self.own.invoices[id_]["customerId"]
        return self.new_payment("10.00", customerId=customer, invoiceId=id_), id_

    def look_at_payment_anew(self, id_: str) -> None:
        before = self.own.payments.get(id_, {"allocations": []})
        after = self.own.payments[id_] = self.expect(200, "GET", f"/api/payments/{id_}")
        self.own.refunds |= {one["id"]: one for one in after["refunds"]}
        parts = (*before["allocations"], *after["allocations"])
        self.look_at_money_anew({part["invoiceId"] for part in parts})

    # Payments

    def pay(self) -> None:
        id_ = self.invoice_in(*OWED) or self.new_invoice()
        invoice = self.own.invoices[id_]
        if self.maybe():
            self.loose_payment()
        elif Decimal(invoice["amountDue"]) >= 10:
            self.new_payment("10.00", customerId=invoice["customerId"], invoiceId=id_)

    def pay_for_what_is_not_ones_own(self) -> None:
        field, of = self.turn(
            "pay_for_what_is_not_ones_own",
            (("customerId", "customers"), ("invoiceId", "invoices"), ("bookingId", "bookings")),
        )
        body: dict[str, Any] = {"customerId": self.some_customer(), "amount": "10.00", "currency": "INR"}
        body["method"] = "cash"
        stolen = {**body, "allowUnapplied": True, field: self.foreign_one(of)}
        refusal = self.expect(400, "POST", "/api/payments", stolen, headers=new_key())
        assert refusal["code"] == "INVALID_REFERENCE", refusal
        part = {"invoiceId": self.foreign_one("invoices"), "amount": "1.00"}
        body |= {"allocations": [part], "allowUnapplied": True}
        refusal = self.expect(400, "POST", "/api/payments", body, headers=new_key())
        assert refusal["code"] == "INVALID_REFERENCE", refusal
        path = f"/api/payments/{self.loose_payment()}/allocations"
        self.refused_reference("POST", path, {"allocations": [part]})

    def look_at_payments(self) -> None:
        assert self.ids_listed("/api/payments") == set(self.own.payments)
        for field, of in (("customerId", "customers"), ("invoiceId", "invoices"), ("bookingId", "bookings")):
            query = f"{field}={self.foreign_one(of)}&expand=allocations"
            assert self.expect(200, "GET", f"/api/payments?{query}")["data"] == []
        own, id_ = self.pick_or_make("payments", self.loose_payment)
        if not own:
            self.like_one_that_never_was("GET", "/api/payments/{}", id_)
            return
        shown = self.expect(200, "GET", f"/api/payments/{id_}")
        assert shown["amountApplied"] == self.own.payments[id_]["amountApplied"]
        assert shown["notes"] == self.own.payments[id_]["notes"]

    def apply(self) -> None:
        invoice = self.new_invoice()
        body = {"allocations": [{"invoiceId": invoice, "amount": "1.00"}]}
        for theirs in [*self.foreign.payments][:1]:
            self.like_one_that_never_was("POST", "/api/payments/{}/allocations", theirs, body)
        customer = self.own.invoices[invoice]["customerId"]
        id_ = self.new_payment("10.00", customerId=customer, allowUnapplied=True)
        self.expect(200, "POST", f"/api/payments/{id_}/allocations", body)
        self.look_at_payment_anew(id_)
        assert self.own.invoices[invoice]["amountPaid"] == "1.00"

    def unapply(self) -> None:
        id_, invoice = self.paid_invoice()
        part = self.own.payments[id_]["allocations"][0]["id"]
        for theirs, payment in [*self.foreign.payments.items()]:
            for one in [*payment["allocations"]][:1]:
                for of in (theirs, id_):
                    path = f"/api/payments/{of}/allocations/{{}}"
                    self.like_one_that_never_was("DELETE", path, one["id"])
                self.like_one_that_never_was("DELETE", f"/api/payments/{{}}/allocations/{part}", theirs)
        self.expect(204, "DELETE", f"/api/payments/{id_}/allocations/{part}")
        self.look_at_payment_anew(id_)
        assert self.own.invoices[invoice]["amountPaid"] == "0.00"

    def refund(self) -> None:
        own, id_ = self.pick_or_make("payments", self.loose_payment)
        body = {"amount": "1.00", "reason": self.text()}
        path = "/api/payments/{}/refunds"
        if not own:
            self.like_one_that_never_was("POST", path, id_, body, new_key())
            return
        id_ = self.loose_payment()
        refund = self.keyed(201, path.format(id_), body)
        self.look_at_payment_anew(id_)
        assert refund["id"] in self.own.refunds

    def reverse(self) -> None:
        own, id_ = self.pick_or_make("payments", self.loose_payment)
        if not own:
            self.like_one_that_never_was("POST", "/api/payments/{}/reverse", id_, {"reason": "Bounced"})
            return
        id_, invoice = self.paid_invoice()
        self.expect(200, "POST", f"/api/payments/{id_}/reverse", {"reason": self.text()})
        self.look_at_payment_anew(id_)
        assert self.own.payments[id_]["status"] == "reversed"
        assert self.own.invoices[invoice]["amountPaid"] == "0.00"

    def look_at_refunds(self) -> None:
        assert self.ids_listed("/api/refunds") == set(self.own.refunds)
        for field, of in (("customerId", "customers"), ("paymentId", "payments")):
            assert self.expect(200, "GET", f"/api/refunds?{field}={self.foreign_one(of)}")["data"] == []
        for theirs in [*self.foreign.refunds][:1]:
            self.like_one_that_never_was("GET", "/api/refunds/{}", theirs)
        for id_ in [*self.own.refunds][-1:]:
            shown = self.expect(200, "GET", f"/api/refunds/{id_}")
            assert shown["reason"] == self.own.refunds[id_]["reason"]

    # Credit notes

    def credit(self) -> None:
        own, id_ = self.pick_or_make("invoices", self.new_invoice)
        body = {"reason": self.text(), "settle": "refund"}
        path = "/api/invoices/{}/credit-notes"
        if not own:
            self.like_one_that_never_was("POST", path, id_, body)
            return
        theirs = [item["id"] for one in self.foreign.invoices.values() for item in one["items"]]
        payment, id_ = self.paid_invoice()
        for line in theirs[:1]:
            stolen = {**body, "lines": [{"invoiceLineId": line, "amount": "1.00"}]}
            self.refused_reference("POST", path.format(id_), stolen)
        self.new_note(payment, id_, body)

    def new_note(self, payment: str, invoice: str, body: Mapping[str, Any]) -> str:
        note: dict[str, Any] = self.expect(201, "POST", f"/api/invoices/{invoice}/credit-notes", body)
        self.own.notes[note["id"]] = note
        self.own.series.add(("credit_note", note["number"][:-5]))
        self.look_at_payment_anew(payment)
        self.look_at_money_anew([invoice])
        assert self.own.invoices[invoice]["amountCredited"] == note["total"]
        return str(note["id"])

    def look_at_credit_notes(self) -> None:
        assert self.ids_listed("/api/credit-notes") == set(self.own.notes)
        for field, of in (
            ("customerId", "customers"),
            ("invoiceId", "invoices"),
            ("locationId", "locations"),
        ):
            path = f"/api/credit-notes?{field}={self.foreign_one(of)}"
            assert self.expect(200, "GET", path)["data"] == []
        for theirs in [*self.foreign.notes][:1]:
            self.like_one_that_never_was("GET", "/api/credit-notes/{}", theirs)
            self.like_one_that_never_was("GET", "/api/credit-notes/{}/pdf", theirs)
        for id_ in [*self.own.notes][-1:]:
            shown = self.expect(200, "GET", f"/api/credit-notes/{id_}")
            assert lasting(shown) == lasting(self.own.notes[id_])
            self.look_at_print(f"/api/credit-notes/{id_}/pdf")

    # Figures

    def look_at_money(self) -> None:
        name = self.turn("look_at_money", REPORTS)
        # Midnight is not the same everywhere.
        today = datetime.now(UTC).date()
        days = f"from={today - timedelta(days=2)}&to={today + timedelta(days=2)}&"
        period = "" if name == "outstanding" else days
        path = f"/api/analytics/{name}?{period}"
        shown = self.send("GET", f"{path}format=csv")
        assert shown.status_code == 200, shown.get_data(as_text=True)
        issued = [one for one in self.own.invoices.values() if one["number"] is not None]
        if name == "invoices":
            rows = shown.get_data(as_text=True).splitlines()
            assert len(rows) == 1 + len(issued) + len(self.own.notes)
        elif name == "revenue":
            totals = self.expect(200, "GET", f"{path}groupBy=month")["totals"]
            counted = [one for one in issued if one["status"] != "void"]
            found = sum(one["invoices"] for one in totals), sum(one["creditNotes"] for one in totals)
            assert found == (len(counted), len(self.own.notes))
        elif name == "outstanding":
            due = sum(Decimal(one["amountDue"]) for one in issued if one["status"] == "open")
            assert sum(Decimal(one["amount"]) for one in self.expect(200, "GET", path)["totals"]) == due
        for theirs in [*self.foreign.locations][:1]:
            self.refused_like_one_that_never_was(f"{path}locationId={{}}", theirs)
