"""What is refused of a payment: with status, code and field, and nothing stored."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from uuid_utils.compat import uuid7

from tests.contract.stored_rows import Query, row_counts
from tests.factories.calendar_objects import booking
from tests.factories.callers import Business
from tests.factories.issued import KEYS, amiss, issued, new_customer, pay, state

SERIES = "SELECT coalesce(sum(next_value), 0) FROM number_series WHERE type = 'payment'"

Make = Callable[[Business], dict[str, Any]]


def full(owner: Business, **changes: Any) -> dict[str, Any]:
    return {**issued(owner, "100.00"), "amount": "10.00", **changes}


def split(owner: Business, *amounts: str, **changes: Any) -> dict[str, Any]:
    """Return a payment of 10 that names an invoice of its own for each amount."""
    customer = new_customer(owner)
    parts = [
        {"invoiceId": issued(owner, "100.00", customer_id=customer)["invoiceId"], "amount": amount}
        for amount in amounts
    ]
    return {"customerId": customer, "amount": "10.00", "allocations": parts, **changes}


def of_another(owner: Business) -> dict[str, Any]:
    body = split(owner, "5.00", "5.00")
    body["allocations"][1]["invoiceId"] = issued(owner)["invoiceId"]
    return body


def named_twice(owner: Business) -> dict[str, Any]:
    body = split(owner, "5.00", "5.00")
    body["allocations"][1]["invoiceId"] = body["allocations"][0]["invoiceId"]
    return body


def of_a_paid_one(owner: Business) -> dict[str, Any]:
    invoice = issued(owner, "10.00")
    pay(owner, "10.00", **invoice)
    return {**invoice, "amount": "1.00"}


def for_a_stranger_s_booking(owner: Business) -> dict[str, Any]:
    return full(owner, bookingId=booking(owner)["booking_id"])


REFUSED: dict[str, tuple[Make, tuple[int, str, list[str]]]] = {
    "nothing": (lambda o: full(o, amount="0.00"), (400, "VALIDATION_ERROR", ["amount"])),
    "less than nothing": (lambda o: full(o, amount="-10.00"), (400, "VALIDATION_ERROR", ["amount"])),
    "no number": (lambda o: full(o, amount="NaN"), (400, "VALIDATION_ERROR", ["amount"])),
    "without end": (lambda o: full(o, amount="Infinity"), (400, "VALIDATION_ERROR", ["amount"])),
    "a power": (lambda o: full(o, amount="1e1"), (400, "VALIDATION_ERROR", ["amount"])),
    "a JSON number": (lambda o: full(o, amount=10), (400, "VALIDATION_ERROR", ["amount"])),
    "finer than a paisa": (lambda o: full(o, amount="9.999"), (400, "VALIDATION_ERROR", ["amount"])),
    "more than can be kept": (lambda o: full(o, amount="9" * 16), (400, "VALIDATION_ERROR", ["amount"])),
    "an unknown currency": (lambda o: full(o, currency="XXY"), (400, "VALIDATION_ERROR", ["currency"])),
    "an unknown method": (lambda o: full(o, method="barter"), (400, "VALIDATION_ERROR", ["method"])),
    "a field of the answer": (lambda o: full(o, number="X-1"), (400, "VALIDATION_ERROR", ["number"])),
    "received tomorrow": (
        lambda o: full(o, receivedAt=(datetime.now(UTC) + timedelta(days=1)).isoformat()),
        (400, "VALIDATION_ERROR", ["receivedAt"]),
    ),
    "another currency than the invoice's": (
        lambda o: full(o, currency="USD"),
        (400, "CURRENCY_MISMATCH", ["invoiceId"]),
    ),
    "another currency than an allocation's": (
        lambda o: split(o, "10.00", currency="USD"),
        (400, "CURRENCY_MISMATCH", ["allocations.0.invoiceId"]),
    ),
    "another customer's invoice": (of_another, (400, "INVALID_REFERENCE", ["allocations.1.invoiceId"])),
    "no invoice": (
        lambda o: full(o, invoiceId=str(uuid7())),
        (400, "INVALID_REFERENCE", ["invoiceId"]),
    ),
    "no customer": (
        lambda o: {"customerId": str(uuid7()), "amount": "1.00", "allowUnapplied": True},
        (400, "INVALID_REFERENCE", ["customerId"]),
    ),
    "another customer's booking": (
        for_a_stranger_s_booking,
        (400, "INVALID_REFERENCE", ["bookingId"]),
    ),
    "an invoice twice": (named_twice, (400, "VALIDATION_ERROR", ["allocations.1.invoiceId"])),
    "an allocation of nothing": (
        lambda o: split(o, "10.00", "0.00"),
        (400, "VALIDATION_ERROR", ["allocations.1.amount"]),
    ),
    "an allocation finer than a paisa": (
        lambda o: split(o, "9.999", allowUnapplied=True),
        (400, "VALIDATION_ERROR", ["allocations.0.amount"]),
    ),
    "allocations beyond the payment": (
        lambda o: split(o, "5.00", "5.01"),
        (400, "VALIDATION_ERROR", ["allocations"]),
    ),
    "two ways to say what it is for": (
        lambda o: {**split(o, "10.00"), "invoiceId": str(uuid7())},
        (400, "VALIDATION_ERROR", ["invoiceId"]),
    ),
    "too many allocations": (
        lambda o: full(o, allocations=[{"invoiceId": str(uuid7()), "amount": "0.01"}] * 101),
        (400, "VALIDATION_ERROR", ["allocations"]),
    ),
    "a draft": (lambda o: full(o, **issued(o, status="draft")), (409, "INVALID_STATE", ["invoiceId"])),
    "a void one": (lambda o: full(o, **issued(o, status="void")), (409, "INVALID_STATE", ["invoiceId"])),
    "a paid one": (of_a_paid_one, (409, "OVERPAYMENT", ["amount"])),
    "more than is due": (lambda o: full(o, amount="100.01"), (409, "OVERPAYMENT", ["amount"])),
    "something left over": (lambda o: split(o, "9.99"), (409, "OVERPAYMENT", ["amount"])),
    "nothing that it is for": (
        lambda o: {"customerId": new_customer(o), "amount": "1.00"},
        (409, "OVERPAYMENT", ["amount"]),
    ),
}


@pytest.mark.parametrize(("make", "expected"), REFUSED.values(), ids=REFUSED)
class TestAPaymentIsRefused:
    def test_and_nothing_is_stored(
        self, owner: Business, query: Query, make: Make, expected: tuple[int, str, list[str]]
    ) -> None:
        body = {**KEYS, **make(owner)}
        before = row_counts(query), query(SERIES)

        response = owner.post("/api/payments", body)

        problem = response.get_json()
        fields = [fault["field"] for fault in problem["errors"]]
        assert (response.status_code, problem["code"], fields) == expected, problem
        assert (row_counts(query), query(SERIES)) == before
        assert amiss(owner) == []


class TestAnOverpayment:
    def test_tells_what_is_due(self, owner: Business) -> None:
        invoice = issued(owner, "100.00")
        pay(owner, "40.00", **invoice)

        problem = owner.post("/api/payments", {**KEYS, **invoice, "amount": "60.01"}).get_json()

        assert (problem["code"], problem["amountDue"]) == ("OVERPAYMENT", "60.00")
        assert state(owner, invoice["invoiceId"]) == ("open", "40.00", "60.00")

    def test_tells_what_the_invoices_take(self, owner: Business) -> None:
        problem = owner.post("/api/payments", {**KEYS, **split(owner, "1.00", "2.00")}).get_json()

        assert (problem["code"], problem["amountDue"]) == ("OVERPAYMENT", "3.00")


class TestAKey:
    @pytest.mark.parametrize("query_string", ["", "?dryRun=true"])
    def test_is_demanded_of_what_moves_money(self, owner: Business, query_string: str) -> None:
        payment = pay(owner, "10.00", **issued(owner, "10.00"))
        owner.brings_keys = False
        refund = {"amount": "1.00", "reason": "Came too late"}
        for path, body in (
            ("/api/payments", {**KEYS, **full(owner)}),
            (f"/api/payments/{payment['id']}/refunds", refund),
        ):
            response = owner.post(path + query_string, body)
            problem = response.get_json()
            assert (response.status_code, problem["code"]) == (400, "IDEMPOTENCY_KEY_REQUIRED")
            assert [(one["field"], one["code"]) for one in problem["errors"]] == [
                ("Idempotency-Key", "required")
            ]

    def test_is_documented_as_required(self, owner: Business) -> None:
        paths = owner.get("/api/openapi.json").get_json()["paths"]
        demanded = {
            path
            for path, item in paths.items()
            for one in item.get("post", {}).get("parameters", ())
            if one["name"] == "Idempotency-Key" and one["required"]
        }
        assert demanded == {"/api/payments", "/api/payments/{payment_id}/refunds"}


class TestANumberThatIsTaken:
    def test_is_told_to_be_the_pattern_s_fault(self, owner: Business) -> None:
        customer = new_customer(owner)
        for pattern in ("1/{SEQ:1}", "{SEQ:1}/1"):
            settings = {"invoicing": {"numberPatterns": {"payment": pattern}}}
            assert owner.patch("/api/tenant/settings", settings).status_code == 200
            body = {**KEYS, "customerId": customer, "amount": "1.00", "allowUnapplied": True}
            response = owner.post("/api/payments", body)

        assert (response.status_code, response.get_json()["code"]) == (409, "CONFLICT")
        assert "change the pattern" in response.get_json()["detail"]
