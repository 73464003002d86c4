"""Beds and rooms for nights: what is free all the time, and where to move when nothing is."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from mbs.allocations.models import Taken, pick
from mbs.availability.models import rules, times
from mbs.availability.models.hours import Hours
from mbs.availability.models.offer import Candidate, Offer
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
        found: list[Part] = []
        day, leads = self.check_in, self._bookable()
        while day < self.check_out:
            part = max((self._longest(lead, day) for lead in leads), key=_nights, default=None)
            if part is None or part.check_out == day:
                return []
            found.append(part)
            day = part.check_out
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

    def _longest(self, lead: Candidate, day: date) -> Part:
        # Doubling steps, then halves: a bed that is free for a year is found in a dozen looks.
        most, growing = (self.check_out - day).days, True
        slots: tuple[int, ...] = ()
        nights, step = 0, 1
        while step:
            tried = min(nights + step, most)
            free = self._free(lead, day, day + tried * ONE_DAY) if tried > nights else None
            if free is not None:
                slots, nights = free, tried
            else:
                growing = False
            step = step * 2 if growing else step // 2
        return Part(lead, slots, day, day + nights * ONE_DAY)

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


def _nights(part: Part) -> int:
    return (part.check_out - part.check_in).days
