"""What the figures mean: which bookings count, and where the days, weeks and months of a place begin.

A booking belongs to the local day on which it starts. It counts unless it never took a place for good, which
are the held, declined and expired ones. Its amount counts while it is agreed, which is from its confirmation
until somebody cancels or stays away.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any, Self

from mbs.availability.errors import RangeTooLong
from mbs.availability.models.hours import Interval
from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.local_time import local, opens

MOST_DAYS = 366
ONE_DAY = timedelta(days=1)

COUNTED = ("pending", "confirmed", "checked_in", "completed", "cancelled", "no_show")
AGREED = ("confirmed", "checked_in", "completed")
EXPECTED = ("pending", *AGREED)
"""Of those that start today, who comes, has come, or may yet be told to."""

SPANS = ("day", "week", "month")
BOOKING_GROUPS = (*SPANS, "service", "staff", "status", "location", "source")
UTILIZATION_GROUPS = ("staff", "resource", "day")

AGES: Mapping[str, int | None] = {"not_due": 0, "1-30": 30, "31-60": 60, "61-90": 90, "over_90": None}
"""What is due, by how many days it is late: the word, and the most of these days."""

MOST_EXPORTED = 10_000

RATE_DAYS = 30
"""Over how many days, today included, the dashboard tells how many bookings were cancelled or missed."""

TOP = 10

STAFF = "staff"

ALL_THE_TIME: tuple[Interval, ...] = ((-(2**40), 2**40),)
"""The opening hours of what people stay in, in seconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose days are meant, and in which currency amounts are added up."""

    timezone: str
    currency: str
    week_begins: int


@dataclass(frozen=True, slots=True)
class Period:
    """Whole local days, the first and the last included, cut into parts.

    Part i begins on `days[i]`, at `boundaries[i]`, and ends when the next one begins, of which there is one
    more; `keys[i]` is what the wire calls it.
    """

    first: date
    last: date
    timezone: str
    keys: tuple[str, ...]
    days: tuple[date, ...]
    boundaries: tuple[datetime, ...]

    @classmethod
    def of(cls, first: date, last: date, timezone: str, *, by: str = "", week_begins: int = 1) -> Self:
        """Cut a range of days into days, weeks or months, the first and last of which it may cut short.

        :param by: one of SPANS; anything else leaves the range in one piece.
        :param week_begins: the first day of the week, 1 for Monday (ISO 8601).
        :raises Invalid: if it ends before it begins.
        :raises RangeTooLong: if it has more days than a report covers.
        """
        if last < first:
            raise Invalid(errors=[FieldFault("to", "invalid", "Must not be before `from`.")])
        days = (last - first).days + 1
        if days > MOST_DAYS:
            raise RangeTooLong(
                errors=[FieldFault("to", "invalid", f"Must be at most {MOST_DAYS} days after `from`.")]
            )
        parts: dict[str, date] = {}
        for day in (first + number * ONE_DAY for number in range(days)):
            parts.setdefault(_part(day, by, week_begins), day)
        edges = (*parts.values(), last + ONE_DAY)
        boundaries = tuple(opens(day, 0, timezone) for day in edges)
        return cls(first, last, timezone, tuple(parts), edges, boundaries)

    @classmethod
    def today(cls, at: datetime, timezone: str) -> Self:
        day = local(at, timezone).date()
        return cls.of(day, day, timezone)

    @property
    def start(self) -> datetime:
        return self.boundaries[0]

    @property
    def end(self) -> datetime:
        return self.boundaries[-1]

    @property
    def parts(self) -> Iterator[tuple[str, datetime, datetime]]:
        """Yield each part's key, start and end."""
        for key, (start, end) in zip(self.keys, pairwise(self.boundaries), strict=True):
            yield key, start, end


def month_of(day: date, timezone: str) -> Period:
    """Return the whole month of a day."""
    last = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - ONE_DAY
    return Period.of(day.replace(day=1), last, timezone)


def _part(day: date, by: str, week_begins: int) -> str:
    if by == "day":
        return day.isoformat()
    if by == "week":
        return (day - (day.isoweekday() - week_begins) % 7 * ONE_DAY).isoformat()
    if by == "month":
        return day.isoformat()[:7]
    return ""


@dataclass(slots=True)
class Tally:
    """How many bookings, how many of them were cancelled or missed, and what the agreed ones are worth.

    `amount` is in the business's currency. One that has changed its currency has `others` besides.
    """

    bookings: int = 0
    cancelled: int = 0
    no_show: int = 0
    amount: Decimal = Decimal(0)
    others: Mapping[str, Decimal] | None = None

    def add(self, row: Any, currency: str) -> None:
        """Add a row of bookings of one currency: `bookings`, `cancelled`, `no_show`, `amount`, `currency`."""
        self.bookings += row.bookings
        self.cancelled += row.cancelled
        self.no_show += row.no_show
        if row.currency == currency:
            self.amount += row.amount
        elif row.amount:
            others = dict(self.others or {})
            others[row.currency] = others.get(row.currency, Decimal(0)) + row.amount
            self.others = others


@dataclass(slots=True)
class Use:
    """How many minutes were booked of how many that were open; each slot has its own."""

    booked: int = 0
    open: int = 0

    def __iadd__(self, other: "Use") -> "Use":
        self.booked += other.booked
        self.open += other.open
        return self


def open_minutes(
    windows: Sequence[Interval], off: Sequence[Interval], boundaries: Sequence[datetime]
) -> list[int]:
    """Return how many minutes of each part of a period lie in windows and not in time off.

    :param windows: joined ones, in seconds; `off` likewise.
    """
    edges = [int(boundary.timestamp()) for boundary in boundaries]
    return [
        (_overlap(windows, start, end) - _overlap_of_both(windows, off, start, end)) // 60
        for start, end in pairwise(edges)
    ]


def _overlap(intervals: Sequence[Interval], start: int, end: int) -> int:
    # Sorted and apart, so that all before the first which ends after the start can be left out.
    place = bisect_right(intervals, start, key=lambda one: one[1])
    total = 0
    while place < len(intervals) and intervals[place][0] < end:
        total += min(intervals[place][1], end) - max(intervals[place][0], start)
        place += 1
    return total


def _overlap_of_both(one: Sequence[Interval], other: Sequence[Interval], start: int, end: int) -> int:
    place = bisect_right(other, start, key=lambda interval: interval[1])
    total = 0
    while place < len(other) and other[place][0] < end:
        total += _overlap(one, max(other[place][0], start), min(other[place][1], end))
        place += 1
    return total


def rate(part: int, whole: int) -> float | None:
    """Return a part of a whole, from 0 to 1 and to four decimals; None of nothing."""
    return round(min(part / whole, 1.0), 4) if whole else None


def growth(now: Decimal, before: Decimal) -> float | None:
    """Return by how many percent an amount has grown, to one decimal; None if it was not above 0."""
    return float(round((now - before) * 100 / before, 1)) if before > 0 else None
