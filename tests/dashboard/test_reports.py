"""The reports against the same figures, computed naively over the same random calendar."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from mbs.dashboard.schemas.activity import present_bookings, present_customers, present_utilization
from mbs.dashboard.service.activity import DashboardService
from mbs.foundation.money import shown
from tests.dashboard.owners import new_owner
from tests.dashboard.random_calendars import NOW, Agreed, RandomCalendar, Work, days, fill, local

HOME = "America/New_York"
SEEDS = (1, 2, 3)
NEVER_TOOK_PLACE = ("held", "declined", "expired")
AGREED = ("confirmed", "checked_in", "completed")
FROM, TO = date(2026, 3, 2), date(2026, 4, 2)
"""The report leaves something out on either side, and has New York's night without 02:30 in it."""


class Frozen:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


Filled = tuple[RandomCalendar, DashboardService]


@pytest.fixture(scope="module")
def filled(app: Any) -> Callable[[int], Filled]:
    """Return a function that fills a business of New York by a seed, once."""
    made: dict[int, Filled] = {}

    def make(seed: int) -> Filled:
        if seed not in made:
            owner = new_owner(app)
            begin = lambda **options: owner.database.transaction(owner.scope, **options)  # noqa: E731
            made[seed] = fill(owner, seed), DashboardService(begin=begin, clock=Frozen(), shows_money=False)
        return made[seed]

    return make


def tallied(bookings: Iterable[tuple[Agreed, Decimal]]) -> dict[str, Any]:
    """Count bookings, each once, and add up the amounts of the agreed ones."""
    pairs = list(bookings)
    unique = {booking.id: booking for booking, _ in pairs}.values()
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for booking, amount in pairs:
        if booking.status in AGREED:
            sums[booking.currency] += amount
    return {
        "bookings": len(unique),
        "cancelled": sum(booking.status == "cancelled" for booking in unique),
        "noShow": sum(booking.status == "no_show" for booking in unique),
        "amount": shown(sums.pop("USD", Decimal(0)), "USD"),
        "currency": "USD",
        "otherAmounts": [
            {"amount": shown(amount, "JPY"), "currency": "JPY"} for amount in sums.values() if amount
        ],
    }


def keyed(booking: Agreed, by: str, timezone: str) -> Iterable[tuple[Any, Decimal]]:
    """Yield the keys under which a booking is reported, each with its amount there."""
    day = booking.day(timezone)
    if by == "service":
        yield from booking.services
    elif by == "staff":
        parts: dict[tuple[Any, int], Decimal] = {
            (one.resource_id, one.item): one.amount for one in booking.work if one.kind == "staff"
        }
        yield from [(key, amount) for (key, _), amount in parts.items()] or [(None, booking.amount)]
    else:
        yield (
            {
                "day": day.isoformat(),
                "week": (day - timedelta(days=day.weekday())).isoformat(),
                "month": day.isoformat()[:7],
                "status": booking.status,
                "location": booking.location_id,
                "source": booking.source,
            }[by],
            booking.amount,
        )


@pytest.mark.parametrize("seed", SEEDS)
class TestBookings:
    @pytest.mark.parametrize(
        "by", ["day", "week", "month", "service", "staff", "status", "location", "source"]
    )
    def test_are_those_counted_one_by_one(self, filled: Callable[[int], Filled], seed: int, by: str) -> None:
        calendar, service = filled(seed)
        meant = [one for one in calendar.bookings if FROM <= one.day(HOME) <= TO]
        if by != "status":
            meant = [one for one in meant if one.status not in NEVER_TOOK_PLACE]
        groups: dict[Any, list[tuple[Agreed, Decimal]]] = defaultdict(list)
        for booking in meant:
            for key, amount in keyed(booking, by, HOME):
                groups[key].append((booking, amount))

        report = present_bookings(service.bookings(from_=FROM, to=TO, group_by=by), by)

        rows = {
            row["key"]: {k: v for k, v in row.items() if k not in ("key", "label")} for row in report["rows"]
        }
        assert {key: row for key, row in rows.items() if row["bookings"]} == {
            key: tallied(pairs) for key, pairs in groups.items()
        }
        assert report["total"] == tallied((booking, booking.amount) for booking in meant)
        assert len(meant) > 50

    def test_of_a_location_go_by_its_own_days(self, filled: Callable[[int], Filled], seed: int) -> None:
        calendar, service = filled(seed)
        there = [
            (one, one.amount)
            for one in calendar.bookings
            if one.location_id == calendar.branch and one.status not in NEVER_TOOK_PLACE
        ]
        expected = {
            day.isoformat(): tallied(pair for pair in there if pair[0].day("Europe/London") == day)
            for day in days(FROM, TO)
        }

        report = service.bookings(from_=FROM, to=TO, group_by="day", location_id=calendar.branch)

        shown_rows = present_bookings(report, "day")["rows"]
        assert {row.pop("label") and row.pop("key"): row for row in shown_rows} == expected


def minutes_of(work: Iterable[Work], start: datetime, end: datetime) -> int:
    """Count the minutes of work between two instants."""
    total = 0
    for one in work:
        total += max(0, round((min(one.end, end) - max(one.start, start)) / timedelta(minutes=1)))
    return total


def taken(calendar: RandomCalendar) -> list[Work]:
    own = [
        one
        for booking in calendar.bookings
        if booking.status in AGREED
        for one in booking.work
        if one.kind != "session" and one not in calendar.classes
    ]
    teachers = {one.resource_id for one in calendar.classes}
    known = teachers | set(calendar.staff) | {calendar.room}
    return [one for one in own if one.resource_id in known - teachers] + calendar.classes


def open_minutes(calendar: RandomCalendar, name: str, day: date) -> int:
    """Count the minutes of a day that a person of the random calendar is open, minute by minute."""
    start, end = local(day, 0, HOME), local(day + timedelta(days=1), 0, HOME)
    off = (local(date(2026, 3, 10), 600, HOME), local(date(2026, 3, 12), 900, HOME))
    count = 0
    while start < end:
        wall = start.astimezone(ZoneInfo(HOME))
        minute, weekday = wall.hour * 60 + wall.minute, wall.weekday()
        if name == "Asha":
            works = weekday < 5 and (540 <= minute < 720 or 780 <= minute < 1080)
            works = works or (weekday == 5 and minute >= 1320) or (weekday == 6 and minute < 360)
            works = works and not off[0] <= start < off[1]
        elif name == "Ben":
            works = weekday == 0 and minute >= 600
        else:
            works = True
        count += works
        start += timedelta(minutes=1)
    return count


class TestUtilization:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_is_that_counted_minute_by_minute(self, filled: Callable[[int], Filled], seed: int) -> None:
        calendar, service = filled(seed)
        start, end = local(FROM, 0, HOME), local(TO + timedelta(days=1), 0, HOME)
        booked = taken(calendar)

        report = present_utilization(service.utilization(from_=FROM, to=TO, group_by="resource"), "resource")

        rows = {row["key"]: row for row in report["rows"]}
        for resource in {*calendar.staff, calendar.room}:
            mine = [one for one in booked if one.resource_id == resource]
            assert rows[resource]["bookedMinutes"] == minutes_of(mine, start, end)
        for person, name in calendar.staff.items():
            expected = sum(open_minutes(calendar, name, day) for day in days(FROM, TO))
            assert rows[person]["openMinutes"] == expected
        assert rows[calendar.room]["openMinutes"] == 2 * round((end - start) / timedelta(minutes=1))

    def test_of_days_cuts_what_lasts_over_midnight(self, filled: Callable[[int], Filled]) -> None:
        calendar, service = filled(1)
        people = [one for one in taken(calendar) if one.kind == "staff"]

        report = present_utilization(service.utilization(from_=FROM, to=TO, group_by="day"), "day")

        for row, day in zip(report["rows"], days(FROM, TO), strict=True):
            start, end = local(day, 0, HOME), local(day + timedelta(days=1), 0, HOME)
            assert row["bookedMinutes"] == minutes_of(people, start, end), row["key"]
        assert sum(row["bookedMinutes"] for row in report["rows"]) > 1000

    def test_of_a_night_in_which_clocks_leap_is_an_hour_shorter(
        self, filled: Callable[[int], Filled]
    ) -> None:
        calendar, service = filled(1)
        asha = next(key for key, name in calendar.staff.items() if name == "Asha")

        def of(day: date) -> Mapping[UUID, int]:
            report = present_utilization(service.utilization(from_=day, to=day, group_by="staff"), "staff")
            return {row["key"]: row["openMinutes"] for row in report["rows"]}

        assert of(date(2026, 3, 1))[asha] == 6 * 60
        assert of(date(2026, 3, 8))[asha] == 5 * 60


class TestCustomers:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_are_those_counted_one_by_one(self, filled: Callable[[int], Filled], seed: int) -> None:
        calendar, service = filled(seed)
        agreed = [one for one in calendar.bookings if one.status in AGREED]
        first, last = date(2026, 2, 23), date(2026, 2, 25)
        visits: dict[UUID, list[Agreed]] = defaultdict(list)
        for one in agreed:
            if first <= one.day(HOME) <= last:
                visits[one.customer_id].append(one)
        before = {one.customer_id for one in agreed if one.day(HOME) < first}
        worth = {
            key: sum((one.amount for one in ones if one.currency == "USD"), Decimal(0))
            for key, ones in visits.items()
        }

        place, period, rows = service.customers(from_=first, to=last)
        report = present_customers(place, period, rows, names=True)

        assert report["customers"] == len(visits)
        assert report["new"] == len(visits.keys() - before)
        assert report["returning"] == len(visits.keys() & before)
        assert report["visits"] == sum(len(ones) for ones in visits.values())
        assert report["averageVisits"] == round(report["visits"] / len(visits), 2)
        ranked = sorted(visits, key=lambda key: (-len(visits[key]), -worth[key], key))[:10]
        assert [row["customerId"] for row in report["topByVisits"]] == ranked
        ranked = sorted(visits, key=lambda key: (-worth[key], -len(visits[key]), key))[:10]
        assert [row["customerId"] for row in report["topByAmount"]] == ranked
        assert [row["amount"] for row in report["topByAmount"]] == [
            shown(worth[key], "USD") for key in ranked
        ]
