"""Money that went back, or never came."""

from typing import Any

import pytest

from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.issued import KEYS, amiss, issued, new_customer, pay, state
from tests.factories.teams import code_of


def refund(owner: Business, payment: dict[str, Any], amount: Any, **body: Any) -> Any:
    path = f"/api/payments/{payment['id']}/refunds"
    return owner.post(path, {"amount": amount, "reason": "Came too late", **body})


def reverse(owner: Business, payment: dict[str, Any]) -> Any:
    return owner.post(f"/api/payments/{payment['id']}/reverse", {"reason": "The cheque bounced"})


def read(owner: Business, payment: dict[str, Any]) -> dict[str, Any]:
    return dict(owner.get(f"/api/payments/{payment['id']}").get_json())


def spread(owner: Business, *totals: str, amount: str) -> tuple[dict[str, Any], list[str]]:
    """Pay invoices whole, in their order, and keep the rest; return the payment and the invoices."""
    customer = new_customer(owner)
    bills = [issued(owner, total, customer_id=customer)["invoiceId"] for total in totals]
    parts = [{"invoiceId": id_, "amount": total} for id_, total in zip(bills, totals, strict=True)]
    return pay(owner, amount, customerId=customer, allocations=parts, allowUnapplied=True), bills


class TestARefund:
    def test_is_of_what_is_not_applied_first(self, owner: Business) -> None:
        payment, (invoice,) = spread(owner, "60.00", amount="100.00")

        response = refund(owner, payment, "40.00", method="upi", reference="R-1")

        made = response.get_json()
        assert response.status_code == 201
        assert (made["amount"], made["method"], made["reference"]) == ("40.00", "upi", "R-1")
        assert (made["paymentId"], made["creditNoteId"]) == (payment["id"], None)
        assert owner.get(response.headers["Location"]).get_json() == made
        assert state(owner, invoice)[0] == "paid"
        left = read(owner, payment)
        assert (left["status"], left["amountRefunded"], left["amountUnapplied"]) == (
            "partially_refunded",
            "40.00",
            "0.00",
        )
        assert [one["id"] for one in left["refunds"]] == [made["id"]]
        assert [event.type for event in events_of(owner, made["id"])] == ["refund.succeeded"]
        assert events_of(owner, payment["id"])[-1].type == "payment.received"

    def test_takes_back_what_was_applied_last(self, owner: Business) -> None:
        payment, (first, second, third) = spread(owner, "30.00", "30.00", "30.00", amount="100.00")

        assert refund(owner, payment, "50.00").status_code == 201

        # 10 were left; then all of the third, and 10 of the second.
        assert state(owner, third) == ("open", "0.00", "30.00")
        assert state(owner, second) == ("open", "20.00", "10.00")
        assert state(owner, first) == ("paid", "30.00", "0.00")
        left = read(owner, payment)
        assert [one["amount"] for one in left["allocations"]] == ["30.00", "20.00"]
        told = events_of(owner, payment["id"])[-1]
        assert told.type == "payment.unapplied"
        assert told.data["allocations"] == [
            {"invoice_id": third, "amount": "30.00"},
            {"invoice_id": second, "amount": "10.00"},
        ]
        assert [event.type for event in events_of(owner, third)] == ["invoice.paid", "invoice.reopened"]
        assert amiss(owner) == []

    def test_of_all_of_it_is_the_end(self, owner: Business) -> None:
        invoice = issued(owner, "100.00")
        payment = pay(owner, "100.00", **invoice)

        for amount in ("99.99", "0.01"):
            assert refund(owner, payment, amount).status_code == 201

        assert read(owner, payment)["status"] == "refunded"
        assert state(owner, invoice["invoiceId"]) == ("open", "0.00", "100.00")
        response = refund(owner, payment, "0.01")
        assert code_of(response) == (409, "REFUND_EXCEEDS_PAYMENT")
        assert response.get_json()["amountRefundable"] == "0.00"

    def test_goes_the_way_the_payment_came_unless_that_is_said(self, owner: Business) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"), method="cheque")

        assert refund(owner, payment, "1.00").get_json()["method"] == "cheque"

    @pytest.mark.parametrize("amount", ["0", "-1", "NaN", 1, "0.001", "1e0", ""])
    def test_of_no_amount_is_refused(self, owner: Business, amount: Any) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))

        response = refund(owner, payment, amount)

        assert code_of(response) == (400, "VALIDATION_ERROR")
        assert [fault["field"] for fault in response.get_json()["errors"]] == ["amount"]
        assert read(owner, payment)["refunds"] == []

    def test_of_the_future_is_refused(self, owner: Business) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))
        response = refund(owner, payment, "1.00", refundedAt="2199-01-01T00:00:00Z")

        assert [fault["field"] for fault in response.get_json()["errors"]] == ["refundedAt"]

    def test_is_repeated_under_one_key_without_another_effect(self, owner: Business) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))
        body = {"amount": "4.00", "reason": "Came too late"}

        first, again = (
            owner.post(
                f"/api/payments/{payment['id']}/refunds", body, headers={"Idempotency-Key": "refund-1"}
            )
            for _ in range(2)
        )

        assert (again.status_code, again.get_data()) == (201, first.get_data())
        assert again.headers["Idempotent-Replayed"] == "true"
        assert read(owner, payment)["amountRefunded"] == "4.00"


class TestAReversal:
    def test_opens_all_invoices_again(self, owner: Business) -> None:
        payment, bills = spread(owner, "30.00", "30.00", amount="70.00")

        response = reverse(owner, payment)

        gone = response.get_json()
        assert (response.status_code, gone["status"], gone["reverseReason"]) == (
            200,
            "reversed",
            "The cheque bounced",
        )
        assert (gone["amountApplied"], gone["amountUnapplied"], gone["allocations"]) == ("0.00", "0.00", [])
        assert [state(owner, id_) for id_ in bills] == [("open", "0.00", "30.00")] * 2
        told = events_of(owner, payment["id"])[-1]
        assert told.type == "payment.reversed"
        assert told.data["previous"]["status"] == "succeeded"
        assert amiss(owner) == []

    def test_again_changes_nothing(self, owner: Business) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))

        first, again = (reverse(owner, payment) for _ in range(2))

        assert (first.get_data(), again.status_code) == (again.get_data(), 200)
        assert len(events_of(owner, payment["id"])) == 2

    def test_of_what_was_given_back_is_refused(self, owner: Business) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))
        refund(owner, payment, "1.00")

        assert code_of(reverse(owner, payment)) == (409, "INVALID_STATE")

    def test_leaves_nothing_to_apply_or_to_give_back(self, owner: Business) -> None:
        invoice = issued(owner, "10.00")
        payment = pay(owner, "10.00", **invoice)
        reverse(owner, payment)

        assert code_of(refund(owner, payment, "1.00")) == (409, "INVALID_STATE")
        parts = {"allocations": [{"invoiceId": invoice["invoiceId"], "amount": "1.00"}]}
        response = owner.post(f"/api/payments/{payment['id']}/allocations", parts)
        assert code_of(response) == (409, "INVALID_STATE")
        assert pay(owner, "10.00", **invoice)["status"] == "succeeded"

    def test_of_what_an_uncollectible_invoice_got_leaves_it_so(self, owner: Business) -> None:
        invoice = issued(owner, "10.00", status="uncollectible")
        reverse(owner, pay(owner, "4.00", **invoice))

        assert state(owner, invoice["invoiceId"]) == ("uncollectible", "0.00", "10.00")


def test_key_of_another_body_is_refused(owner: Business) -> None:
    invoice, key = issued(owner, "10.00"), {"Idempotency-Key": "k"}
    for amount, status in (("1.00", 201), ("2.00", 422), ("1.00", 201)):
        response = owner.post("/api/payments", {**KEYS, **invoice, "amount": amount}, headers=key)
        assert response.status_code == status
    assert state(owner, invoice["invoiceId"])[1] == "1.00"
