"""Lists of credit notes: filters, orders, pages, and that they are read by an index."""

from typing import Any

import pytest

from mbs.credit_notes.schemas import ListedCreditNote
from tests.contract.closed_schemas import differences
from tests.credit_notes.crediting import credited, line
from tests.factories.answers import listed
from tests.factories.callers import Business
from tests.factories.invoices import item, new_invoice


@pytest.fixture
def notes(salon: Business) -> list[dict[str, Any]]:
    """Three notes of two invoices, dated one day after another, and one in yen."""
    first = new_invoice(salon, item(quantity="3"), issue_date="2026-06-01", supplyDate="2026-06-01")
    second = new_invoice(salon, issue_date="2026-06-01", supplyDate="2026-06-01")
    cut = {"description": "Cut", "unitPrice": "1000", "taxCategory": "beauty_wellness"}
    yen = new_invoice(salon, cut, currency="JPY", issue_date="2026-06-01", supplyDate="2026-06-01")
    return [
        credited(salon, first["id"], line(first, quantity="1"), issueDate="2026-06-02"),
        credited(salon, first["id"], line(first, quantity="2"), issueDate="2026-06-03"),
        credited(salon, second["id"], line(second, amount="10.00"), issueDate="2026-06-04"),
        credited(salon, yen["id"], line(yen, amount="500"), issueDate="2026-06-05"),
    ]


def found(owner: Business, query: str) -> list[str]:
    return [one["id"] for one in listed(owner, f"/api/credit-notes?{query}")]


class TestFilters:
    def test_narrow_the_list(self, salon: Business, notes: list[dict[str, Any]]) -> None:
        ids = [note["id"] for note in notes]
        first = notes[0]
        wanted = {
            f"invoiceId={first['invoiceId']}": ids[:2],
            f"customerId={first['customerId']}": ids[:2],
            f"locationId={first['locationId']}": ids,
            f"number={first['number']}": ids[:1],
            "issuedFrom=2026-06-03&issuedTo=2026-06-04": ids[1:3],
            "currency=JPY": ids[3:],
            "minTotal=900&maxTotal=1000": ids[:1],
            f"updatedSince={notes[2]['updatedAt']}": ids[2:],
            "number=X": [],
        }
        assert {query: found(salon, f"{query}&sortOrder=asc") for query in wanted} == wanted

    def test_show_what_the_document_says(self, salon: Business, notes: list[dict[str, Any]]) -> None:
        (row,) = listed(salon, f"/api/credit-notes?number={notes[0]['number']}")
        assert differences(ListedCreditNote(), row) == []
        assert row.items() <= notes[0].items()

    def test_leave_invoices_and_notes_apart(self, salon: Business, notes: list[dict[str, Any]]) -> None:
        ids = {note["id"] for note in notes}
        assert ids.isdisjoint(one["id"] for one in listed(salon, "/api/invoices?limit=100"))
        assert salon.get(f"/api/invoices/{notes[0]['id']}").status_code == 404
        assert salon.get(f"/api/credit-notes/{notes[0]['invoiceId']}").status_code == 404


class TestOrders:
    @pytest.mark.parametrize("sort", ["createdAt", "issueDate", "number", "total"])
    @pytest.mark.parametrize("order", ["asc", "desc"])
    def test_run_through_all_pages(
        self, salon: Business, notes: list[dict[str, Any]], sort: str, order: str
    ) -> None:
        seen: list[Any] = []
        path: str | None = f"/api/credit-notes?sortBy={sort}&sortOrder={order}&limit=1"
        while path is not None:
            body = salon.get(path).get_json()
            seen += body["data"]
            cursor = body["pagination"]["nextCursor"]
            start = f"/api/credit-notes?sortBy={sort}&sortOrder={order}&limit=1"
            path = f"{start}&cursor={cursor}" if cursor else None
        keys = [float(one[sort]) if sort == "total" else one[sort] for one in seen]
        assert len({one["id"] for one in seen}) == len(notes)
        assert keys == sorted(keys, reverse=order == "desc")


class TestOne:
    def test_is_not_sent_twice_to_whoever_has_it(self, salon: Business, notes: list[dict[str, Any]]) -> None:
        path = f"/api/credit-notes/{notes[0]['id']}"
        response = salon.get(path)
        assert response.get_json() == notes[0]
        again = salon.get(path, headers={"If-None-Match": response.headers["ETag"]})
        assert (again.status_code, again.data) == (304, b"")
