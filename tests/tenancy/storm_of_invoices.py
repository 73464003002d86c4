"""The storm's ninth part: what customers owe."""

import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any, ClassVar

from tests.printing.paper import text_of
from tests.tenancy.storm_of_rates import RateStorm

ACTS = {"void": {"reason": "A mistake"}, "mark-uncollectible": None, "send": {"channels": ["email"]}}
EVERYTHING = "expand=customer,items,payments"


def lasting(invoice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stays as it is while the customer and the business are renamed."""
    return {name: value for name, value in invoice.items() if name not in ("customer", "seller")}


class InvoiceStorm(RateStorm):
    """Invoices without taxes, for a new business charges none."""

    actions: ClassVar[Mapping[str, int]] = {
        **RateStorm.actions,
        "draft": 3,
        "draft_with_what_is_not_ones_own": 4,
        "look_at_invoices": 4,
        "change_draft": 3,
        "remove_draft": 2,
        "issue": 4,
        "act_on_an_invoice": 6,
        "bill": 3,
        "print": 3,
    }

    def bill_of(self, customer_id: str, **more: Any) -> dict[str, Any]:
        item = {"description": self.text(), "quantity": "2", "unitPrice": "50.00"}
        return {"customerId": customer_id, "items": [item], "notes": self.text(), **more}

    def new_draft(self) -> str:
        if self.maybe():
            items = [{"serviceId": self.new_service()}]
            body = self.bill_of(self.some_customer(), items=items)
        else:
            body = self.bill_of(self.some_customer())
        return self.keep_invoice(self.made("/api/invoices", body))

    def keep_invoice(self, invoice: dict[str, Any]) -> str:
        self.own.invoices[invoice["id"]] = invoice
        if invoice["number"] is not None:
            self.own.series.add(("invoice", invoice["number"][:-5]))
        return str(invoice["id"])

    def new_invoice(self) -> str:
        id_ = self.new_draft()
        self.keep_invoice(self.expect(200, "POST", f"/api/invoices/{id_}/issue", {}))
        self.recount()
        return id_

    def invoice_in(self, *states: str) -> str | None:
        found = [id_ for id_, one in self.own.invoices.items() if one["status"] in states]
        return self.random.choice(found) if found else None

    def some_draft(self) -> tuple[bool, str]:
        """Choose a draft, or a foreign invoice."""
        own, id_ = self.pick_or_make("invoices", self.new_draft)
        return own, (self.invoice_in("draft") or self.new_draft()) if own else id_

    # Drafts

    def draft(self) -> None:
        self.new_draft()

    def draft_with_what_is_not_ones_own(self) -> None:
        action = "draft_with_what_is_not_ones_own"
        of = self.turn(action, ("customers", "locations", "services"))
        stolen: dict[str, Any] = {f"{of[:-1]}Id": self.foreign_one(of)}
        if of == "services":
            stolen = {"items": [stolen]}
        body = self.bill_of(self.some_customer())
        for path in ("/api/invoices", "/api/invoices/preview"):
            self.refused_reference("POST", path, {**body, **stolen})
        id_ = self.invoice_in("draft") or self.new_draft()
        self.refused_reference("PATCH", f"/api/invoices/{id_}", stolen)
        shown = self.expect(200, "POST", "/api/invoices/preview", body)
        assert shown["total"] == "100.00"

    def look_at_invoices(self) -> None:
        assert self.ids_listed("/api/invoices") == set(self.own.invoices)
        for field, of in (
            ("customerId", "customers"),
            ("locationId", "locations"),
            ("bookingId", "bookings"),
        ):
            query = f"{field}={self.foreign_one(of)}&{EVERYTHING}"
            assert self.expect(200, "GET", f"/api/invoices?{query}")["data"] == []
        # The numbers of both businesses are the same.
        numbers = Counter(one["number"] for one in self.foreign.invoices.values() if one["number"])
        for number in [*numbers][:1]:
            rows = self.expect(200, "GET", f"/api/invoices?number={number}&{EVERYTHING}")["data"]
            assert {row["id"] for row in rows} <= set(self.own.invoices)
        own, id_ = self.pick_or_make("invoices", self.new_draft)
        if not own:
            self.like_one_that_never_was("GET", "/api/invoices/{}", id_)
            return
        assert lasting(self.expect(200, "GET", f"/api/invoices/{id_}")) == lasting(self.own.invoices[id_])

    def change_draft(self) -> None:
        own, id_ = self.some_draft()
        body = {"notes": self.text()}
        if not own:
            self.like_one_that_never_was("PATCH", "/api/invoices/{}", id_, body)
            return
        self.keep_invoice(self.expect(200, "PATCH", f"/api/invoices/{id_}", body))
        self.own.events += 1

    def remove_draft(self) -> None:
        own, id_ = self.some_draft()
        if not own:
            self.like_one_that_never_was("DELETE", "/api/invoices/{}", id_)
            return
        self.expect(204, "DELETE", f"/api/invoices/{id_}")
        del self.own.invoices[id_]
        self.own.events += 1

    # Issued

    def issue(self) -> None:
        own, id_ = self.some_draft()
        if not own:
            self.like_one_that_never_was("POST", "/api/invoices/{}/issue", id_, {})
            return
        self.keep_invoice(self.expect(200, "POST", f"/api/invoices/{id_}/issue", {}))
        self.recount()
        self.expect(409, "PATCH", f"/api/invoices/{id_}", {"notes": self.text()})
        self.expect(409, "DELETE", f"/api/invoices/{id_}")

    def act_on_an_invoice(self) -> None:
        act = self.turn("act_on_an_invoice", tuple(ACTS))
        own, id_ = self.pick_or_make("invoices", self.new_invoice)
        if not own:
            self.like_one_that_never_was("POST", f"/api/invoices/{{}}/{act}", id_, ACTS[act])
            return
        response = self.send("POST", f"/api/invoices/{id_}/{act}", ACTS[act])
        # Whether it may be done is another test's; here is to be seen what it does, and to whom.
        assert response.status_code in (200, 409), response.get_data(as_text=True)
        self.look_at_money_anew([id_])

    def look_at_money_anew(self, invoices: Any = ()) -> None:
        """Learn what became of invoices."""
        for id_ in invoices:
            self.keep_invoice(self.expect(200, "GET", f"/api/invoices/{id_}"))
        self.recount()

    def bill(self) -> None:
        for theirs in [*self.foreign.bookings][:1]:
            self.like_one_that_never_was("POST", "/api/bookings/{}/invoice", theirs, {})
        booking = self.new_booking(self.wish())
        path = f"/api/bookings/{booking}/invoice"
        invoice = self.expect(201, "POST", path, {"issue": self.maybe()})
        assert invoice["bookingId"] == booking
        self.keep_invoice(invoice)
        self.expect(409, "POST", path, {})
        self.recount()

    def print(self) -> None:
        own, id_ = self.pick_or_make("invoices", self.new_invoice)
        if not own:
            self.like_one_that_never_was("GET", "/api/invoices/{}/pdf", id_)
            return
        self.look_at_print(f"/api/invoices/{id_}/pdf")

    def look_at_print(self, path: str) -> None:
        response = self.send("GET", path)
        assert response.status_code == 200, response.get_data()
        read = text_of(response.get_data())
        assert self.own.canary in read
        assert [secret for secret in self.foreign.secrets() if secret in read] == []


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}
