"""Counting what a business uses of its plan: exact among racers, and told once when a mark is passed."""

from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from mbs.consents.models import crossed_by, month_of
from mbs.consents.repository import UsageRepository
from mbs.foundation.db import Database
from mbs.tenants.models import limits_of, plans
from tests.auth.racing import together
from tests.factories.callers import Business

MARCH = date(2026, 3, 1)
METRIC = "emailsPerMonth"


@pytest.fixture
def wide_database(database_url: str) -> Iterator[Database]:
    """A pool with a connection for each racer."""
    database = Database(database_url, pool_size=20, lock_ms=10_000)
    yield database
    database.dispose()


def take(owner: Business, n: int, most: int | None, month: date = MARCH) -> tuple[int, tuple[int, ...]]:
    with owner.database.transaction(owner.scope) as transaction:
        taken = UsageRepository(transaction).take(METRIC, month, n, most)
    return taken.granted, taken.crossed


def used(owner: Business, month: date = MARCH) -> int:
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        return UsageRepository(transaction).used(month).get(METRIC, 0)


class TestTake:
    def test_grants_what_is_left_and_no_more(self, owner: Business) -> None:
        assert [take(owner, 4, 10)[0] for _ in range(4)] == [4, 4, 2, 0]
        assert used(owner) == 10

    def test_grants_no_more_than_the_plan_the_first_time_either(self, owner: Business) -> None:
        assert take(owner, 32, 10) == (10, (80, 100))
        assert used(owner) == 10

    def test_grants_nothing_of_a_plan_without_any(self, owner: Business) -> None:
        assert [take(owner, 1, 0) for _ in range(2)] == [(0, ()), (0, ())]
        assert used(owner) == 0

    def test_grants_everything_of_a_plan_without_an_end(self, owner: Business) -> None:
        assert [take(owner, 32, None) for _ in range(2)] == [(32, ()), (32, ())]
        assert used(owner) == 64

    def test_takes_nothing_back_of_a_plan_that_became_smaller(self, owner: Business) -> None:
        take(owner, 50, 100)
        assert take(owner, 1, 10) == (0, ())
        assert used(owner) == 50
        assert take(owner, 1, 100) == (1, ())

    def test_counts_each_month_and_business_for_itself(self, owner: Business, resident: Business) -> None:
        take(owner, 10, 10)
        assert take(owner, 1, 10, date(2026, 4, 1))[0] == 1
        assert (used(owner), used(resident)) == (10, 0)

    def test_is_undone_with_its_transaction(self, owner: Business) -> None:
        with suppress(LookupError), owner.database.transaction(owner.scope) as transaction:
            UsageRepository(transaction).take(METRIC, MARCH, 5, 10)
            raise LookupError
        assert used(owner) == 0

    def test_tells_of_each_mark_once(self, owner: Business) -> None:
        crossed = [take(owner, 1, 10)[1] for _ in range(12)]
        assert [mark for marks in crossed for mark in marks] == [80, 100]
        assert crossed[7] == (80,)
        assert crossed[9] == (100,)

    @pytest.mark.parametrize("made_before", [False, True])
    def test_grants_twenty_racers_the_last_ten(
        self, owner: Business, wide_database: Database, made_before: bool
    ) -> None:
        if made_before:
            take(owner, 7, 17)
        most = 17 if made_before else 10

        def race(_: int) -> tuple[int, tuple[int, ...]]:
            with wide_database.transaction(owner.scope) as transaction:
                taken = UsageRepository(transaction).take(METRIC, MARCH, 1, most)
            return taken.granted, taken.crossed

        results = together(20, race)

        assert sorted(granted for granted, _ in results) == [0] * 10 + [1] * 10
        assert sorted(mark for _, marks in results for mark in marks) == [80, 100]
        assert used(owner) == most


class TestMarks:
    @pytest.mark.parametrize(
        ("granted", "now_used", "most", "marks"),
        [
            (1, 400, 500, (80,)),
            (1, 401, 500, ()),
            (0, 400, 500, ()),
            (500, 500, 500, (80, 100)),
            (1, 1, 1, (80, 100)),
            (1, 3, 3, (80, 100)),
            (1, 9, 10, ()),
            (1, 5, None, ()),
            (0, 0, 0, ()),
        ],
    )
    def test_are_passed_once(
        self, granted: int, now_used: int, most: int | None, marks: tuple[int, ...]
    ) -> None:
        assert crossed_by(granted, used=now_used, most=most) == marks


class TestTheMonth:
    def test_is_that_of_utc(self) -> None:
        assert month_of(datetime(2026, 3, 31, 23, 59, tzinfo=UTC)) == MARCH
        east = timezone(timedelta(hours=5, minutes=30))
        assert month_of(datetime(2026, 4, 1, 5, 29, tzinfo=east)) == MARCH
        assert month_of(datetime(2026, 4, 1, 5, 30, tzinfo=east)) == date(2026, 4, 1)


class TestPlans:
    def test_name_the_same_metrics_and_never_allow_less_than_a_smaller_one(self) -> None:
        smaller, *larger = (limits_of(plan) for plan in plans())
        for limits in larger:
            assert limits.keys() == smaller.keys()
            for metric, limit in limits.items():
                assert limit is None or limit >= (smaller[metric] or 0)
            smaller = limits


class TestGetUsage:
    def test_shows_what_is_used_of_this_month(self, owner: Business) -> None:
        now = datetime.now(UTC)
        take(owner, 3, 500, month_of(now))
        take(owner, 5, 500)
        response = owner.get("/api/usage")
        assert response.status_code == 200
        assert response.get_json() == {
            "plan": "free",
            "month": f"{now:%Y-%m}",
            "metrics": [
                {"metric": "emailsPerMonth", "used": 3, "limit": 500},
                {"metric": "whatsappPerMonth", "used": 0, "limit": 0},
            ],
        }
