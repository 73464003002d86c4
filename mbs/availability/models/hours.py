"""When people and places are there: weekly windows, the days that differ, and time off."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from mbs.availability.models import times
from mbs.availability.models.offer import Candidate
from mbs.schedules.models import DAYS

ALL_DAY = ((0, 1440),)

Interval = tuple[int, int]
"""From a second to another, the end left out."""

Closed = Literal["outside_hours", "time_off"]


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Return intervals in their order, those that touch or overlap as one."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def covers(intervals: Sequence[Interval], start: int, end: int) -> bool:
    """Tell whether one of some joined intervals holds all of the time from start to end."""
    place = bisect_right(intervals, start, key=lambda one: one[0]) - 1
    return place >= 0 and intervals[place][1] >= end


def touches(intervals: Sequence[Interval], start: int, end: int) -> bool:
    """Tell whether one of some joined intervals overlaps the time from start to end."""
    place = bisect_right(intervals, start, key=lambda one: one[1])
    return place < len(intervals) and intervals[place][0] < end


@dataclass(frozen=True, slots=True)
class Week:
    """The stored hours of one owner; `timezone` is None where it is the location's."""

    timezone: str | None
    windows: Mapping[str, Sequence[Sequence[int]]]


@dataclass(frozen=True, slots=True)
class Calendar:
    """When one resource is there.

    `windows` are those from whose starts slots are counted; `open` are the same, joined; `off` is time off
    of the resource, of what it belongs to, or of its location.
    """

    windows: Sequence[Interval]
    open: Sequence[Interval]
    off: Sequence[Interval]


@dataclass(frozen=True)
class Hours:
    """Hours and time off of resources and locations between two instants, as they are stored."""

    start: datetime
    end: datetime
    weeks: Mapping[UUID, Week] = field(default_factory=dict)
    exceptions: Mapping[UUID, Mapping[date, Sequence[Sequence[int]]]] = field(default_factory=dict)
    time_off: Mapping[UUID, Sequence[Interval]] = field(default_factory=dict)
    _calendars: dict[UUID, Calendar] = field(default_factory=dict, init=False, repr=False)
    _places: dict[UUID, list[Interval]] = field(default_factory=dict, init=False, repr=False)

    def calendar(self, one: Candidate) -> Calendar:
        """Return when a candidate is there."""
        if one.id not in self._calendars:
            windows = self._windows(one)
            self._calendars[one.id] = Calendar(windows, joined(windows), self.off(one))
        return self._calendars[one.id]

    def off(self, one: Candidate) -> list[Interval]:
        """Return the time off of a candidate, of what it belongs to, and of its location."""
        owners = [owner for owner in (one.id, one.parent_id, one.location_id) if owner in self.time_off]
        return joined(interval for owner in owners if owner for interval in self.time_off[owner])

    def why_closed(
        self,
        one: Candidate,
        start: datetime,
        end: datetime,
        *,
        taken_from: datetime | None = None,
        taken_to: datetime | None = None,
    ) -> Closed | None:
        """Return why a candidate cannot be had from start to end; None: it can, as far as hours tell.

        :param taken_from: with the buffer before, which hours need not cover but time off must spare.
        :param taken_to: with the buffer after, likewise.
        """
        calendar = self.calendar(one)
        if not covers(calendar.open, times.seconds(start), times.seconds(end)):
            return "outside_hours"
        return self.why_off(one, taken_from or start, taken_to or end)

    def why_off(self, one: Candidate, start: datetime, end: datetime) -> Literal["time_off"] | None:
        """Return whether time off keeps a candidate from a stay, which opening hours do not."""
        return "time_off" if touches(self.off(one), times.seconds(start), times.seconds(end)) else None

    def week_of_place(self, one: Candidate) -> Sequence[Interval]:
        """Return the windows of a candidate's location; none if it has no weekly hours of its own."""
        return self._of_place(one) if one.location_id in self.weeks else ()

    def _windows(self, one: Candidate) -> list[Interval]:
        own, place = self._rules(one.id), self._rules(one.location_id)
        if own and place:
            mine = self._expand(one.id, one.timezone, spread=True)
            return _shared(mine, self._of_place(one))
        return self._expand(one.id if own else one.location_id, one.timezone, spread=False)

    def _of_place(self, one: Candidate) -> list[Interval]:
        if one.location_id not in self._places:
            self._places[one.location_id] = self._expand(one.location_id, one.timezone, spread=True)
        return self._places[one.location_id]

    def _rules(self, owner: UUID) -> bool:
        return owner in self.weeks or owner in self.exceptions

    def _expand(self, owner: UUID, timezone: str, *, spread: bool) -> list[Interval]:
        """Return the windows of an owner; days without a rule are open all day.

        :param spread: run such days together, so that midnight is no start to count slots from.
        """
        week, others = self.weeks.get(owner), self.exceptions.get(owner, {})
        zone = (week.timezone if week else None) or timezone
        found: list[Interval] = []
        unbounded = -1
        for day in self._days(zone):
            windows: Sequence[Sequence[int]] | None = others.get(day)
            if windows is None and week is not None:
                windows = week.windows.get(DAYS[day.weekday()], ())
            for opening, closing in windows if windows is not None else ALL_DAY:
                start = times.opens(day, opening, zone)
                end = times.closes(day, closing if closing > opening else closing + 1440, zone)
                if spread and windows is None:
                    if unbounded == start:
                        start = found.pop()[0]
                    unbounded = end
                if start < end:
                    found.append((start, end))
        return _apart(found)

    def _days(self, timezone: str) -> list[date]:
        # One more in front: what opens in the evening is still open in the small hours.
        first = times.local_day(self.start, timezone) - timedelta(days=1)
        last = times.local_day(self.end, timezone)
        return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _apart(windows: list[Interval]) -> list[Interval]:
    # Windows that merely touch stay two, for slots are counted from the start of each.
    found: list[Interval] = []
    for start, end in sorted(windows):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _shared(one: Sequence[Interval], other: Sequence[Interval]) -> list[Interval]:
    found: list[Interval] = []
    left = right = 0
    while left < len(one) and right < len(other):
        start = max(one[left][0], other[right][0])
        end = min(one[left][1], other[right][1])
        if start < end:
            found.append((start, end))
        if one[left][1] < other[right][1]:
            left += 1
        else:
            right += 1
    return found


def read_hours(start: datetime, end: datetime, stored: Any) -> Hours:
    """Return hours from what the repository reads.

    :param stored: lists of schedules (owner, time zone, week), exceptions (owner, date, windows) and time
        off (owner, first second, last second), each owner a UUID as text.
    """
    schedules, exceptions, time_off = stored
    days: dict[UUID, dict[date, Sequence[Sequence[int]]]] = {}
    for owner, day, windows in exceptions:
        days.setdefault(UUID(owner), {})[date.fromisoformat(day)] = windows
    off: dict[UUID, list[Interval]] = {}
    for owner, first, last in time_off:
        off.setdefault(UUID(owner), []).append((first, last))
    weeks = {UUID(owner): Week(timezone, week) for owner, timezone, week in schedules}
    return Hours(start, end, weeks, days, off)
