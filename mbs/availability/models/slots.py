"""The starts at which an appointment can be had: the grid of everybody's windows less what keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from mbs.availability.models import times
from mbs.availability.models.hours import Hours, Interval
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.taken import Taken, vacancies

MOST_ALTERNATIVES = 3


@dataclass(slots=True)
class Slot:
    """A start at which the service can be had, and by whom.

    `remaining` is for how many bookings of the party's size there is room.
    """

    start: int
    end: int
    leads: list[Candidate] = field(default_factory=list)
    remaining: int = 0


def grid(windows: Sequence[Interval], step: int, first: int, last: int) -> list[int]:
    """Return each start from first to last, counted in steps of elapsed seconds from each window's own."""
    starts: list[int] = []
    for opens, closes in windows:
        begin = opens + max(0, -(-(first - opens) // step)) * step
        starts += range(begin, min(closes, last + 1), step)
    return starts


def free_slots(
    offer: Offer, hours: Hours, taken: Taken, *, first: int, last: int, party_size: int = 1
) -> list[Slot]:
    """Return the starts at which an appointment can be had, in their order.

    :param first: the earliest start, in seconds; notice is the caller's to consider.
    :param last: the last start.
    """
    found: dict[tuple[int, int], Slot] = {}
    for (location_id, duration), leads in together(offer).items():
        starts = _leads(offer, hours, taken, leads, duration, first, last, party_size)
        for kind in offer.needed_kinds[1:]:
            pool = [one for one in offer.of_kind(kind) if one.location_id == location_id]
            _supply(offer, hours, taken, pool, kind, duration, starts, party_size)
        for start, slot in starts.items():
            if not slot.remaining:
                continue
            same = found.setdefault((start, slot.end), slot)
            if same is not slot:
                same.leads += slot.leads
                same.remaining += slot.remaining
    return [found[key] for key in sorted(found)]


def alternatives(slots: Sequence[Slot], wanted: int) -> list[tuple[int, Candidate]]:
    """Return up to three starts nearest after the one that was wanted, each with who has time.

    :param slots: ascending.
    :param wanted: in seconds; that start itself with somebody else comes first.
    """
    later = [slot for slot in slots if slot.start >= wanted]
    nearest = {slot.start: slot.leads[0] for slot in reversed(later)}
    return sorted(nearest.items(), key=lambda one: one[0])[:MOST_ALTERNATIVES]


def together(offer: Offer) -> Mapping[tuple[UUID, int], list[Candidate]]:
    """Return who leads, by location and by minutes: who share these share rooms and chairs."""
    found: dict[tuple[UUID, int], list[Candidate]] = {}
    for lead in offer.leads:
        found.setdefault((lead.location_id, offer.duration(lead)), []).append(lead)
    return found


def _leads(
    offer: Offer,
    hours: Hours,
    taken: Taken,
    leads: Iterable[Candidate],
    duration: int,
    first: int,
    last: int,
    party_size: int,
) -> dict[int, Slot]:
    needs = [need for need in offer.needs(duration) if need.kind == offer.lead_kind]
    step, length = offer.slot_interval_min * times.MINUTE, duration * times.MINUTE
    found: dict[int, Slot] = {}
    for lead in leads:
        takes, calendar = lead.takes(party_size), hours.calendar(lead)
        starts = grid(calendar.windows, step, first, last)
        free = vacancies(
            starts, lead, needs, duration=duration, calendar=calendar, taken=taken.get(lead.id, ())
        )
        for start, slots in zip(starts, free, strict=True):
            if slots >= takes:
                slot = found.get(start)
                if slot is None:
                    slot = found[start] = Slot(start, start + length)
                slot.leads.append(lead)
                slot.remaining += slots // takes
    return found


def _supply(
    offer: Offer,
    hours: Hours,
    taken: Taken,
    pool: Iterable[Candidate],
    kind: str,
    duration: int,
    found: dict[int, Slot],
    party_size: int,
) -> None:
    """Bound what remains at each start by what there is of another kind: rooms, chairs."""
    needs = [need for need in offer.needs(duration) if need.kind == kind]
    starts = sorted(found)
    room = [0] * len(starts)
    for one in pool:
        takes = one.takes(party_size)
        free = vacancies(
            starts,
            one,
            needs,
            duration=duration,
            calendar=hours.calendar(one),
            taken=taken.get(one.id, ()),
        )
        room = [sum_ + max(slots, 0) // takes for sum_, slots in zip(room, free, strict=True)]
    for start, bookings in zip(starts, room, strict=True):
        found[start].remaining = min(found[start].remaining, bookings)
