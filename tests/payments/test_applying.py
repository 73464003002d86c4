"""What is left of a payment: applied to invoices later, and taken back out of them."""

from typing import Any

from uuid_utils.compat import uuid7

from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.factories.issued import amiss, issued, new_customer, pay, state
from tests.factories.teams import code_of


def balance(owner: Business, amount: str = "100.00") -> dict[str, Any]:
    return pay(owner, amount, customerId=new_customer(owner), allowUnapplied=True)


def bill(owner: Business, payment: dict[str, Any], total: str = "100.00", **options: Any) -> str:
    """Write an invoice to the customer of a payment."""
    return issued(owner, total, customer_id=payment["customerId"], **options)["invoiceId"]


def apply(owner: Business, payment: dict[str, Any], *parts: tuple[str, str], **options: Any) -> Any:
    body = {"allocations": [{"invoiceId": id_, "amount": amount} for id_, amount in parts]}
    return owner.post(f"/api/payments/{payment['id']}/allocations", body, **options)


class TestABalance:
    def test_is_applied_to_several_invoices(self, owner: Business) -> None:
        payment = balance(owner)
        first, second = (bill(owner, payment, "60.00") for _ in range(2))

        response = apply(owner, payment, (first, "60.00"), (second, "10.00"))

        answer = response.get_json()
        assert (answer["amountApplied"], answer["amountUnapplied"]) == ("70.00", "30.00")
        assert response.headers["ETag"] == f'"{payment["version"] + 1}"'
        assert state(owner, first) == ("paid", "60.00", "0.00")
        assert state(owner, second) == ("open", "10.00", "50.00")
        told = events_of(owner, payment["id"])[-1]
        assert (told.type, told.data["previous"]) == ("payment.applied", {"amount_applied": "0.00"})
        assert [event.type for event in events_of(owner, first)] == ["invoice.paid"]

    def test_is_applied_to_one_invoice_by_and_by(self, owner: Business) -> None:
        payment = balance(owner)
        invoice = bill(owner, payment)

        for _ in range(2):
            assert apply(owner, payment, (invoice, "50.00")).status_code == 200
        assert state(owner, invoice)[0] == "paid"

    def test_is_not_applied_beyond_what_is_left(self, owner: Business) -> None:
        payment = balance(owner, "10.00")
        invoice = bill(owner, payment)

        response = apply(owner, payment, (invoice, "10.01"))

        assert code_of(response) == (409, "CONFLICT")
        assert response.get_json()["amountUnapplied"] == "10.00"

    def test_is_not_applied_beyond_what_is_due(self, owner: Business) -> None:
        payment = balance(owner)
        response = apply(owner, payment, (bill(owner, payment, "10.00"), "10.01"))

        assert code_of(response) == (409, "OVERPAYMENT")
        assert response.get_json()["errors"][0]["field"] == "allocations.0.amount"

    def test_is_not_applied_to_what_it_cannot_pay(self, owner: Business) -> None:
        payment = balance(owner)
        for invoice, expected in (
            (bill(owner, payment, status="draft"), (409, "INVALID_STATE")),
            (bill(owner, payment, status="void"), (409, "INVALID_STATE")),
            (bill(owner, payment, currency="USD"), (400, "CURRENCY_MISMATCH")),
            (issued(owner)["invoiceId"], (400, "INVALID_REFERENCE")),
            (str(uuid7()), (400, "INVALID_REFERENCE")),
        ):
            assert code_of(apply(owner, payment, (invoice, "1.00"))) == expected

    def test_is_not_applied_once_it_is_another_version(self, owner: Business) -> None:
        payment = balance(owner)
        invoice = bill(owner, payment)

        stale = apply(owner, payment, (invoice, "1.00"), headers={"If-Match": '"9"'})

        assert code_of(stale) == (412, "PRECONDITION_FAILED")
        assert state(owner, invoice)[1] == "0.00"


class TestAnAllocation:
    def test_is_taken_back_and_the_invoice_is_due_again(self, owner: Business) -> None:
        invoice = issued(owner, "100.00")
        payment = pay(owner, "100.00", **invoice)
        path = f"/api/payments/{payment['id']}"

        response = owner.delete(f"{path}/allocations/{payment['allocations'][0]['id']}")

        assert response.status_code == 204
        assert state(owner, invoice["invoiceId"]) == ("open", "0.00", "100.00")
        left = owner.get(path).get_json()
        assert (left["amountUnapplied"], left["allocations"]) == ("100.00", [])
        assert events_of(owner, payment["id"])[-1].type == "payment.unapplied"
        told = events_of(owner, invoice["invoiceId"])
        assert [event.type for event in told] == ["invoice.paid", "invoice.reopened"]
        assert told[-1].data["previous"] == {
            "status": "paid",
            "amount_paid": "100.00",
            "amount_due": "0.00",
        }
        assert amiss(owner) == []

    def test_is_gone_when_it_is_taken_back_again(self, owner: Business) -> None:
        payment = pay(owner, "100.00", **issued(owner, "100.00"))
        path = f"/api/payments/{payment['id']}/allocations/{payment['allocations'][0]['id']}"

        assert [owner.delete(path).status_code for _ in range(2)] == [204, 404]

    def test_of_another_payment_is_not_there(self, owner: Business) -> None:
        first, second = (pay(owner, "100.00", **issued(owner, "100.00")) for _ in range(2))

        response = owner.delete(f"/api/payments/{first['id']}/allocations/{second['allocations'][0]['id']}")

        assert response.status_code == 404
        assert owner.get(f"/api/payments/{second['id']}").get_json()["amountApplied"] == "100.00"
