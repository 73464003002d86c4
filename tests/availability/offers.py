"""Offers, candidates and hours for tests of the computation, which needs no database."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from mbs.availability.models import times
from mbs.availability.models.hours import Hours, Week
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.slots import Slot, free_slots
from mbs.availability.models.taken import Occupied
from mbs.foundation.policies import booking_policy
from tests.availability.worlds import minutes

PLACE = UUID(int=1)


def candidate(kind: str = "staff", *, timezone: str = "Asia/Kolkata", **values: Any) -> Candidate:
    seats = values.pop("capacity", 1)
    given = {"capacity": seats, "bookable_capacity": seats, "location_id": PLACE, "name": kind, **values}
    return Candidate(id=given.pop("id", uuid4()), kind=kind, timezone=timezone, **given)


def offer(*candidates: Candidate, **values: Any) -> Offer:
    """Return an appointment of an hour every quarter of an hour, unless `values` say otherwise."""
    given: dict[str, Any] = {
        "service_id": uuid4(),
        "name": "Cut",
        "mode": "appointment",
        "active": True,
        "price": Decimal(999),
        "currency": "INR",
        "price_unit": "booking",
        "duration_min": 60,
        "buffer_before_min": 0,
        "buffer_after_min": 0,
        "slot_interval_min": 15,
        "segments": (),
        "max_capacity": 10,
        "policy": booking_policy({}, {}),
        "timezone": "Asia/Kolkata",
        "kinds": sorted({one.kind for one in candidates}),
        "candidates": candidates,
        "locations": {PLACE: "Asia/Kolkata"},
        **values,
    }
    return Offer(**given)


def hours(
    day: str,
    last: str | None = None,
    *,
    weeks: Mapping[UUID, Mapping[str, Any]] | None = None,
    exceptions: Mapping[UUID, Mapping[str, Sequence[Sequence[str]]]] | None = None,
    time_off: Mapping[UUID, Sequence[tuple[str, str]]] | None = None,
    timezone: str | None = None,
) -> Hours:
    """Return hours around some days, from day to last day, of weeks as `worlds.week` makes them."""
    start = datetime.fromisoformat(f"{day}T00:00:00+14:00").astimezone(UTC)
    end = datetime.fromisoformat(f"{last or day}T23:59:59-12:00").astimezone(UTC)
    return Hours(
        start,
        end,
        {owner: Week(timezone, week) for owner, week in (weeks or {}).items()},
        {
            owner: {date.fromisoformat(one): minutes(windows) for one, windows in days.items()}
            for owner, days in (exceptions or {}).items()
        },
        {owner: [(second(a), second(b)) for a, b in pauses] for owner, pauses in (time_off or {}).items()},
    )


def second(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp())


def busy(*taken: tuple[str, str] | tuple[str, str, int]) -> list[Occupied]:
    """Return what is taken of a resource: from, to, and the slot if it is not the first."""
    return sorted((slot[0] if slot else 1, second(start), second(end)) for start, end, *slot in taken)


def day_of(
    service: Offer,
    hours_: Hours,
    day: str,
    *,
    timezone: str = "Asia/Kolkata",
    taken: Mapping[UUID, Sequence[Occupied]] | None = None,
    party_size: int = 1,
) -> list[Slot]:
    """Return the slots of one local day."""
    first = times.opens(date.fromisoformat(day), 0, timezone)
    last = times.opens(date.fromisoformat(day), 1440, timezone) - 1
    return free_slots(service, hours_, taken or {}, first=first, last=last, party_size=party_size)


def shown(slots: Sequence[Slot], timezone: str = "Asia/Kolkata") -> list[str]:
    """Return the local times of slots, `10:00`."""
    write = times.local_writer(timezone)
    return [write(slot.start)[11:] for slot in slots]
