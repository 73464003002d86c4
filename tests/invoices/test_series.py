"""Numbers as businesses get them: by place, by year, through changes of their pattern, and among racers."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.foundation.errors import InvalidState
from tests.auth.racing import send, together
from tests.factories.callers import Business, new_address
from tests.factories.invoices import charge_gst, new_customer, new_draft, new_invoice
from tests.factories.issuing import counters, issue, issuing_at, number_at, numbers
from tests.factories.salons import problem
from tests.factories.servers import RunningService, serve

SETTINGS = "/api/tenant/settings"
SET_COUNTER = text("UPDATE number_series SET next_value = :value WHERE tenant_id = :tenant")
RACERS = 40


@pytest.fixture
def salon(owner: Business) -> Business:
    return charge_gst(owner)


def number_by(owner: Business, pattern: str) -> Any:
    changed = owner.patch(SETTINGS, {"invoicing": {"numberPatterns": {"invoice": pattern}}})
    assert changed.status_code == 200, changed.get_data(as_text=True)


def place(owner: Business, prefix: str, **values: Any) -> str:
    made = owner.post("/api/locations", {"name": prefix, "invoicePrefix": prefix, **values})
    assert made.status_code == 201, made.get_data(as_text=True)
    id_: str = made.get_json()["id"]
    return id_


class TestYear:
    def test_of_india_ends_with_march_at_the_location(self, salon: Business) -> None:
        customer = new_customer(salon)
        drafts = [new_draft(salon, customerId=customer) for _ in range(3)]
        instants = [
            datetime(2026, 3, 31, 18, 29, 59, tzinfo=UTC),
            datetime(2026, 3, 31, 18, 30, tzinfo=UTC),
            datetime(2026, 4, 1, 18, 30, tzinfo=UTC),
        ]
        found = [number_at(salon, draft, at) for draft, at in zip(drafts, instants, strict=True)]
        assert found == ["MUM/2526/00001", "MUM/2627/00001", "MUM/2627/00002"]
        days = [salon.get(f"/api/invoices/{draft['id']}").get_json()["issueDate"] for draft in drafts]
        assert days == ["2026-03-31", "2026-04-01", "2026-04-02"]

    def test_elsewhere_is_the_calendars(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="GB", businessType="consultancy")
        prefix = owner.get("/api/locations").get_json()["data"][0]["invoicePrefix"]
        customer = new_customer(owner)
        drafts = [new_draft(owner, customerId=customer) for _ in range(2)]
        instants = [datetime(2025, 12, 31, 23, 59, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)]
        found = [number_at(owner, draft, at) for draft, at in zip(drafts, instants, strict=True)]
        assert found == [f"{prefix}/2025/00001", f"{prefix}/2026/00001"]


class TestPlaces:
    def test_count_by_themselves(self, salon: Business) -> None:
        delhi = place(salon, "DEL")
        found = [
            new_invoice(salon, issue_date="2025-05-04", **at)["number"]
            for at in ({}, {"locationId": delhi}, {}, {"locationId": delhi})
        ]
        assert found == ["MUM/2526/00001", "DEL/2526/00001", "MUM/2526/00002", "DEL/2526/00002"]

    def test_with_one_prefix_share_one_series(self, salon: Business) -> None:
        bandra = place(salon, "MUM")
        found = [
            new_invoice(salon, issue_date="2025-05-04", **at)["number"] for at in ({}, {"locationId": bandra})
        ]
        assert found == ["MUM/2526/00001", "MUM/2526/00002"]

    def test_of_one_series_issue_on_both_sides_of_midnight(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="US", businessType="consultancy")
        number_by(owner, "{YYYY}-{SEQ:3}")
        zones = ("America/New_York", "America/Los_Angeles")
        customer = new_customer(owner)
        drafts = [
            new_draft(owner, customerId=customer, locationId=place(owner, f"P{number}", timezone=zone))
            for number, zone in enumerate(zones)
        ]
        at = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)
        assert [number_at(owner, draft, at) for draft in drafts] == ["2026-001", "2026-002"]
        days = [owner.get(f"/api/invoices/{draft['id']}").get_json()["issueDate"] for draft in drafts]
        assert days == ["2026-03-02", "2026-03-01"]

    def test_share_one_series_where_the_pattern_names_none(self, salon: Business) -> None:
        number_by(salon, "{FY}-{SEQ:4}")
        delhi = place(salon, "DEL")
        found = [
            new_invoice(salon, issue_date="2025-05-04", **at)["number"] for at in ({}, {"locationId": delhi})
        ]
        assert found == ["2526-0001", "2526-0002"]


class TestPattern:
    def test_may_change_within_a_year(self, salon: Business) -> None:
        def next_() -> Any:
            return new_invoice(salon, issue_date="2025-05-04")["number"]

        found = [next_()]
        for pattern in ("{LOC}/{FY}/{SEQ:3}", "INV-{YYYY}-{SEQ:3}", "{LOC}/{FY}/{SEQ:5}"):
            number_by(salon, pattern)
            found.append(next_())
        assert found == ["MUM/2526/00001", "MUM/2526/002", "INV-2025-001", "MUM/2526/00003"]
        assert counters(salon) == {"INV-2025-{SEQ}": 1, "MUM/2526/{SEQ}": 3}

    def test_that_makes_a_number_again_is_told_of(self, salon: Business) -> None:
        number_by(salon, "A1{SEQ:1}")
        assert new_invoice(salon, issue_date="2025-05-04")["number"] == "A11"
        number_by(salon, "A{SEQ:2}")
        found = [new_invoice(salon, issue_date="2025-05-04")["number"] for _ in range(10)]
        assert found[-1] == "A10"
        draft = new_draft(salon)
        refused = problem(issue(salon, draft, {"issueDate": "2025-05-04"}), 409, "CONFLICT")
        assert "pattern" in refused["detail"]

    def test_that_has_no_digits_left_is_too_long_in_india(self, salon: Business) -> None:
        number_by(salon, "{LOC}/{YYYY}/{MM}-{SEQ:1}")
        first = new_invoice(salon, issue_date="2025-05-04")
        assert first["number"] == "MUM/2025/05-1"
        with salon.database.transaction(salon.scope) as transaction:
            transaction.execute(SET_COUNTER, {"value": 9999, "tenant": salon.tenant_id})
        assert new_invoice(salon, issue_date="2025-05-04")["number"] == "MUM/2025/05-9999"
        draft = new_draft(salon)
        refused = problem(issue(salon, draft, {"issueDate": "2025-05-04"}), 409, "NUMBER_TOO_LONG")
        assert "MUM/2025/05-10000" in refused["detail"]
        assert salon.get(f"/api/invoices/{draft['id']}").get_json()["status"] == "draft"
        assert counters(salon) == {"MUM/2025/05-{SEQ}": 9999}


def issue_at_last(issue_once: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
    """Issue as a client does: whoever is told that others are busy, asks again."""
    for _ in range(20):
        status, body = issue_once()
        if status not in (409, 503) or body["code"] not in ("BUSY", "OVERLOADED"):
            return status, body
    return status, body


class TestRacers:
    def test_leave_no_gap_when_some_fail_with_their_number_drawn(self, salon: Business) -> None:
        customer = new_customer(salon)
        drafts = [new_draft(salon, customerId=customer) for _ in range(12)]

        def race(number: int) -> str:
            """Issue; each third one dies between its number and its commit."""
            service = issuing_at(salon, datetime.now(UTC))
            try:
                with salon.database.transaction(salon.scope) as transaction:
                    service._begin = lambda **_: nullcontext(transaction)
                    invoice = service.issue(id_=UUID(drafts[number]["id"]), version=None)
                    if number % 3 == 0:
                        raise ConnectionError
            except ConnectionError:
                return "failed"
            return str(invoice.number)

        found = together(len(drafts), race)
        assert found.count("failed") == 4
        assert [row.seq for row in numbers(salon)] == list(range(1, 9))
        assert sorted(row.number for row in numbers(salon)) == sorted(set(found) - {"failed"})

    def test_for_one_draft_issue_it_once(self, salon: Business) -> None:
        draft = new_draft(salon)

        def race(number: int) -> str | None:
            try:
                issuing_at(salon, datetime.now(UTC)).issue(id_=UUID(draft["id"]), version=None)
            except InvalidState:
                return "refused"
            return None

        assert Counter(together(10, race)) == {None: 1, "refused": 9}
        assert [row.seq for row in numbers(salon)] == [1]


@pytest.fixture(scope="module")
def hosts(environ: dict[str, str]) -> Iterator[tuple[RunningService, ...]]:
    """Two servers of one process each, on one database."""
    variables = {
        **environ,
        "TRUSTED_PROXY_COUNT": "1",
        "WEB_THREADS": "8",
        "SKIP_RATE_LIMIT": "true",
        "LOG_LEVEL": "warning",
    }
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serve(variables, workers=1)) for _ in range(2))


@pytest.mark.slow
class TestFortyRacers:
    def test_leave_no_gap_when_a_third_of_them_fail(
        self, salon: Business, hosts: tuple[RunningService, ...]
    ) -> None:
        customer = new_customer(salon)
        drafts = [new_draft(salon, customerId=customer) for _ in range(RACERS)]

        def race(number: int) -> tuple[int, Any]:
            """Issue; each third one draws its number and then is rolled back."""
            host, path = hosts[number % 2], f"/api/invoices/{drafts[number]['id']}/issue"
            path += "" if number % 3 else "?dryRun=true"

            def once() -> tuple[int, Any]:
                answer = send(
                    host.port,
                    "POST",
                    path,
                    {"issueDate": "2025-05-04"},
                    token=salon.token,
                    address=new_address(),
                )
                return answer.status, answer.body

            return issue_at_last(once)

        answers = together(RACERS, race)
        assert Counter(status for status, _ in answers) == {200: RACERS}
        stored = numbers(salon)
        assert [row.seq for row in stored] == list(range(1, 27))
        issued = {body["number"] for number, (_, body) in enumerate(answers) if number % 3}
        assert {row.number for row in stored} == issued
        assert counters(salon) == {"MUM/2526/{SEQ}": 26}
