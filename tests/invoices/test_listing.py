"""Invoices listed: every filter, every order, page by page."""

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.foundation.clock import SystemClock
from mbs.foundation.local_time import local
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.invoices import item, new_customer, new_draft

ISSUE = text(
    "UPDATE documents SET status = :status, number = :number, series = 'T', seq = :seq, title = 'Invoice',"
    ' issue_date = :on, supply_date = :on, due_date = :due, seller = \'{"name": "Asha"}\','
    " buyer = '{\"name\": \"Jane\"}', voided_at = CASE :status WHEN 'void' THEN now() END WHERE id = :id"
)
STEP = text("UPDATE documents SET status = :status, voided_at = now() WHERE id = :id")
PAY = text(
    "WITH paid AS (INSERT INTO payments (id, number, series, seq, customer_id, location_id, currency, amount,"
    " method, received_at, amount_applied) SELECT :payment, :number, 'R', :seq, customer_id, location_id,"
    " currency, :amount, 'cash', now(), :amount FROM documents WHERE id = :id RETURNING *),"
    " applied AS (INSERT INTO payment_allocations"
    " (id, payment_id, document_id, customer_id, currency, amount)"
    " SELECT :payment, id, :id, customer_id, currency, amount FROM paid)"
    " UPDATE documents SET amount_paid = :amount,"
    " status = CASE WHEN total = :amount THEN 'paid' ELSE status END WHERE id = :id"
)
NOWHERE = "0190b6f0-0000-7000-8000-000000000001"
TODAY = local(SystemClock().now(), "Asia/Kolkata").date()


def run(owner: Business, statement: Any, **values: Any) -> None:
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(statement, values)


def issue(owner: Business, id_: str, seq: int, *, days: int, due: int, status: str = "open") -> None:
    """Issue a draft some days from today, due some days from then; past the routes, for its dates."""
    on = TODAY + timedelta(days=days)
    dates = {"on": on, "due": on + timedelta(days=due)}
    first = "open" if status in ("void", "uncollectible") else status
    run(owner, ISSUE, id=id_, number=f"T-{seq}", seq=seq, status=first, **dates)
    if first != status:
        run(owner, STEP, id=id_, status=status)


def pay(owner: Business, id_: str, amount: str, seq: int = 1) -> None:
    run(owner, PAY, id=id_, payment=uuid7(), number=f"R-{seq}", seq=seq, amount=amount)


@pytest.fixture
def bills(owner: Business) -> dict[str, str]:
    """The ids of six invoices, by what each is."""
    customers = [new_customer(owner), new_customer(owner, name="Ravi")]
    made_ = {
        name: new_draft(owner, item(unitPrice=f"{total}.00"), customerId=customers[number % 2])["id"]
        for number, (name, total) in enumerate(
            {"draft": 100, "open": 200, "overdue": 300, "partial": 400, "paid": 500, "void": 600}.items()
        )
    }
    issue(owner, made_["overdue"], 1, days=-20, due=10)
    issue(owner, made_["paid"], 2, days=-5, due=1)
    issue(owner, made_["partial"], 3, days=-3, due=30)
    issue(owner, made_["void"], 4, days=-2, due=0, status="void")
    issue(owner, made_["open"], 5, days=-1, due=1)
    pay(owner, made_["paid"], "500.00")
    pay(owner, made_["partial"], "1.00", 2)
    return made_


def names(owner: Business, bills: dict[str, str], query: str) -> list[str]:
    by_id = {id_: name for name, id_ in bills.items()}
    return [by_id[row["id"]] for row in listed(owner, f"/api/invoices?{query}")]


def dated(query: str) -> str:
    """Return a query with dates for days from today, like {-3}."""
    return re.sub(r"\{([+-]?\d+)\}", lambda found: (TODAY + timedelta(days=int(found[1]))).isoformat(), query)


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("status=draft", {"draft"}),
            ("status=open", {"open", "overdue", "partial"}),
            ("status=overdue", {"overdue"}),
            ("status=partial", {"partial"}),
            ("status=overdue,partial,void", {"overdue", "partial", "void"}),
            ("status=paid", {"paid"}),
            ("status=uncollectible", set()),
            ("number=T-3", {"partial"}),
            ("number=t-3", set()),
            ("minTotal=300&maxTotal=400", {"overdue", "partial"}),
            ("issuedFrom={-5}", {"paid", "partial", "void", "open"}),
            ("issuedTo={-5}", {"overdue", "paid"}),
            ("issuedFrom={-3}&issuedTo={-3}", {"partial"}),
            ("dueFrom={+0}", {"open", "partial"}),
            ("dueTo={-10}", {"overdue"}),
            ("currency=INR", {"draft", "open", "overdue", "partial", "paid", "void"}),
            ("currency=USD", set()),
            ("updatedSince=2100-01-01T00:00:00Z", set()),
            (f"bookingId={NOWHERE}", set()),
            (f"locationId={NOWHERE}", set()),
        ],
    )
    def test_narrow(self, owner: Business, bills: dict[str, str], query: str, found: set[str]) -> None:
        assert set(names(owner, bills, dated(query))) == found

    def test_of_customer_and_place_narrow(self, owner: Business, bills: dict[str, str]) -> None:
        rows = {row["id"]: row for row in listed(owner, "/api/invoices")}
        draft = rows[bills["draft"]]
        assert set(names(owner, bills, f"customerId={draft['customerId']}")) == {"draft", "overdue", "paid"}
        assert len(names(owner, bills, f"locationId={draft['locationId']}&status=paid")) == 1

    def test_of_states_tell_what_each_row_tells(self, owner: Business, bills: dict[str, str]) -> None:
        told = {row["id"]: (row["paymentStatus"], row["isOverdue"]) for row in listed(owner, "/api/invoices")}
        assert {name: told[id_] for name, id_ in bills.items()} == {
            "draft": (None, False),
            "open": ("unpaid", False),
            "overdue": ("unpaid", True),
            "partial": ("partial", False),
            "paid": ("paid", False),
            "void": (None, False),
        }

    def test_show_what_was_paid_and_what_is_due(self, owner: Business, bills: dict[str, str]) -> None:
        by_id = {row["id"]: row for row in listed(owner, "/api/invoices")}
        sums = {name: (by_id[id_]["amountPaid"], by_id[id_]["amountDue"]) for name, id_ in bills.items()}
        assert sums["partial"] == ("1.00", "399.00")
        assert sums["paid"] == ("500.00", "0.00")
        assert sums["open"] == ("0.00", "200.00")

    @pytest.mark.parametrize(
        "query",
        ["status=late", "minTotal=-1", "minTotal=NaN", "issuedFrom=2026-2-1", "sortBy=amountDue", "search=x"],
    )
    def test_that_mean_nothing_are_refused(self, resident: Business, query: str) -> None:
        assert resident.get(f"/api/invoices?{query}").status_code == 400


class TestOverdue:
    def test_begins_when_the_day_has_ended_where_the_invoice_was_issued(self, owner: Business) -> None:
        places = {
            zone: made(owner, "/api/locations", {"name": zone, "timezone": zone})["id"]
            for zone in ("Pacific/Kiritimati", "Etc/GMT+12")
        }
        customer, on = new_customer(owner), local(SystemClock().now(), "Etc/GMT+12").date()
        ids = {}
        for seq, (zone, place) in enumerate(places.items()):
            ids[zone] = new_draft(owner, customerId=customer, locationId=place)["id"]
            run(owner, ISSUE, id=ids[zone], number=f"T-{seq}", seq=seq, status="open", on=on, due=on)
        assert [row["id"] for row in listed(owner, "/api/invoices?status=overdue")] == [
            ids["Pacific/Kiritimati"]
        ]
        late = {row["id"]: row["isOverdue"] for row in listed(owner, "/api/invoices")}
        assert late == {ids["Pacific/Kiritimati"]: True, ids["Etc/GMT+12"]: False}


class TestOrders:
    ORDERS = (
        ("createdAt", "asc", "draft open overdue partial paid void"),
        ("total", "desc", "void paid partial overdue open draft"),
        ("issueDate", "asc", "overdue paid partial void open draft"),
        ("number", "desc", "draft open void partial paid overdue"),
        ("dueDate", "asc", "overdue paid void open partial draft"),
    )

    @pytest.mark.parametrize(("sort", "way", "wanted"), ORDERS)
    def test_hold_from_page_to_page(
        self, owner: Business, bills: dict[str, str], sort: str, way: str, wanted: str
    ) -> None:
        by_id, found = {id_: name for name, id_ in bills.items()}, []
        cursor: str | None = ""
        while cursor is not None:
            query = f"sortBy={sort}&sortOrder={way}&limit=2" + (f"&cursor={cursor}" if cursor else "")
            page = owner.get(f"/api/invoices?{query}").get_json()
            found += [by_id[row["id"]] for row in page["data"]]
            cursor = page["pagination"]["nextCursor"]
        assert found == wanted.split()

    def test_are_newest_first_unless_told_otherwise(self, owner: Business, bills: dict[str, str]) -> None:
        assert names(owner, bills, "") == list(reversed(bills))

    def test_count_all_when_asked(self, owner: Business, bills: dict[str, str]) -> None:
        answer = owner.get("/api/invoices?limit=1&includeTotal=true&status=overdue,paid").get_json()
        assert answer["pagination"]["total"] == 2


class TestExpansion:
    def test_shows_customer_items_and_payments(self, owner: Business, bills: dict[str, str]) -> None:
        (row,) = listed(owner, "/api/invoices?status=paid&expand=customer,items,payments")
        assert row["customer"]["name"] == "Jane"
        assert [line["total"] for line in row["items"]] == ["500.00"]
        assert [(paid["number"], paid["amount"]) for paid in row["payments"]] == [("R-1", "500.00")]
        (bare,) = listed(owner, "/api/invoices?status=paid")
        assert {"customer", "items", "payments"}.isdisjoint(bare)
        one = owner.get(f"/api/invoices/{bills['paid']}").get_json()
        assert {name: one[name] for name in row if name != "customer"} == {
            name: row[name] for name in row if name != "customer"
        }
