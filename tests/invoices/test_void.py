"""Taking invoices back, and giving them up: when that may be, and what it leaves."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from werkzeug.test import TestResponse

from mbs.foundation.errors import InvalidState
from mbs.invoices.models.tables import Document
from mbs.invoices.models.transitions import TRANSITIONS
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.invoices import charge_gst, item, new_draft, new_invoice
from tests.factories.issuing import issued_at, issuing_at, numbers
from tests.factories.salons import problem

REASON = {"reason": "Written to the wrong customer"}
SETTINGS = "/api/tenant/settings"
MARCH = datetime(2026, 3, 31, 18, 29, tzinfo=UTC)
APRIL = datetime(2026, 3, 31, 18, 31, tzinfo=UTC)
"""A minute before and after midnight in Mumbai."""


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


def act(
    owner: Business, invoice: Any, action: str, body: Any = None, *, query: str = "", **headers: str
) -> TestResponse:
    return owner.post(f"/api/invoices/{invoice['id']}/{action}{query}", body, headers=headers)


def read(owner: Business, invoice: Any) -> Any:
    return owner.get(f"/api/invoices/{invoice['id']}").get_json()


def reach(owner: Business, status: str) -> Any:
    """Return an invoice in a status."""
    if status == "draft":
        return new_draft(owner)
    if status == "paid":
        return new_invoice(owner, item(unitPrice="0"))
    invoice = new_invoice(owner)
    if status == "void":
        assert act(owner, invoice, "void", REASON).status_code == 200
    if status == "uncollectible":
        assert act(owner, invoice, "mark-uncollectible").status_code == 200
    return invoice


class TestVoid:
    def test_keeps_the_number_and_says_why(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        response = act(salon, invoice, "void", REASON)
        voided = response.get_json()
        assert (response.status_code, response.headers["ETag"]) == (200, '"3"')
        assert voided["voidedAt"] is not None
        changed = {"status": "void", "paymentStatus": None, "voidReason": REASON["reason"], "version": 3}
        at = {name: voided[name] for name in ("voidedAt", "updatedAt")}
        assert voided == {**invoice, **changed, **at}
        assert read(salon, invoice) == voided
        event = events_of(salon, invoice["id"])[-1]
        assert event.type == "invoice.voided"
        assert event.data["previous"] == {"status": "open", "voided_at": None, "void_reason": None}
        assert event.data["object"]["void_reason"] == REASON["reason"]

    def test_lets_the_series_go_on(self, salon: Business) -> None:
        first = new_invoice(salon)
        act(salon, first, "void", REASON)
        new_invoice(salon)
        assert [(row.seq, row.status) for row in numbers(salon)] == [(1, "void"), (2, "open")]

    def test_works_of_what_was_given_up(self, salon: Business) -> None:
        invoice = reach(salon, "uncollectible")
        assert act(salon, invoice, "void", REASON).get_json()["status"] == "void"

    @pytest.mark.parametrize("status", ["draft", "paid", "void"])
    def test_is_refused_of_what_is_not_owed(self, salon: Business, status: str) -> None:
        invoice = reach(salon, status)
        before = read(salon, invoice)
        problem(act(salon, invoice, "void", REASON), 409, "INVALID_STATE")
        assert read(salon, invoice) == before

    def test_is_refused_of_what_was_paid_in_part(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        body = {"customerId": invoice["customerId"], "amount": "10.00", "currency": "INR", "method": "cash"}
        headers = {"Idempotency-Key": "pay"}
        paid = salon.post("/api/payments", {**body, "invoiceId": invoice["id"]}, headers=headers)
        assert paid.status_code == 201, paid.get_data(as_text=True)
        refused = problem(act(salon, invoice, "void", REASON), 409, "INVALID_STATE")
        assert "paid" in refused["detail"]
        assert read(salon, invoice)["status"] == "open"

    @pytest.mark.parametrize("body", [None, {}, {"reason": ""}, {"reason": "x" * 501}, {"reason": None}])
    def test_needs_a_reason(self, salon: Business, body: Any) -> None:
        problem(act(salon, new_invoice(salon), "void", body or {}), 400, "VALIDATION_ERROR", "reason")

    def test_is_refused_of_one_that_has_moved_on(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        problem(act(salon, invoice, "void", REASON, **{"If-Match": '"1"'}), 412, "PRECONDITION_FAILED")
        assert act(salon, invoice, "void", REASON, **{"If-Match": '"2"'}).status_code == 200

    def test_is_rehearsed_without_an_effect(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        assert act(salon, invoice, "void", REASON, query="?dryRun=true").get_json()["status"] == "void"
        assert read(salon, invoice) == invoice


class TestVoidInAnotherMonth:
    @pytest.fixture
    def invoice(self, salon: Business) -> Any:
        draft = new_draft(salon)
        issuing_at(salon, MARCH).issue(id_=UUID(draft["id"]), version=None)
        return draft

    def void(self, owner: Business, invoice: Any, at: datetime) -> Any:
        return issued_at(owner, at).void(id_=UUID(invoice["id"]), version=None, reason="Wrong")

    def test_is_refused_in_india(self, salon: Business, invoice: Any) -> None:
        with pytest.raises(InvalidState, match="credit note"):
            self.void(salon, invoice, APRIL)
        assert self.void(salon, invoice, MARCH).status == "void"

    def test_is_as_the_business_says(self, salon: Business, invoice: Any) -> None:
        salon.patch(SETTINGS, {"invoicing": {"voidSamePeriodOnly": False}})
        assert self.void(salon, invoice, APRIL).status == "void"

    def test_is_allowed_elsewhere_unless_the_business_says_otherwise(self, business: Any) -> None:
        owner = business(countryCode="GB", businessType="consultancy")
        drafts = [new_draft(owner) for _ in range(2)]
        for draft in drafts:
            issuing_at(owner, datetime(2026, 2, 1, tzinfo=UTC)).issue(id_=UUID(draft["id"]), version=None)
        assert self.void(owner, drafts[0], APRIL).status == "void"
        owner.patch(SETTINGS, {"invoicing": {"voidSamePeriodOnly": True}})
        with pytest.raises(InvalidState, match="credit note"):
            self.void(owner, drafts[1], APRIL)


class TestGivingUp:
    def test_marks_what_nobody_expects_to_be_paid(self, salon: Business) -> None:
        invoice = new_invoice(salon)
        response = act(salon, invoice, "mark-uncollectible")
        given_up = response.get_json()
        assert (response.status_code, given_up["status"]) == (200, "uncollectible")
        assert (given_up["paymentStatus"], given_up["amountDue"]) == ("unpaid", "999.00")
        event = events_of(salon, invoice["id"])[-1]
        assert (event.type, event.data["previous"]) == ("invoice.marked_uncollectible", {"status": "open"})

    @pytest.mark.parametrize("status", ["draft", "paid", "void", "uncollectible"])
    def test_is_refused_of_what_nobody_owes(self, salon: Business, status: str) -> None:
        invoice = reach(salon, status)
        problem(act(salon, invoice, "mark-uncollectible"), 409, "INVALID_STATE")

    def test_is_for_whoever_may_void(self, salon: Business) -> None:
        invoice, manager = new_invoice(salon), salon.colleague("manager")
        for action, body in (("mark-uncollectible", None), ("void", REASON)):
            problem(act(manager, invoice, action, body), 403, "FORBIDDEN")
        assert act(salon.colleague("accountant"), invoice, "void", REASON).status_code == 200


class TestTransitions:
    def test_are_those_of_the_database(self, salon: Business) -> None:
        document = Document.__table__
        for status, followers in TRANSITIONS.items():
            id_ = reach(salon, status)["id"]
            for target in TRANSITIONS.keys() - {status}:
                change = document.update().where(document.c.id == id_).values(status=target)  # type: ignore[attr-defined]
                refusal: Exception | None = None
                try:
                    with salon.database.transaction(salon.scope) as transaction:
                        transaction.execute(change)
                        raise KeyError
                except Exception as error:
                    refusal = error
                # What may follow may still be refused for what is due, and then not as a state.
                assert isinstance(refusal, InvalidState) is (target not in followers), (status, target)
