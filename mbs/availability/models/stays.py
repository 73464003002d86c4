"""Beds and rooms for nights: what is free all the time, and where to move when nothing is."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from operator import itemgetter
from typing import Any, Literal
from uuid import UUID

from mbs.allocations.models import Taken, pick
from mbs.availability.models import rules, times
from mbs.availability.models.hours import Hours, Interval, joined
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.taken import FOR_EVER
from mbs.foundation.local_time import local
from mbs.foundation.money import rounded

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Option:
    """Slots of a resource that are free for all nights."""

    lead: Candidate
    slots: tuple[int, ...]
    price: Decimal


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a stay: slots of a resource that are free for some of the nights."""

    lead: Candidate
    slots: tuple[int, ...]
    check_in: date
    check_out: date


def stay_times(
    policy: Mapping[str, Any], check_in: date, check_out: date, timezone: str
) -> tuple[datetime, datetime]:
    """Return from when to when guests have their beds."""
    start, end = (
        times.opens(day, minute_of(policy[rule]), timezone)
        for day, rule in ((check_in, "checkInTime"), (check_out, "checkOutTime"))
    )
    return times.instant(start), times.instant(end)


def minute_of(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


@dataclass(frozen=True, kw_only=True)
class Search:
    """Looks for beds for a party, from one date to another.

    `taken` reaches far enough around them to choose the bed whose neighbors are nearest.
    """

    offer: Offer
    hours: Hours
    taken: Mapping[UUID, Sequence[Taken]]
    check_in: date
    check_out: date
    party_size: int
    now: datetime
    exempt: bool

    def options(self) -> list[Option]:
        """Return what is free all the time, the cheapest first."""
        quantity = rules.stay_quantity(
            self.offer.price_unit,
            party_size=self.party_size,
            check_in=self.check_in,
            check_out=self.check_out,
        )
        found = []
        for lead in self._bookable():
            slots = self._free(lead, self.check_in, self.check_out)
            if slots is not None:
                price = rounded(quantity * self.offer.price_of(lead), self.offer.currency)
                found.append(Option(lead, slots, price))
        return sorted(found, key=lambda one: (one.price, one.lead.name, one.lead.id))

    def split(self) -> list[Part]:
        """Return how to stay all nights with as few moves as can be; nothing if some night has no bed."""
        leads, runs = self._bookable(), self._taken_by_slot()
        found: list[Part] = []
        day = self.check_in
        while day < self.check_out:
            # Who goes as far as can be before each move moves least.
            reached, lead = max(
                ((self._reach(one, day, runs), one) for one in leads),
                key=itemgetter(0),
                default=(day, None),
            )
            slots = self._free(lead, day, reached) if lead is not None and reached > day else None
            if lead is None or slots is None:
                return []
            found.append(Part(lead, slots, day, reached))
            day = reached
        return found

    def _bookable(self) -> list[Candidate]:
        return [lead for lead in self.offer.leads if self.too_early_or_late(lead) is None]

    def too_early_or_late(self, lead: Candidate) -> Literal["notice", "too_far_ahead"] | None:
        """Return which rule keeps a stay from being booked now; None: none does.

        Who is of the business still books tonight for whom arrives late in the evening.
        """
        if self.exempt:
            return "notice" if self.check_in < local(self.now, lead.timezone).date() else None
        start, _ = stay_times(self.offer.policy, self.check_in, self.check_out, lead.timezone)
        return rules.too_early_or_late(self.offer.policy, start, self.now, exempt=False)

    def _taken_by_slot(self) -> Mapping[UUID, Sequence[Sequence[Interval]]]:
        """Return for each slot of each resource when it is not to be had."""
        found = {}
        for one in self.offer.candidates:
            off = self.hours.off(one)
            slots: list[list[Interval]] = [[*off] for _ in range(one.bookable_capacity)]
            for row in self.taken.get(one.id, ()):
                if row.slot_no <= one.bookable_capacity:
                    taken = times.seconds(row.starts_at), times.seconds_up(row.ends_at)
                    slots[row.slot_no - 1].append(taken)
            found[one.id] = [joined(slot) for slot in slots]
        return found

    def _reach(self, lead: Candidate, day: date, runs: Mapping[UUID, Sequence[Sequence[Interval]]]) -> date:
        """Return until which date a party could stay from a day on."""
        before = self.offer.buffer_before_min * times.MINUTE
        after = self.offer.buffer_after_min * times.MINUTE
        start = self._second(lead, day, "checkInTime") - before
        until = FOR_EVER
        for kind in self.offer.needed_kinds:
            its = [lead] if kind == lead.kind else self._beside(lead, kind)
            until = min(until, max((self._free_until(one, start, runs[one.id]) for one in its), default=0))
        reached = self.check_out
        if until < FOR_EVER:
            reached = min(reached, max(day, times.local_day(times.instant(until), lead.timezone)))
        while reached > day and self._second(lead, reached, "checkOutTime") + after > until:
            reached -= ONE_DAY
        return reached

    def _free_until(self, one: Candidate, start: int, slots: Sequence[Sequence[Interval]]) -> int:
        takes = one.takes(self.party_size)
        ends = sorted((next_start(taken, start) for taken in slots), reverse=True)
        return ends[takes - 1] if len(ends) >= takes else 0

    def _second(self, lead: Candidate, day: date, rule: str) -> int:
        return times.opens(day, minute_of(self.offer.policy[rule]), lead.timezone)

    def _free(self, lead: Candidate, check_in: date, check_out: date) -> tuple[int, ...] | None:
        start, end = stay_times(self.offer.policy, check_in, check_out, lead.timezone)
        spans = self.offer.spans(start, end)
        slots = None
        for span in spans:
            its = [lead] if span.kind == lead.kind else self._beside(lead, span.kind)
            picked = self._pick(its, span.start, span.end)
            if picked is None:
                return None
            if span.kind == lead.kind:
                slots = picked
        return slots

    def _beside(self, lead: Candidate, kind: str) -> list[Candidate]:
        return [one for one in self.offer.of_kind(kind) if one.location_id == lead.location_id]

    def _pick(self, those: Iterable[Candidate], start: datetime, end: datetime) -> tuple[int, ...] | None:
        for one in those:
            if self.hours.why_off(one, start, end):
                continue
            picked = pick(
                self.taken.get(one.id, ()),
                start=start,
                end=end,
                slots=one.bookable_capacity,
                count=one.takes(self.party_size),
            )
            if picked is not None:
                return picked
        return None


def next_start(taken: Sequence[Interval], second: int) -> int:
    """Return when the first of some joined intervals begins that is not over; at the latest for ever."""
    place = bisect_right(taken, second, key=itemgetter(1))
    return taken[place][0] if place < len(taken) else FOR_EVER
