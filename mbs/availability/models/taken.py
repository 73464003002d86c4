"""What is taken of resources, and how many of their slots that leaves at each of many starts."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any, Protocol
from uuid import UUID

from mbs.availability.models import times
from mbs.availability.models.hours import Calendar, Interval
from mbs.availability.models.offer import Candidate
from mbs.catalog.models import Need

FOR_EVER = 2**40
EVERY_SLOT = 1000
"""More than any resource has."""

Occupied = tuple[int, int, int]
"""Of one resource: the number of a slot, and the first and the last second for which it is taken."""

Taken = Mapping[UUID, Sequence[Occupied]]
"""What is taken of each resource, ordered by slot number and time."""


class Row(Protocol):
    """A slot that is taken, as rows of allocations are."""

    @property
    def resource_id(self) -> UUID: ...
    @property
    def slot_no(self) -> int: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


def taken_of(rows: Iterable[Row]) -> Taken:
    """Return what is taken from rows of allocations."""
    found: dict[UUID, list[Occupied]] = {}
    for row in rows:
        taken = (row.slot_no, times.seconds(row.starts_at), times.seconds_up(row.ends_at))
        found.setdefault(row.resource_id, []).append(taken)
    return {resource: sorted(taken) for resource, taken in found.items()}


def ordered(rows: Iterable[Any], starts: str, ends: str) -> Taken:
    """Return what is taken from rows with a resource's id and lists of its slots, starts and ends."""
    return {
        row.resource_id: sorted(zip(row.slots, getattr(row, starts), getattr(row, ends), strict=True))
        for row in rows
    }


def vacancies(
    starts: Sequence[int],
    one: Candidate,
    needs: Iterable[Need],
    *,
    duration: int,
    calendar: Calendar | None,
    taken: Sequence[Occupied],
) -> list[int]:
    """Return how many slots of a resource are free at each start, for as long as its kind is needed.

    :param starts: ascending. At one where the resource is not there, fewer than none are free.
    :param duration: of the service, in minutes; what reaches beyond it or before its start is a buffer.
    :param calendar: None: hours and time off do not count.
    """
    fewest: list[int] | None = None
    for need in needs:
        free = _through(starts, one, need, duration, calendar, taken)
        fewest = free if fewest is None else list(map(min, fewest, free))
    return fewest if fewest is not None else [one.bookable_capacity] * len(starts)


def _through(
    starts: Sequence[int],
    one: Candidate,
    need: Need,
    duration: int,
    calendar: Calendar | None,
    taken: Sequence[Occupied],
) -> list[int]:
    first, last = need.start * times.MINUTE, need.end * times.MINUTE
    # How many slots more are free at a start than at the one before.
    changes = [0] * (len(starts) + 1)
    changes[0] = one.bookable_capacity
    if calendar is not None:
        at_work = max(need.start, 0) * times.MINUTE, min(need.end, duration) * times.MINUTE
        _block(changes, starts, _between(calendar.open), *at_work, EVERY_SLOT)
        _block(changes, starts, calendar.off, first, last, EVERY_SLOT)
    for slot, intervals in groupby(taken, itemgetter(0)):
        if slot <= one.bookable_capacity:
            _block(changes, starts, (taken_[1:] for taken_ in intervals), first, last, 1)
    changes.pop()
    return list(accumulate(changes))


def _between(intervals: Sequence[Interval]) -> Iterable[Interval]:
    end = -FOR_EVER
    for start, following in intervals:
        yield end, start
        end = following
    yield end, FOR_EVER


def _block(
    changes: list[int],
    starts: Sequence[int],
    intervals: Iterable[Sequence[int]],
    first: int,
    last: int,
    weight: int,
) -> None:
    """Count `weight` less at each start from which the time between first and last meets an interval."""
    done = 0
    for begin, end in intervals:
        low = bisect_right(starts, begin - last, done)
        done = bisect_left(starts, end - first, low)
        if low < done:
            changes[low] -= weight
            changes[done] += weight
