"""Reports of money over HTTP: who may read them, what they refuse, and how a spreadsheet gets them."""

import csv
import io
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from sqlalchemy import event

from mbs.dashboard.schemas.money import COLUMNS
from mbs.operations.embedded_postgres import Server
from tests.dashboard.random_books import invent, write
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.issued import issued

MARCH = "from=2026-03-01&to=2026-03-31"
REPORTS = {
    "revenue": f"/api/analytics/revenue?{MARCH}",
    "collected": f"/api/analytics/collected?{MARCH}",
    "tax": f"/api/analytics/tax?{MARCH}",
    "outstanding": "/api/analytics/outstanding?",
}
EXPORT = f"/api/analytics/invoices?{MARCH}"
STATEMENTS = 3
"""The place, the figures, and the rates if they are converted."""


@pytest.fixture(scope="module")
def owner(app: Flask, server: Server, database_name: str) -> Business:
    """The owner of a business with random books, in rupees but for some."""
    owner = new_business(Caller(app), countryCode="IN", timezone="Asia/Kolkata")
    locations = [UUID(row["id"]) for row in listed(owner, "/api/locations")]
    write(owner, invent(9, locations), server.url(database_name))
    for base, rate in (("USD", "83.5"), ("JPY", "0.55")):
        body = {"base": base, "quote": "INR", "rate": rate, "validFrom": "2026-01-01"}
        made(owner, "/api/exchange-rates", body)
    return owner


@pytest.fixture
def statements(owner: Business) -> Iterator[list[str]]:
    """The statements that reports send from here on."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(owner.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(owner.database.engine, "before_cursor_execute", note)


def table(owner: Business, path: str) -> list[dict[str, str]]:
    response = owner.get(path)
    assert response.status_code == 200, response.get_data(as_text=True)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    text = response.get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


class TestAReportOfMoney:
    @pytest.mark.parametrize("path", [*REPORTS.values(), EXPORT])
    def test_is_for_those_who_keep_the_books(self, owner: Business, path: str) -> None:
        statuses = {role: owner.colleague(role).get(path).status_code for role in ("accountant", "manager")}

        assert statuses == {"accountant": 200, "manager": 403}

    @pytest.mark.parametrize("path", list(REPORTS.values()))
    def test_asks_as_often_converted_to_one_currency(
        self, owner: Business, path: str, statements: list[str]
    ) -> None:
        shown = owner.get(f"{path}&convertTo=INR")

        assert shown.status_code == 200, shown.get_data(as_text=True)
        assert {row["currency"] for row in shown.get_json()["rows"]} == {"INR"}
        # The caller's look-up and the limit's are not SQLAlchemy's.
        assert len(statements) <= STATEMENTS

    @pytest.mark.parametrize("name", REPORTS)
    def test_is_the_same_as_a_table(self, owner: Business, name: str) -> None:
        rows = owner.get(REPORTS[name]).get_json()["rows"]
        found = table(owner, f"{REPORTS[name]}&format=csv")

        assert len(found) == len(rows) > 0
        assert list(found[0]) == list(COLUMNS[name])
        assert set(rows[0]) == set(COLUMNS[name])
        for cells, row in zip(found, rows, strict=True):
            assert cells == {key: "" if value is None else str(value) for key, value in row.items()}

    def test_adds_up_exactly_whatever_the_amounts_and_rates(self, business: Callable[[], Business]) -> None:
        somebody, largest, rate = business(), "999999999999999.99", "99999999999999"
        for amount in (largest, largest, "0.01"):
            issued(somebody, amount)
        body = {"base": "INR", "quote": "JPY", "rate": rate, "validFrom": "2026-01-01"}
        made(somebody, "/api/exchange-rates", body)
        today = date.today()
        year = f"from={today - timedelta(days=2)}&to={today + timedelta(days=2)}&convertTo=JPY"

        revenue = somebody.get(f"/api/analytics/revenue?{year}").get_json()["totals"][0]
        owed = somebody.get("/api/analytics/outstanding?convertTo=JPY").get_json()["totals"][0]

        whole = str((2 * 99999999999999999 + 1) * int(rate) // 100)
        assert (revenue["total"], owed["amount"]) == (whole, whole)

    def test_names_what_is_saved(self, owner: Business) -> None:
        saved = owner.get(f"{REPORTS['revenue']}&format=csv").headers["Content-Disposition"]

        assert saved == 'attachment; filename="revenue-2026-03-01-2026-03-31.csv"'

    @pytest.mark.parametrize(
        ("query", "code", "field"),
        [
            ("from=2026-03-31&to=2026-03-01", "VALIDATION_ERROR", "to"),
            ("from=2025-01-01&to=2026-03-01", "RANGE_TOO_LONG", "to"),
            (f"{MARCH}&groupBy=year", "VALIDATION_ERROR", "groupBy"),
            (f"{MARCH}&convertTo=ZZZ", "VALIDATION_ERROR", "convertTo"),
            (f"{MARCH}&format=xlsx", "VALIDATION_ERROR", "format"),
            (f"{MARCH}&locationId=00000000-0000-0000-0000-000000000000", "INVALID_REFERENCE", "locationId"),
        ],
    )
    def test_refuses_what_it_cannot_cover(self, owner: Business, query: str, code: str, field: str) -> None:
        refused = owner.get(f"/api/analytics/revenue?{query}")

        assert refused.status_code == 400
        assert (refused.get_json()["code"], refused.get_json()["errors"][0]["field"]) == (code, field)

    @pytest.mark.parametrize("as_", ["json", "csv"])
    def test_names_the_rate_that_is_missing(self, owner: Business, as_: str) -> None:
        refused = owner.get(f"{REPORTS['revenue']}&groupBy=month&convertTo=EUR&format={as_}")

        assert refused.status_code == 409
        problem = refused.get_json(force=True)
        assert problem["code"] == "NO_EXCHANGE_RATE"
        assert (problem["quote"], problem["on"]) == ("EUR", "2026-03-31")
        assert problem["base"] in ("INR", "USD", "JPY")


class TestTheExport:
    def test_shows_names_as_names_and_amounts_as_numbers(self, owner: Business) -> None:
        rows = table(owner, EXPORT)

        assert list(rows[0]) == list(COLUMNS["invoices"])
        assert {row["customer"] for row in rows} == {'\'=Jane, "J"'}
        assert {row["taxId"] for row in rows} == {"27AAPFU0939F1ZV"}
        assert any(row["rounding"] == "-0.25" for row in rows)
        assert all("." not in row["total"] for row in rows if row["currency"] == "JPY")
        assert all(not row["due"] for row in rows if row["type"] == "credit_note")

    def test_of_another_business_is_empty(self, resident: Business, owner: Business) -> None:
        assert table(owner, EXPORT)
        assert table(resident, EXPORT) == []


class TestTheDashboard:
    NAMES = ("monthlyRevenue", "revenueGrowth", "outstanding", "overdue", "collectedThisMonth")

    def test_tells_of_money_whoever_keeps_the_books_and_nobody_else(self, owner: Business) -> None:
        mine, theirs = (
            somebody.get("/api/dashboard/stats").get_json()
            for somebody in (owner, owner.colleague("manager"))
        )

        assert all(isinstance(mine[name], str) for name in self.NAMES if name != "revenueGrowth")
        assert float(mine["outstanding"]) > 0
        assert {name: theirs[name] for name in self.NAMES} == dict.fromkeys(self.NAMES)
        assert theirs["totalBookings"] == mine["totalBookings"]
