"""When a service can be had: three questions to the database, and the rest is computed."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.allocations.repository import AllocationRepository
from mbs.availability.errors import RangeTooLong
from mbs.availability.models import rules, times
from mbs.availability.models.answers import Appointments, Sessions, Stays
from mbs.availability.models.offer import Offer
from mbs.availability.models.reasons import BOOKED, Inquiry
from mbs.availability.models.slots import free_slots
from mbs.availability.models.stays import Search, stay_times
from mbs.availability.models.taken import FOR_EVER
from mbs.availability.repository import AvailabilityRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid
from mbs.sessions.repository import SessionRepository

APPOINTMENT, SESSION, STAY = "appointment", "session", "stay"

MOST_DAYS: Mapping[str, int] = {APPOINTMENT: 31, SESSION: 366, STAY: 366}
MOST_SESSIONS = 5000
MOST_CHOICES = 200_000
"""How many people one answer may name, each at each start: eight megabytes of them."""

ROUND_A_STAY = timedelta(days=31)
"""How far around a stay its neighbors are looked for, to choose the bed that fits it best."""


class AvailabilityService:
    """`exempt` callers are of the business: notice and how far ahead one may book bind others."""

    def __init__(self, *, begin: Begin, clock: Clock, exempt: bool) -> None:
        self._begin = begin
        self._clock = clock
        self._exempt = exempt

    def find(
        self,
        *,
        service_id: UUID,
        party_size: int = 1,
        staff_id: UUID | None = None,
        resource_id: UUID | None = None,
        location_id: UUID | None = None,
        tag: str | None = None,
        **dates: Any,
    ) -> Appointments | Sessions | Stays:
        """Return when a service can be had, as its mode has it.

        :param dates: from_ and to, or check_in and check_out; explain, for the first two.
        :raises InvalidReference: if there is no such service, person, resource or location.
        :raises ServiceInactive: if the service is archived.
        :raises Invalid: if the party is larger than the service's, or a parameter is not one of its mode.
        :raises RangeTooLong: if the dates are further apart than its mode allows.
        :raises NoResourceForService: if nobody of those who are asked for does it.
        """
        now = self._clock.now()
        with self._begin(read_only=True) as transaction:
            offer = AvailabilityRepository(transaction).offer(
                service_id, staff_id=staff_id, resource_id=resource_id, location_id=location_id, tag=tag
            )
            offer.refuse_inactive()
            offer.refuse_party(party_size)
            _refuse_others(offer.mode, dates, tag=tag)
            if offer.mode == SESSION:
                chosen = frozenset(one for one in (staff_id, resource_id) if one is not None)
                return self._sessions(transaction, offer, now, party_size, chosen, location_id, **dates)
            offer.refuse_unstaffed()
            if offer.mode == STAY:
                return self._stays(transaction, offer, now, party_size, **dates)
            return self._appointments(transaction, offer, now, party_size, **dates)

    def _appointments(
        self,
        transaction: Transaction,
        offer: Offer,
        now: datetime,
        party_size: int,
        *,
        from_: date,
        to: date,
        explain: bool = False,
    ) -> Appointments:
        timezone = zone_of(offer)
        first, last = times.opens(from_, 0, timezone), times.opens(to, 1440, timezone) - 1
        before = timedelta(minutes=offer.buffer_before_min)
        longest = max(offer.duration(lead) for lead in offer.leads) + offer.buffer_after_min
        start = times.instant(first) - before
        end = times.instant(last) + timedelta(minutes=longest)
        repository = AvailabilityRepository(transaction)
        hours = repository.hours(offer.candidates, start, end)
        taken, seen = (
            repository.taken_and_seen(offer.candidates, start, end, at=now)
            if explain
            else (repository.taken(offer.candidates, start, end, at=now), {})
        )
        earliest, latest = self._bounds(offer, now)
        slots = free_slots(
            offer,
            hours,
            taken,
            first=max(first, earliest),
            last=min(last, latest),
            party_size=party_size,
        )
        if sum(len(slot.leads) for slot in slots) > MOST_CHOICES:
            raise RangeTooLong("That is too much to tell; ask for fewer days at a time, or for one person.")
        missing = None
        if explain:
            inquiry = Inquiry(
                offer=offer,
                hours=hours,
                taken=taken,
                seen=seen,
                first=first,
                last=last,
                earliest=earliest,
                latest=latest,
                party_size=party_size,
            )
            missing = inquiry.missing(slots)
        return Appointments(offer=offer, timezone=timezone, slots=slots, missing=missing)

    def _sessions(
        self,
        transaction: Transaction,
        offer: Offer,
        now: datetime,
        party_size: int,
        chosen: frozenset[UUID],
        location_id: UUID | None,
        *,
        from_: date,
        to: date,
        explain: bool = False,
    ) -> Sessions:
        timezone = offer.locations[location_id] if location_id is not None else one_zone(offer)
        rows = SessionRepository(transaction).upcoming(
            offer.service_id,
            from_=times.instant(times.opens(from_, 0, timezone)),
            to=times.instant(times.opens(to, 1440, timezone)),
            at=now,
            location_id=location_id,
        )
        if len(rows) > MOST_SESSIONS:
            raise RangeTooLong(f"There are more than {MOST_SESSIONS} classes; ask for fewer days at a time.")
        free, missing = [], []
        for row in rows:
            if not chosen <= {row.staff_id, row.room_id}:
                continue
            reason: str | None = rules.too_early_or_late(offer.policy, row.start_at, now, exempt=self._exempt)
            if reason is None and row.remaining < party_size:
                reason = BOOKED
            if reason is None:
                free.append(row)
            else:
                missing.append((row, reason))
        return Sessions(offer=offer, timezone=timezone, sessions=free, missing=missing if explain else None)

    def _stays(
        self,
        transaction: Transaction,
        offer: Offer,
        now: datetime,
        party_size: int,
        *,
        check_in: date,
        check_out: date,
    ) -> Stays:
        spans = [stay_times(offer.policy, check_in, check_out, lead.timezone) for lead in offer.leads]
        start = min(first for first, _ in spans) - ROUND_A_STAY
        end = max(last for _, last in spans) + ROUND_A_STAY
        ids = [one.id for one in offer.candidates]
        hours = AvailabilityRepository(transaction).hours(offer.candidates, start, end)
        taken: dict[UUID, list[Row[Any]]] = {}
        for row in AllocationRepository(transaction).taken(ids, from_=start, to=end, at=now):
            taken.setdefault(row.resource_id, []).append(row)
        search = Search(
            offer=offer,
            hours=hours,
            taken=taken,
            check_in=check_in,
            check_out=check_out,
            party_size=party_size,
            now=now,
            exempt=self._exempt,
        )
        options = search.options()
        split = [] if options else search.split()
        return Stays(offer=offer, timezone=zone_of(offer), options=options, split=split)

    def _bounds(self, offer: Offer, now: datetime) -> tuple[int, int]:
        earliest = times.seconds_up(rules.earliest(offer.policy, now, exempt=self._exempt))
        latest = rules.latest(offer.policy, now, exempt=self._exempt)
        return earliest, FOR_EVER if latest is None else times.seconds(latest)


def zone_of(offer: Offer) -> str:
    """Return whose clocks an answer goes by: the location's, or the business's if there are several zones."""
    zones = {one.timezone for one in offer.leads}
    return zones.pop() if len(zones) == 1 else offer.timezone


def one_zone(offer: Offer) -> str:
    """Return the same for classes, which take place wherever the business has a location."""
    zones = set(offer.locations.values())
    return zones.pop() if len(zones) == 1 else offer.timezone


def _refuse_others(mode: str, dates: Mapping[str, Any], *, tag: str | None) -> None:
    """Refuse parameters that are not those of a service's mode, and dates too far apart.

    :raises Invalid: if one is missing or has no meaning there.
    :raises RangeTooLong: if there are more days than the mode allows.
    """
    needed = ("check_in", "check_out") if mode == STAY else ("from_", "to")
    names = {"from_": "from", "check_in": "checkIn", "check_out": "checkOut"}
    faults = [
        FieldFault(names.get(name, name), "required", f"Send it for a service of mode {mode}.")
        for name in needed
        if name not in dates
    ]
    others = [name for name in dates if name not in needed and not (name == "explain" and mode != STAY)]
    others += ["tag"] if mode == SESSION and tag is not None else []
    faults += [
        FieldFault(names.get(name, name), "invalid", f"Has no meaning for a service of mode {mode}.")
        for name in others
    ]
    if faults:
        raise Invalid(errors=faults)
    days = (dates[needed[1]] - dates[needed[0]]).days + (mode != STAY)
    if days > MOST_DAYS[mode]:
        raise RangeTooLong(f"Ask for at most {MOST_DAYS[mode]} days of a service of mode {mode}.")
