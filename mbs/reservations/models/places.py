"""Where and with whom what is asked for can be had: the first place that is open and free."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from mbs.allocations.models import Taken, pick
from mbs.availability.models import rules
from mbs.availability.models.hours import Hours
from mbs.availability.models.offer import STAFF, Candidate, Offer, Span
from mbs.availability.models.stays import stay_times
from mbs.foundation import local_time
from mbs.foundation.money import rounded
from mbs.reservations.models.wishes import Nights, Wish

MOST_TRIES = 10_000
"""Several services at a time can be shared out among people in more ways than anybody waits for.

Who tries them keeps all these people locked: one person looked at for one service is one try.
"""


@dataclass(frozen=True, slots=True)
class Taking:
    """One slot of one resource, taken for what a need of a service asks of it."""

    resource: Candidate
    span: Span
    slot_no: int

    @property
    def starts_at(self) -> datetime:
        return self.span.start

    @property
    def ends_at(self) -> datetime:
        return self.span.end


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One service where it is to be had; `lead` is whom or what the customer chose."""

    offer: Offer
    lead: Candidate
    start: datetime
    end: datetime
    quantity: Decimal
    unit_price: Decimal
    takings: Sequence[Taking]

    @property
    def amount(self) -> Decimal:
        return rounded(self.quantity * self.unit_price, self.offer.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What the search stands on, read while the resources were locked.

    `capacity` is how many slots each resource has that there is; `open` how many of them whoever may not
    overbook may use.
    """

    hours: Hours
    taken: Mapping[UUID, Sequence[Taken]]
    open: Mapping[UUID, int]
    capacity: Mapping[UUID, int]


@dataclass(slots=True, kw_only=True)
class Search:
    """Looks for places for all of some wishes at once. `reasons` are why what was tried did not do."""

    ground: Ground
    party_size: int
    ignore_hours: bool = False
    ignore_capacity: bool = False
    reasons: set[str] = field(default_factory=set)
    _tries: int = 0
    _mine: dict[UUID, list[Taking]] = field(default_factory=lambda: defaultdict(list))

    def run(self, wishes: Sequence[Wish]) -> list[Place] | None:
        """Return a place for each wish, all at one location; None if there are none."""
        for location_id in dict.fromkeys(lead.location_id for lead in wishes[0].offer.leads):
            found = self._fit(wishes, location_id, None)
            if found is not None:
                return found
        return None

    def _fit(self, wishes: Sequence[Wish], location_id: UUID, behind: datetime | None) -> list[Place] | None:
        if not wishes:
            return []
        for place in self._places(wishes[0], location_id, behind):
            for taking in place.takings:
                self._mine[taking.resource.id].append(taking)
            rest = self._fit(wishes[1:], location_id, place.end)
            if rest is not None:
                return [place, *rest]
            for taking in place.takings:
                self._mine[taking.resource.id].remove(taking)
        return None

    def _places(self, wish: Wish, location_id: UUID, behind: datetime | None) -> Iterator[Place]:
        offer = wish.offer
        for lead in self._ordered(wish, offer.lead_kind, location_id, behind):
            start, end, minutes = times(wish, lead, behind)
            spans = offer.spans(start, end, duration=None if isinstance(wish.when, Nights) else minutes)
            takings: list[Taking] = []
            for kind in offer.needed_kinds:
                wanted = [span for span in spans if span.kind == kind]
                those = [lead] if kind == offer.lead_kind else self._ordered(wish, kind, location_id, start)
                found = self._slots(those, wanted, stays=isinstance(wish.when, Nights))
                if found is None:
                    break
                takings += found
            else:
                yield Place(
                    offer=offer,
                    lead=lead,
                    start=start,
                    end=end,
                    quantity=quantity(wish, self.party_size, minutes),
                    unit_price=offer.price_of(lead) if wish.unit_price is None else wish.unit_price,
                    takings=takings,
                )

    def _slots(
        self, those: Sequence[Candidate], spans: Sequence[Span], *, stays: bool
    ) -> list[Taking] | None:
        for one in those:
            self._tries += 1
            if self._tries > MOST_TRIES:
                return None
            found: list[Taking] = []
            for span in spans:
                reason = None if self.ignore_hours else self._why_closed(one, span, stays=stays)
                slots = None if reason else self._pick(one, span)
                if slots is None:
                    self.reasons.add(reason or "booked")
                    break
                found += [Taking(one, span, slot) for slot in slots]
            else:
                return found
        return None

    def _why_closed(self, one: Candidate, span: Span, *, stays: bool) -> str | None:
        hours = self.ground.hours
        if stays:
            return hours.why_off(one, span.start, span.end)
        return hours.why_closed(one, span.opens, span.closes, taken_from=span.start, taken_to=span.end)

    def _pick(self, one: Candidate, span: Span) -> tuple[int, ...] | None:
        limits = self.ground.capacity if self.ignore_capacity else self.ground.open
        return pick(
            [*self.ground.taken.get(one.id, ()), *self._mine[one.id]],
            start=span.start,
            end=span.end,
            slots=limits.get(one.id, 0),
            count=one.takes(self.party_size),
        )

    def _ordered(
        self, wish: Wish, kind: str | None, location_id: UUID, near: datetime | None
    ) -> list[Candidate]:
        """Return who or what of a kind to try, in this order: what the booking has, then as is the rule."""
        those = [one for one in wish.offer.of_kind(kind) if one.location_id == location_id]
        if kind == STAFF and wish.offer.policy["assignment"] == "least_busy" and len(those) > 1:
            those.sort(key=lambda one: (self._busy(wish, one, near), one.id))
        return sorted(those, key=lambda one: one.id not in wish.current)

    def _busy(self, wish: Wish, one: Candidate, near: datetime | None) -> timedelta:
        """Return for how long somebody is taken on the local day of a wish."""
        start = times(wish, one, near)[0]
        first, last = local_day(start, one.timezone)
        return sum(
            (
                min(taken.ends_at, last) - max(taken.starts_at, first)
                for taken in (*self.ground.taken.get(one.id, ()), *self._mine[one.id])
                if taken.starts_at < last and taken.ends_at > first
            ),
            timedelta(0),
        )


def times(wish: Wish, lead: Candidate, behind: datetime | None) -> tuple[datetime, datetime, int]:
    """Return start, end and minutes of a wish if a resource does it.

    :param behind: the end of the wish before it.
    :raises NonexistentLocalTime: if clocks there never show its local time.
    """
    if isinstance(wish.when, Nights):
        nights = (wish.when.check_in, wish.when.check_out)
        start, end = stay_times(wish.offer.policy, *nights, lead.timezone)
        return start, end, (end - start) // timedelta(minutes=1)
    found = behind if wish.when is None else wish.when.start(lead.timezone)
    if found is None:
        raise RuntimeError("the first of several wishes has a time")
    minutes = wish.minutes or wish.offer.duration(lead)
    return found, found + timedelta(minutes=minutes), minutes


def quantity(wish: Wish, party_size: int, minutes: int) -> Decimal:
    """Return how many units of its price a wish is."""
    unit = wish.offer.price_unit
    if isinstance(wish.when, Nights):
        nights = wish.when
        return rules.stay_quantity(
            unit, party_size=party_size, check_in=nights.check_in, check_out=nights.check_out
        )
    return rules.quantity(wish.offer.mode, unit, party_size=party_size, minutes=minutes)


def local_day(instant: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return the first instant of the local day of an instant, and that of the day behind it."""
    day = local_time.local(instant, timezone).date()
    return local_time.opens(day, 0, timezone), local_time.opens(day, local_time.MINUTES_A_DAY, timezone)


ROUND_A_STAY = timedelta(days=31)
"""How far around a stay its neighbors are looked for, to choose the bed that fits it best."""


def window(wishes: Sequence[Wish]) -> tuple[datetime, datetime]:
    """Return between which instants all that a search may need to know lies.

    :param wishes: each with somebody or something that can do it.
    :raises NonexistentLocalTime: if a local time does not exist at a location of those who could do it.
    """
    first, last = [], []
    behind: Sequence[datetime | None] = (None,)
    for wish in wishes:
        offer, ends = wish.offer, []
        before, after = (timedelta(minutes=m) for m in (offer.buffer_before_min, offer.buffer_after_min))
        round_ = ROUND_A_STAY if isinstance(wish.when, Nights) else timedelta(0)
        for lead in offer.leads:
            for previous in behind:
                start, end, _ = times(wish, lead, previous)
                days = local_day(start, lead.timezone)
                first.append(min(start - before - round_, days[0]))
                last.append(max(end + after + round_, days[1]))
                ends.append(end)
        behind = (min(ends), max(ends))
    return min(first), max(last)


def is_there(wishes: Sequence[Wish], booking: Any) -> bool:
    """Tell whether a booking is where it is to be moved already."""
    for wish, item in zip(wishes, booking.items, strict=True):
        lead = wish.offer.leads[0]
        start, end, _ = times(wish, lead, None)
        there = datetime.fromisoformat(item["start_at"]), datetime.fromisoformat(item["end_at"])
        if (start, end) != there or lead.id not in wish.current:
            return False
    return True
