"""Why a start is missing from what can be had."""

from bisect import bisect_left
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from mbs.availability.models import times
from mbs.availability.models.hours import Hours, Interval
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.slots import Slot, grid, together
from mbs.availability.models.taken import FOR_EVER, Taken, vacancies

OUTSIDE_HOURS, TIME_OFF, NOTICE, TOO_FAR_AHEAD = "outside_hours", "time_off", "notice", "too_far_ahead"
BUFFER, BOOKED, NO_RESOURCE = "buffer", "booked", "no_resource"

REASONS = (OUTSIDE_HOURS, TIME_OFF, NOTICE, TOO_FAR_AHEAD, BUFFER, BOOKED, NO_RESOURCE)

MOST_REASONS = 5000
"""What one answer tells; a month of everybody's nights would be many times as much."""


WEEK = 7 * times.DAY
ALWAYS = ((-FOR_EVER, FOR_EVER),)


@dataclass(frozen=True, slots=True)
class Missing:
    """That somebody cannot be had at a start, and why."""

    start: int
    lead: Candidate
    reason: str


@dataclass(frozen=True, kw_only=True)
class Inquiry:
    """Asks of each start of the grid that is not free what keeps it from being so.

    `taken` is with buffers; `seen` is the same without, the time that customers see.
    Asked about are starts from `first` to `last`; those from `earliest` to `latest` may be booked.
    """

    offer: Offer
    hours: Hours
    taken: Taken
    seen: Taken
    first: int
    last: int
    earliest: int
    latest: int
    party_size: int

    def missing(self, slots: Iterable[Slot]) -> list[Missing]:
        """Return what keeps each start from being one of the slots, by start and name; one too many at most.

        Of each person that is their own grid, and when they are not there, also everybody else's at the
        location, and that of its own week; of a day that has none of these, its first minute.
        """
        offered = {(slot.start, lead.id) for slot in slots for lead in slot.leads}
        groups = [(leads, minutes, self._grid(leads)) for (_, minutes), leads in together(self.offer).items()]
        found: list[Missing] = []
        # By weeks, so that what is cut off is not computed first.
        for first in range(self.first, self.last + 1, WEEK):
            part: list[Missing] = []
            for leads, duration, starts in groups:
                these = starts[bisect_left(starts, first) : bisect_left(starts, first + WEEK)]
                part += self._missing(leads, duration, these, offered)
            found += sorted(part, key=lambda one: (one.start, one.lead.name, one.lead.id))
            if len(found) > MOST_REASONS:
                return found[: MOST_REASONS + 1]
        return found

    def _grid(self, leads: Sequence[Candidate]) -> list[int]:
        windows = [self.hours.calendar(lead).windows for lead in leads]
        windows.append(self.hours.week_of_place(leads[0]))
        found = sorted({start for one in windows for start in self._starts(one)})
        bare = [
            max(begin, self.first)
            for begin, end in times.days_between(self.first, self.last, leads[0].timezone)
            if bisect_left(found, begin) == bisect_left(found, end)
        ]
        return sorted([*found, *bare])

    def _starts(self, windows: Sequence[Interval]) -> list[int]:
        return grid(windows, self.offer.slot_interval_min * times.MINUTE, self.first, self.last)

    def _missing(
        self,
        leads: Sequence[Candidate],
        duration: int,
        starts: Sequence[int],
        offered: Container[tuple[int, UUID]],
    ) -> Iterable[Missing]:
        needs = [need for need in self.offer.needs(duration) if need.kind == self.offer.lead_kind]
        seen = [replace(need, start=max(need.start, 0), end=min(need.end, duration)) for need in needs]
        for lead in leads:
            left = [start for start in starts if (start, lead.id) not in offered]
            calendar, takes = self.hours.calendar(lead), lead.takes(self.party_size)
            own = set(self._starts(calendar.windows))
            free = partial(vacancies, left, lead, duration=duration)
            reasons = zip(
                left,
                free(needs, calendar=replace(calendar, off=()), taken=()),
                free(needs, calendar=replace(calendar, open=ALWAYS), taken=()),
                free(needs, calendar=None, taken=self.taken.get(lead.id, ())),
                free(seen, calendar=None, taken=self.seen.get(lead.id, ())),
                strict=True,
            )
            for start, by_hours, by_time_off, by_bookings, without_buffers in reasons:
                if by_hours < 0:
                    reason = OUTSIDE_HOURS
                elif start not in own:
                    continue
                elif by_time_off < 0:
                    reason = TIME_OFF
                elif start < self.earliest:
                    reason = NOTICE
                elif start > self.latest:
                    reason = TOO_FAR_AHEAD
                elif by_bookings < takes:
                    reason = BOOKED if without_buffers < takes else BUFFER
                else:
                    reason = NO_RESOURCE
                yield Missing(start, lead, reason)
