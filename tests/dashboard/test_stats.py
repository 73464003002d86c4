"""The dashboard's figures against the same, counted over a random calendar at an instant of it."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from mbs.dashboard.schemas.activity import StatsView, present_stats
from mbs.dashboard.service.activity import DashboardService
from mbs.resources.models import Resource
from tests.contract.closed_schemas import differences
from tests.dashboard.owners import new_owner
from tests.dashboard.random_calendars import NOW, RandomCalendar, fill, local
from tests.dashboard.test_reports import AGREED, HOME, NEVER_TOOK_PLACE, minutes_of, open_minutes, taken
from tests.factories.callers import Business

EXPECTED = ("pending", *AGREED)


class Clock:
    """A clock that shows what it was set to."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@pytest.fixture(scope="module")
def owner(app: Flask) -> Business:
    return new_owner(app)


@pytest.fixture(scope="module")
def calendar(owner: Business) -> RandomCalendar:
    return fill(owner, 7)


def stats(owner: Business, at: datetime, **place: Any) -> dict[str, Any]:
    def begin(**options: Any) -> Any:
        return owner.database.transaction(owner.scope, **options)

    return present_stats(*DashboardService(begin=begin, clock=Clock(at), shows_money=True).stats(**place))


class TestStats:
    @pytest.mark.parametrize("at", [NOW, NOW + timedelta(minutes=59), NOW - timedelta(minutes=59)])
    def test_are_those_counted_one_by_one(
        self, owner: Business, calendar: RandomCalendar, at: datetime
    ) -> None:
        today = at.astimezone(ZoneInfo(HOME)).date()
        first, end = local(today, 0, HOME), local(today + timedelta(days=1), 0, HOME)
        counted = [one for one in calendar.bookings if one.status not in NEVER_TOOK_PLACE]
        begun = [
            one
            for one in counted
            if local(today - timedelta(days=29), 0, HOME) <= one.start < at and one.status != "pending"
        ]
        month = [
            one.amount
            for one in counted
            if (one.day(HOME).year, one.day(HOME).month) == (today.year, today.month)
            and (one.status in AGREED and one.currency == "USD")
        ]
        people = [one for one in taken(calendar) if one.kind == "staff"]
        opened = sum(open_minutes(calendar, name, today) for name in calendar.staff.values())

        found = stats(owner, at)

        assert differences(StatsView(), found) == []
        assert found["totalCustomers"] == 12
        assert found["upcomingBookings"] == sum(one.start >= at and one.status in EXPECTED for one in counted)
        assert found["todayBookings"] == sum(
            first <= one.start < end and one.status in EXPECTED for one in counted
        )
        assert found["bookedThisMonth"] == f"{sum(month, Decimal(0)):.2f}"
        for name, status in (("cancellationRate", "cancelled"), ("noShowRate", "no_show")):
            assert found[name] == round(sum(one.status == status for one in begun) / len(begun), 4)
        teachers = [row for row in calendar.rows[Resource] if row["name"] == "Teacher"]
        opened += len(teachers) * round((end - first) / timedelta(minutes=1))
        assert found["utilisation"] == round(minutes_of(people, first, end) / opened, 4)
        assert (found["currency"], found["timezone"], found["asOf"]) == ("USD", HOME, at)

    def test_count_bookings_that_took_a_place(self, owner: Business, calendar: RandomCalendar) -> None:
        counted = [one for one in calendar.bookings if one.status not in NEVER_TOOK_PLACE]
        assert stats(owner, NOW)["totalBookings"] == len(counted)

    def test_of_a_location_are_its_own(self, owner: Business, calendar: RandomCalendar) -> None:
        there = [
            one
            for one in calendar.bookings
            if one.location_id == calendar.branch and one.status not in NEVER_TOOK_PLACE
        ]

        found = stats(owner, NOW, location_id=calendar.branch)

        assert found["timezone"] == "Europe/London"
        assert found["totalBookings"] == len(there)
        assert found["todayBookings"] == sum(
            one.day("Europe/London") == NOW.date() and one.status in EXPECTED for one in there
        )

    def test_of_an_empty_business_have_no_shares(self, app: Flask) -> None:
        found = stats(new_owner(app), NOW)
        assert (found["utilisation"], found["cancellationRate"], found["noShowRate"]) == (None, None, None)
        assert (found["totalBookings"], found["bookedThisMonth"]) == (0, "0.00")
