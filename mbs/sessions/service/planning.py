"""Finding classes their people and rooms: what must be locked first, and what can be had."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.allocations.errors import SlotUnavailable
from mbs.allocations.repository import AllocationRepository
from mbs.catalog.errors import NoResourceForService, ServiceInactive
from mbs.catalog.repository import CatalogRepository, ItemResourceRepository
from mbs.foundation.db import Transaction
from mbs.foundation.errors import NotFound
from mbs.foundation.local_time import local
from mbs.locations.repository import LocationRepository
from mbs.resources.models import SESSION
from mbs.sessions.errors import NotAClass, unknown, unsuitable
from mbs.sessions.models import STAFF, Consequences, Times, find_slots
from mbs.sessions.repository import ClosedRepository, SessionRepository

MINUTE = timedelta(minutes=1)
MOST_DATES_TOLD = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What classes of one service stand on: how long they are, where they are, whom and what they take."""

    service: Row[Any]
    minutes: int
    location: Row[Any]
    resources: Sequence[Row[Any]]

    def times(self, start: datetime) -> Times:
        service = self.service
        before, after = service.buffer_before_min, service.buffer_after_min
        return Times.of(start, minutes=self.minutes, before=before, after=after)


class Planner:
    """Plans within one transaction. `at` is now: holds that are over by then take nothing."""

    def __init__(self, transaction: Transaction, *, at: datetime, consequences: Consequences) -> None:
        self._transaction = transaction
        self._at = at
        self._consequences = consequences
        self._allocations = AllocationRepository(transaction)

    def plan(self, values: Mapping[str, Any]) -> Plan:
        """Return what new classes of a service stand on, its people and rooms locked.

        :param values: service_id; location_id, staff_id and room_id if given.
        :raises InvalidReference: if there is no such service, location, person or room.
        :raises Invalid: if one of them is not what it must be.
        :raises ServiceInactive: if the service is not offered.
        :raises NoResourceForService: if whoever is asked for does not offer it.
        """
        try:
            service = CatalogRepository(self._transaction).get(values["service_id"])
        except NotFound:
            raise unknown("serviceId", "service") from None
        if service.mode != SESSION:
            raise NotAClass
        if not service.active:
            raise ServiceInactive
        staff_id, room_id = values.get("staff_id"), values.get("room_id")
        locked = self.lock((staff_id, room_id))
        staff, room = _known(locked, staff_id, "staffId"), _known(locked, room_id, "roomId")
        found = room or staff
        place = values.get("location_id") or (found.location_id if found is not None else None)
        locations = LocationRepository(self._transaction)
        try:
            location = locations.get(place) if place is not None else locations.default()
        except NotFound:
            raise unknown("locationId", "location") from None
        resources = self._suit(service, location.id, staff, room)
        return Plan(service=service, minutes=service.duration_min, location=location, resources=resources)

    def lock(self, ids: Iterable[UUID | None]) -> Mapping[UUID, Row[Any]]:
        """Lock resources, all that the transaction needs, and free what is held of them no longer."""
        wanted = [id_ for id_ in ids if id_ is not None]
        if not wanted:
            return {}
        locked = {row.id: row for row in self._allocations.lock(wanted)}
        over = self._allocations.release_expired(wanted, at=self._at)
        if over:
            self._consequences.expire(self._transaction, over, self._at)
        return locked

    def add(
        self, plan: Plan, starts: Sequence[datetime], series_id: UUID | None, values: Mapping[str, Any]
    ) -> list[UUID]:
        """Insert classes with what they take, and return their ids.

        :param starts: ascending.
        :param values: name, capacity and notes if given.
        :raises SlotUnavailable: if somebody or something is not free; `conflicts` names each time.
        """
        classes = [(uuid7(), plan.times(start)) for start in starts]
        allocations = self._find(plan, classes)
        common = {
            "catalog_item_id": plan.service.id,
            "location_id": plan.location.id,
            "series_id": series_id,
            "name": values.get("name", plan.service.name),
            "capacity": values.get("capacity", plan.service.max_capacity),
            "notes": values.get("notes"),
        }
        SessionRepository(self._transaction).add_all(
            [{**common, "id": id_, "start_at": one.start, "end_at": one.end} for id_, one in classes]
        )
        self._take(allocations)
        return [id_ for id_, _ in classes]

    def move(
        self,
        class_: Row[Any],
        locked: Mapping[UUID, Row[Any]],
        start: datetime,
        *,
        staff_id: UUID | None,
        room_id: UUID | None,
    ) -> None:
        """Let a class take its people and rooms, or other ones, at another time.

        :raises InvalidReference: if there is no such person or room.
        :raises Invalid: if one is no person or no room, or the room is elsewhere.
        :raises NoResourceForService: if one of them does not offer the service.
        :raises SlotUnavailable: if one of them is not free.
        """
        service = CatalogRepository(self._transaction).get(class_.catalog_item_id)
        location = LocationRepository(self._transaction).get(class_.location_id)
        staff, room = _known(locked, staff_id, "staffId"), _known(locked, room_id, "roomId")
        resources = self._suit(service, location.id, staff, room)
        minutes = (class_.end_at - class_.start_at) // MINUTE
        plan = Plan(service=service, minutes=minutes, location=location, resources=resources)
        self._allocations.forget(session_id=class_.id)
        self._take(self._find(plan, [(class_.id, plan.times(start))]))

    def _take(self, allocations: Sequence[Mapping[str, Any]]) -> None:
        if allocations:
            self._allocations.add_all(allocations)

    def _suit(
        self, service: Row[Any], location_id: UUID, staff: Row[Any] | None, room: Row[Any] | None
    ) -> Sequence[Row[Any]]:
        """Return who and what a class takes, or refuse them."""
        if staff is not None and staff.kind != STAFF:
            raise unsuitable("staffId", "Must be a person of the staff.")
        if room is not None and room.kind in (STAFF, SESSION):
            raise unsuitable("roomId", "Must be a room or a thing.")
        if room is not None and room.location_id != location_id:
            raise unsuitable("roomId", "Must be at the location of the class.")
        chosen = [one for one in (staff, room) if one is not None]
        offers = ItemResourceRepository(self._transaction).of(service.id) if chosen else ()
        for one in chosen:
            theirs = {offer.resource_id for offer in offers if offer.kind == one.kind}
            # A service that names nobody of a kind leaves the choice free.
            if not one.active or (theirs and one.id not in theirs):
                raise NoResourceForService
        return chosen

    def _find(self, plan: Plan, classes: Sequence[tuple[UUID, Times]]) -> Sequence[Mapping[str, Any]]:
        """Return what classes take, or say when it cannot be had. They come by their start."""
        times = [time for _, time in classes]
        from_, to = times[0].taken_from, times[-1].taken_to
        ids = [one.id for one in plan.resources]
        taken = self._allocations.taken(ids, from_=from_, to=to, at=self._at) if ids else ()
        rows: list[Mapping[str, Any]] = []
        reasons: dict[Times, str] = {}
        for resource in plan.resources:
            its = [one for one in taken if one.resource_id == resource.id]
            for (id_, time), slots in zip(classes, find_slots(times, resource, its), strict=True):
                if not slots:
                    reasons[time] = "booked"
                rows += [_allocation(id_, resource, slot, time) for slot in slots]
        closed = ClosedRepository(self._transaction).between(ids, plan.location.id, from_=from_, to=to)
        for time in times:
            if any(one.starts_at < time.taken_to and one.ends_at > time.taken_from for one in closed):
                reasons.setdefault(time, "time_off")
        if reasons:
            raise _clash(reasons, plan.location.timezone)
        return rows


def _known(locked: Mapping[UUID, Row[Any]], id_: UUID | None, field: str) -> Row[Any] | None:
    if id_ is None:
        return None
    if id_ not in locked:
        raise unknown(field, "person" if field == "staffId" else "room")
    return locked[id_]


def _allocation(session_id: UUID, resource: Row[Any], slot: int, time: Times) -> Mapping[str, Any]:
    return {
        "id": uuid7(),
        "session_id": session_id,
        "resource_id": resource.id,
        "kind": resource.kind,
        "capacity": resource.capacity,
        "slot_no": slot,
        "starts_at": time.taken_from,
        "ends_at": time.taken_to,
        "state": "active",
    }


def _clash(reasons: Mapping[Times, str], timezone: str) -> SlotUnavailable:
    conflicts = [
        {"date": local(time.start, timezone).date(), "startAt": time.start, "reason": reason}
        for time, reason in sorted(reasons.items(), key=lambda one: one[0].start)
    ]
    days = [str(one["date"]) for one in conflicts[:MOST_DATES_TOLD]]
    more = ", and more" if len(conflicts) > MOST_DATES_TOLD else ""
    told = f"Somebody or something that the class needs is not free on {', '.join(days)}{more}."
    return SlotUnavailable(told, extra={"conflicts": conflicts})
