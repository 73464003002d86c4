"""Lists of payments and refunds: filters, order, pages, and what a row shows."""

from typing import Any

import pytest
from flask import Flask

from mbs.payments.schemas import PaymentListed, PaymentView, RefundView
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.issued import issued, new_customer, pay
from tests.factories.teams import code_of


@pytest.fixture(scope="module")
def books(app: Flask) -> Business:
    """A business whose payments nobody changes."""
    return new_business(Caller(app))


@pytest.fixture(scope="module")
def payments(books: Business) -> dict[str, dict[str, Any]]:
    """Payments by the day of March 2026 on which they came, of which the second has gone back in part."""
    first, second = new_customer(books), new_customer(books)
    invoice = issued(books, "100.00", customer_id=first)
    found = {
        "1": pay(books, "100.00", **invoice, method="upi", receivedAt="2026-03-01T10:00:00Z"),
        "2": pay(books, "50.00", customerId=first, allowUnapplied=True, receivedAt="2026-03-02T10:00:00Z"),
        "3": pay(books, "70.00", customerId=second, allowUnapplied=True, receivedAt="2026-03-03T10:00:00Z"),
    }
    path = f"/api/payments/{found['2']['id']}/refunds"
    day = {"refundedAt": "2026-03-04T10:00:00Z"}
    made(books, path, {"amount": "20.00", "reason": "Came too late", **day})
    made(books, f"/api/payments/{found['3']['id']}/reverse", {"reason": "The cheque bounced"})
    return found


QUESTIONS = {
    "": "321",
    "sortOrder=asc": "123",
    "sortBy=amount": "231",
    "sortBy=amount&sortOrder=desc": "132",
    "customerId={first}": "21",
    "invoiceId={invoice}": "1",
    "method=upi,card": "1",
    "status=reversed,partially_refunded": "32",
    "receivedFrom=2026-03-02T10:00:00Z": "32",
    "receivedTo=2026-03-02T10:00:00Z": "1",
    "unapplied=true": "2",
    "unapplied=false": "321",
    "unapplied=true&customerId={second}": "",
    "bookingId={first}": "",
}


class TestPayments:
    @pytest.mark.parametrize(("query", "expected"), QUESTIONS.items(), ids=QUESTIONS)
    def test_are_chosen_and_ordered(
        self, books: Business, payments: dict[str, dict[str, Any]], query: str, expected: str
    ) -> None:
        ids = {
            "first": payments["1"]["customerId"],
            "second": payments["3"]["customerId"],
            "invoice": payments["1"]["allocations"][0]["invoiceId"],
        }
        found = listed(books, f"/api/payments?{query.format_map(ids)}")

        days = {one["id"]: day for day, one in payments.items()}
        assert "".join(days[one["id"]] for one in found) == expected

    @pytest.mark.parametrize("order", ["sortBy=amount", "sortBy=receivedAt", "unapplied=false"])
    def test_come_in_pages(self, books: Business, payments: dict[str, dict[str, Any]], order: str) -> None:
        seen, query = [], f"/api/payments?limit=1&includeTotal=true&{order}"
        cursor: str | None = ""
        while cursor is not None:
            page = books.get(f"{query}{cursor and f'&cursor={cursor}'}").get_json()
            seen += [one["id"] for one in page["data"]]
            assert page["pagination"]["total"] == 3
            cursor = page["pagination"]["nextCursor"]

        assert seen == [one["id"] for one in listed(books, f"/api/payments?{order}")]

    def test_show_allocations_only_when_asked(
        self, books: Business, payments: dict[str, dict[str, Any]]
    ) -> None:
        plain, expanded = (
            listed(books, f"/api/payments{query}") for query in ("", "?expand=allocations&sortBy=receivedAt")
        )
        assert [set(one) for one in plain] == [names(PaymentListed) - {"allocations"} for _ in plain]
        assert expanded[-1]["allocations"] == payments["1"]["allocations"]
        assert [one["allocations"] for one in expanded[:2]] == [[], []]

    @pytest.mark.parametrize(
        "query",
        [
            "method=barter",
            "status=paid",
            "sortBy=number",
            "unapplied=1",
            "customerId=x",
            "receivedFrom=today",
        ],
    )
    def test_are_not_chosen_by_nonsense(self, books: Business, query: str) -> None:
        response = books.get(f"/api/payments?{query}")
        assert code_of(response) == (400, "VALIDATION_ERROR")
        assert response.get_json()["errors"][0]["field"] == query.partition("=")[0]


class TestRefunds:
    def test_are_chosen(self, books: Business, payments: dict[str, dict[str, Any]]) -> None:
        payment = payments["2"]
        for query, found in (
            ("", 1),
            (f"?paymentId={payment['id']}", 1),
            (f"?paymentId={payments['1']['id']}", 0),
            (f"?customerId={payment['customerId']}", 1),
            (f"?customerId={payments['3']['customerId']}", 0),
            ("?refundedFrom=2026-03-04T10:00:00Z", 1),
            ("?refundedTo=2026-03-04T10:00:00Z", 0),
        ):
            assert len(listed(books, f"/api/refunds{query}")) == found, query


class TestAnAnswer:
    def test_is_as_it_is_documented(self, books: Business, payments: dict[str, dict[str, Any]]) -> None:
        assert set(payments["1"]) == names(PaymentView)
        (refund,) = listed(books, "/api/refunds")
        assert set(refund) == names(RefundView)
        (one,) = books.get(f"/api/payments/{payments['2']['id']}").get_json()["refunds"]
        assert one == {name: refund[name] for name in one}

    def test_of_a_single_one_carries_its_version(
        self, books: Business, payments: dict[str, dict[str, Any]]
    ) -> None:
        path = f"/api/payments/{payments['2']['id']}"
        response = books.get(path)

        assert response.headers["ETag"] == '"2"'
        assert books.get(path, headers={"If-None-Match": '"2"'}).status_code == 304


def names(schema: Any) -> set[str]:
    return {field.data_key for field in schema().fields.values()}
