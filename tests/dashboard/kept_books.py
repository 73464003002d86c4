"""Reports of money on random books, and what is counted of these one by one."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from mbs.dashboard.schemas.money import present_report
from mbs.dashboard.service.activity import DashboardService
from mbs.dashboard.service.money import MoneyReportService
from tests.dashboard.random_books import Books, Written
from tests.factories.callers import Business

HOME = "Asia/Kolkata"
NOW = datetime(2026, 4, 14, 20, 0, tzinfo=UTC)
TODAY = date(2026, 4, 15)
"""Of Kolkata at that instant; of Greenwich it is the day before."""
MARCH: dict[str, Any] = {"from_": date(2026, 3, 1), "to": date(2026, 3, 31)}
SEEDS = (1, 2, 3)


class Frozen:
    """A clock that stands."""

    def now(self) -> datetime:
        return NOW


class Reports:
    """A business with random books and what reports on it."""

    def __init__(self, owner: Business, books: Books, locations: list[UUID]) -> None:
        self.owner, self.books, self.locations = owner, books, locations

        def begin(**options: Any) -> Any:
            return owner.database.transaction(owner.scope, **options)

        self.money = MoneyReportService(begin=begin, clock=Frozen())
        self.dashboard = DashboardService(begin=begin, clock=Frozen(), shows_money=True)

    def show(self, name: str, **query: Any) -> dict[str, Any]:
        """Return a report as the wire has it."""
        asked = {"group_by": "day", **MARCH, **query}
        report = getattr(self.money, {"tax": "taxes"}.get(name, name))(**asked)
        return present_report(report, name, group_by=asked["group_by"], convert_to=asked.get("convert_to"))

    def issued(self, **of: Any) -> Iterable[Written]:
        """Yield what counts of March."""
        for one in self.books.documents:
            fits = all(getattr(one, name) == value for name, value in of.items())
            if one.counts and fits and MARCH["from_"] <= one.issued <= MARCH["to"]:
                yield one


def key_of(day: date, by: str) -> str:
    if by == "day":
        return day.isoformat()
    if by == "month":
        return f"{day:%Y-%m}"
    return max(day - timedelta(days=day.weekday()), MARCH["from_"] - timedelta(days=6)).isoformat()


def local_day(at: datetime) -> date:
    return at.astimezone(ZoneInfo(HOME)).date()


def in_march(day: date) -> bool:
    return MARCH["from_"] <= day <= MARCH["to"]
