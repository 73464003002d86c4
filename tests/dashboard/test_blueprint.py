"""Reports over HTTP: who may read them, what they refuse, and how often they ask the database."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from mbs.dashboard.schemas.activity import BookingReport, CustomerReport, StatsView, UtilizationReport
from tests.contract.closed_schemas import differences
from tests.dashboard.owners import new_owner
from tests.dashboard.random_calendars import RandomCalendar, fill
from tests.factories.callers import Business, Caller

STATS = "/api/dashboard/stats"
BOOKINGS = "/api/analytics/bookings"
UTILIZATION = "/api/analytics/utilisation"
CUSTOMERS = "/api/analytics/customers"
MARCH = "from=2026-03-01&to=2026-03-31"
REPORTS = {
    STATS: StatsView,
    **{f"{BOOKINGS}?{MARCH}&groupBy={by}": BookingReport for by in ("day", "service", "staff", "status")},
    **{f"{UTILIZATION}?{MARCH}&groupBy={by}": UtilizationReport for by in ("day", "staff", "resource")},
    f"{CUSTOMERS}?{MARCH}": CustomerReport,
}
STATEMENTS = {STATS: 5, BOOKINGS: 3, UTILIZATION: 4, CUSTOMERS: 2}
"""At most so many, however many bookings, people and days there are."""


@pytest.fixture(scope="module")
def owner(app: Flask) -> Business:
    return new_owner(app)


@pytest.fixture(scope="module", autouse=True)
def calendar(owner: Business) -> RandomCalendar:
    return fill(owner, 11)


@pytest.fixture
def statements(owner: Business) -> Iterator[list[str]]:
    """The statements that reports send from here on."""
    sent: list[str] = []

    def note(*arguments: Any) -> None:
        sent.append(arguments[2])

    event.listen(owner.database.engine, "before_cursor_execute", note)
    yield sent
    event.remove(owner.database.engine, "before_cursor_execute", note)


def fault(owner: Business, path: str) -> tuple[int, str, str]:
    response = owner.get(path)
    assert response.json is not None
    return response.status_code, response.json["code"], response.json["errors"][0]["field"]


class TestAReport:
    @pytest.mark.parametrize("path", REPORTS)
    def test_looks_as_the_document_describes_it(self, owner: Business, path: str) -> None:
        response = owner.get(path)
        assert response.status_code == 200
        assert differences(REPORTS[path](), response.json) == []

    @pytest.mark.parametrize("path", REPORTS)
    def test_asks_the_database_a_handful_of_times(
        self, owner: Business, path: str, statements: list[str]
    ) -> None:
        assert owner.get(path).status_code == 200
        # What is kept compiled goes past SQLAlchemy: hours, which are one more statement.
        assert 1 <= len(statements) <= STATEMENTS[path.partition("?")[0]]

    @pytest.mark.parametrize("path", REPORTS)
    def test_is_for_those_who_may_read_reports(self, owner: Business, path: str) -> None:
        refused, admitted = owner.colleague("staff"), owner.colleague("accountant")
        assert refused.get(path).status_code == 403
        assert admitted.get(path).status_code == 200
        assert Caller(owner.app).get(path).status_code == 401

    def test_names_local_days_and_the_time_zone(self, owner: Business) -> None:
        body = owner.get(f"{BOOKINGS}?from=2026-03-07&to=2026-03-09&groupBy=day").json or {}
        assert [row["key"] for row in body["rows"]] == ["2026-03-07", "2026-03-08", "2026-03-09"]
        named = {name: body[name] for name in ("timezone", "from", "to", "groupBy")}
        assert named == {
            "timezone": "America/New_York",
            "from": "2026-03-07",
            "to": "2026-03-09",
            "groupBy": "day",
        }

    def test_begins_weeks_on_the_day_that_the_business_chose(self, owner: Business) -> None:
        path = f"{BOOKINGS}?from=2026-03-04&to=2026-03-15&groupBy=week"
        mondays = [row["key"] for row in (owner.get(path).json or {})["rows"]]
        assert owner.patch("/api/tenant/settings", {"booking": {"firstDayOfWeek": 7}}).status_code == 200
        sundays = [row["key"] for row in (owner.get(path).json or {})["rows"]]
        assert (mondays, sundays) == (
            ["2026-03-02", "2026-03-09"],
            ["2026-03-01", "2026-03-08", "2026-03-15"],
        )

    def test_shows_people_their_names(self, owner: Business, calendar: RandomCalendar) -> None:
        rows = (owner.get(f"{BOOKINGS}?{MARCH}&groupBy=staff").json or {})["rows"]
        assert {row["label"] for row in rows} <= {*calendar.staff.values(), "Teacher", None}
        assert {*calendar.staff.values()} <= {row["label"] for row in rows}

    def test_keeps_customers_names_from_a_key_that_may_not_read_them(self, owner: Business) -> None:
        made = owner.post("/api/api-keys", {"name": "Board", "scopes": ["reports:read"]})
        assert made.status_code == 201
        board = Caller(owner.app, token=(made.json or {})["key"])
        tops = [(caller.get(f"{CUSTOMERS}?{MARCH}").json or {})["topByVisits"] for caller in (owner, board)]
        assert [row["customerId"] for row in tops[0]] == [row["customerId"] for row in tops[1]]
        assert all(row["name"] for row in tops[0])
        assert {row["name"] for row in tops[1]} == {None}

    def test_of_another_business_is_empty(self, app: Flask) -> None:
        stranger = new_owner(app)
        body = stranger.get(f"{BOOKINGS}?{MARCH}&groupBy=staff").json or {}
        assert (body["rows"], body["total"]["bookings"]) == ([], 0)
        assert (stranger.get(f"{CUSTOMERS}?{MARCH}").json or {})["customers"] == 0
        assert (stranger.get(f"{UTILIZATION}?{MARCH}&groupBy=resource").json or {})["rows"] == []


class TestFaults:
    @pytest.mark.parametrize("path", [BOOKINGS, UTILIZATION, CUSTOMERS])
    @pytest.mark.parametrize(
        ("query", "code", "field"),
        [
            ("from=2026-03-02&to=2026-03-01", "VALIDATION_ERROR", "to"),
            ("from=2026-01-01&to=2027-01-02", "RANGE_TOO_LONG", "to"),
            ("from=2026-02-31&to=2026-03-01", "VALIDATION_ERROR", "from"),
            ("from=0000-01-01&to=2026-03-01", "VALIDATION_ERROR", "from"),
            ("to=2026-03-01", "VALIDATION_ERROR", "from"),
            (f"{MARCH}&groupBy=year", "VALIDATION_ERROR", "groupBy"),
            (
                f"{MARCH}&locationId=0198a1b2-c3d4-7000-8000-000000000001",
                "INVALID_REFERENCE",
                "locationId",
            ),
        ],
    )
    def test_are_named(self, owner: Business, path: str, query: str, code: str, field: str) -> None:
        assert fault(owner, f"{path}?{query}") == (400, code, field)

    def test_leave_a_leap_year_whole(self, owner: Business) -> None:
        assert owner.get(f"{BOOKINGS}?from=2024-01-01&to=2024-12-31&groupBy=day").status_code == 200

    def test_name_the_location_of_another_business(self, app: Flask, calendar: RandomCalendar) -> None:
        path = f"{STATS}?locationId={calendar.branch}"
        assert fault(new_owner(app), path) == (400, "INVALID_REFERENCE", "locationId")
