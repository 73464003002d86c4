"""The same booking at another time, with somebody else, or in another class."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from mbs.allocations.errors import SessionFull, SlotUnavailable
from mbs.allocations.repository import AllocationRepository
from mbs.availability.models.offer import Offer
from mbs.availability.repository import AvailabilityRepository
from mbs.bookings.models import status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import (
    Busy,
    FieldFault,
    Forbidden,
    Invalid,
    InvalidState,
    MbsError,
    PreconditionFailed,
)
from mbs.reservations.errors import OutsideHours
from mbs.reservations.models import rows
from mbs.reservations.models.actors import Actor
from mbs.reservations.models.places import Place, is_there, times
from mbs.reservations.models.rules import refuse_move, refuse_places, refuse_times, refuse_unapproved
from mbs.reservations.models.wishes import At, Local, Nights, When, Wish, when
from mbs.reservations.repository import CustomerDayRepository, GroundRepository
from mbs.reservations.service import seats
from mbs.reservations.service.alternatives import nearest
from mbs.reservations.service.asking import own_resource, refuse_missing, refuse_unfit
from mbs.reservations.service.making import own_booking, resources_of, search
from mbs.reservations.service.seats import SeatsFreed

MOVABLE = ("held", "pending", "confirmed")
MOST_TRIES = 3


class _MovedOn(Exception):
    """The booking changed between being read and being locked."""


class MovingService:
    """Moves bookings. Their ids stay, and what they take of their old time does not stand in their way."""

    def __init__(self, *, begin: Begin, clock: Clock, actor: Actor, seats_freed: SeatsFreed) -> None:
        self._begin = begin
        self._clock = clock
        self._actor = actor
        self._seats_freed = seats_freed

    def reschedule(self, *, id_: UUID, version: int | None, **asked: Any) -> Any:
        """Move a booking and return its view; to where it is already, nothing changes.

        :param asked: the body of `Reschedule`.
        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it is not one that waits or is agreed on.
        :raises RescheduleLimit: if it was moved as often as is allowed.
        :raises NoticeTooShort: if the old or the new time is too soon.
        :raises CustomerLimit: if the customer has as many bookings on the new day as are allowed.
        :raises SlotUnavailable: if whoever could do it is taken.
        :raises OutsideHours: if nobody who could do it is there at that time.
        :raises SessionFull: if a class has too few seats left.
        """
        overrides = self._actor.overrides(asked.get("override"))
        for _ in range(MOST_TRIES):
            at = self._clock.now()
            try:
                with self._begin() as transaction:
                    move = _Move(transaction, asked, actor=self._actor, overrides=overrides, at=at)
                    return move.run(id_, version, self._seats_freed)
            except _MovedOn:
                continue
            except (SlotUnavailable, OutsideHours) as refusal:
                refusal.extra["alternatives"] = self._alternatives(id_, asked, refusal, at)
                raise
            except SessionFull as refusal:
                refusal.extra["alternatives"] = []
                raise
        raise Busy

    def _alternatives(
        self, id_: UUID, asked: Mapping[str, Any], refusal: MbsError, at: datetime
    ) -> Sequence[Mapping[str, Any]]:
        if refusal.__cause__ is not None:
            # A transaction that the database refused, and that others have joined, answers no more questions.
            return []
        with self._begin(read_only=True) as transaction:
            move = _Move(transaction, asked, actor=self._actor, overrides={}, at=at)
            return move.alternatives(id_)


class _Move:
    """One booking on its way to another time."""

    def __init__(
        self,
        transaction: Transaction,
        asked: Mapping[str, Any],
        *,
        actor: Actor,
        overrides: Mapping[str, bool],
        at: datetime,
    ) -> None:
        self._transaction = transaction
        self._asked = asked
        self._actor = actor
        self._overrides = overrides
        self._at = at
        self._bookings = BookingRepository(transaction)
        self._ground = GroundRepository(transaction, at=at)

    def run(self, id_: UUID, version: int | None, seats_freed: SeatsFreed) -> Any:
        seen = own_booking(self._bookings, id_, self._actor, at=self._at)
        if version is not None and version != seen.version:
            raise PreconditionFailed
        if seen.status not in MOVABLE:
            raise InvalidState(f"A booking that is {seen.status} is not moved.")
        if ("session_id" in self._asked) != (seen.session_id is not None):
            field = "sessionId" if seen.session_id is None else "startAt"
            message = "A seat of a class is moved to another class, and nothing else is."
            raise Invalid(errors=[FieldFault(field, "invalid", message)])
        if seen.session_id is not None:
            return self._change_class(seen, seats_freed)
        wishes = self._wishes(seen)
        if "notice" not in self._overrides:
            refuse_times(wishes, self._at, exempt=self._actor.exempt)
        ground = self._ground.read(wishes, also=resources_of(seen), except_booking=id_)
        self._lock(seen)
        named = {self._asked.get("staff_id"), self._asked.get("resource_id")} - {None}
        if is_there(wishes, seen) and named <= resources_of(seen):
            self._ground.expire()
            return seen
        self._refuse([wish.offer.policy for wish in wishes], seen)
        places = search(ground, wishes, seen.party_size, self._overrides)
        if "notice" not in self._overrides:
            refuse_places(places, self._at, exempt=self._actor.exempt)
        return self._keep(seen, places, ground.capacity)

    def alternatives(self, id_: UUID) -> Sequence[Mapping[str, Any]]:
        """Return up to three other times for a booking of one service, with whoever does it."""
        seen = own_booking(self._bookings, id_, self._actor, at=self._at)
        (wish, *others) = self._wishes(seen)
        if others or isinstance(wish.when, Nights):
            return []
        wanted, _, _ = times(wish, wish.offer.leads[0], None)
        return nearest(
            self._transaction,
            wish.offer,
            wanted,
            party_size=seen.party_size,
            actor=self._actor,
            at=self._at,
        )

    def _change_class(self, seen: Any, seats_freed: SeatsFreed) -> Any:
        wanted = self._asked["session_id"]
        locked = {one: seats.lock(self._transaction, one) for one in sorted({seen.session_id, wanted})}
        self._lock(seen)
        if wanted == seen.session_id:
            return seen
        if seen.status == "held":
            # It may be what a waiting list has offered, which stands for a seat of that class alone.
            raise InvalidState("A held seat is not moved to another class; convert it first.")
        seats_freed(self._transaction, wanted, self._at)
        place = seats.find(
            self._transaction,
            locked[wanted],
            party_size=seen.party_size,
            actor=self._actor,
            overrides=self._overrides,
            ground=self._ground,
            at=self._at,
        )
        self._refuse([place.offer.policy], seen)
        if not self._actor.exempt:
            refuse_unapproved(place.offer, seen)
        return self._keep(
            seen,
            [place],
            {wanted: locked[wanted].capacity},
            before_events=lambda: seats_freed(self._transaction, seen.session_id, self._at),
            session_id=wanted,
        )

    def _wishes(self, seen: Any) -> list[Wish]:
        """Return a booking's services at their new times, each with whoever does it or is to do it."""
        me = own_resource(self._transaction, self._actor)
        staff_id, resource_id = self._asked.get("staff_id"), self._asked.get("resource_id")
        if me is not None and staff_id not in (None, me):
            raise Forbidden("Your role allows you to book for yourself alone.")
        if len(seen.items) > 1 and (staff_id or resource_id):
            field = "staffId" if staff_id else "resourceId"
            raise Invalid(errors=[FieldFault(field, "invalid", "A booking of several services has several.")])
        moves, chosen = self._times(seen), {one for one in (staff_id, resource_id) if one is not None}
        availability, found = AvailabilityRepository(self._transaction), []
        for number, (item, time) in enumerate(zip(seen.items, moves, strict=True), start=1):
            offer = availability.offer(UUID(item["service_id"]), staff_id=staff_id, resource_id=resource_id)
            refuse_unfit(offer, time, path="")
            taken = [one for one in seen.resources if one["item_no"] == number]
            found.append(_wish(offer, item, time, taken, chosen))
            refuse_missing(found[-1].offer, {"staffId": staff_id, "resourceId": resource_id}, path="")
        return found

    def _times(self, seen: Any) -> list[When]:
        asked = when(self._asked)
        if not isinstance(asked, At | Local):
            return [asked] if asked is not None else []
        starts = [datetime.fromisoformat(item["start_at"]) for item in seen.items]
        if len(starts) == 1:
            return [asked]
        by = asked.start(seen.timezone) - starts[0]
        return [At(start + by) for start in starts]

    def _lock(self, seen: Any) -> None:
        """Lock the booking; whoever reads it before must find it as it was.

        :raises _MovedOn: if it is not.
        """
        locked = self._bookings.lock(seen.id)
        if locked.version != seen.version or status_at(locked, self._at) != seen.status:
            raise _MovedOn

    def _refuse(self, policies: Sequence[Mapping[str, Any]], seen: Any) -> None:
        if not self._actor.exempt and "notice" not in self._overrides:
            refuse_move(policies, seen, self._at)

    def _keep(
        self,
        seen: Any,
        places: Sequence[Place],
        capacity: Mapping[UUID, int],
        *,
        before_events: Callable[[], None] = lambda: None,
        **others: Any,
    ) -> Any:
        if not self._actor.exempt:
            days = CustomerDayRepository(self._transaction)
            days.refuse_more(seen.customer_id, places, at=self._at, moved=seen)
        allocations = AllocationRepository(self._transaction)
        allocations.forget(booking_id=seen.id)
        waits = seen.expires_at if seen.status in ("held", "pending") else None
        allocations.add_all(rows.allocation_rows(places, seen.id, capacity=capacity, expires_at=waits))
        self._bookings.replace_items(seen.id, rows.item_rows(places))
        values = {**rows.booking_row(places), **others}
        changed = {**values, "reschedule_count": seen.reschedule_count + 1}
        booking = self._bookings.change(seen.id, changed, version=None)
        view = rows.view(booking, places)
        previous = {
            name: getattr(seen, name) for name, value in changed.items() if getattr(seen, name) != value
        }
        if view.resources != seen.resources:
            previous["resources"] = seen.resources
        before_events()
        self._ground.expire()
        record(
            self._transaction,
            type_="booking.rescheduled",
            booking=view,
            previous=previous,
            at=self._at,
            overrides=self._overrides,
        )
        return view


def _wish(
    offer: Offer, item: Mapping[str, Any], time: When, taken: Sequence[Mapping[str, Any]], chosen: set[UUID]
) -> Wish:
    """Return one service at its new time: at its old price and length if whoever does it still does.

    :param taken: what the booking takes for it.
    :param chosen: who or what is named for the new time.
    """
    current = {UUID(one["resource_id"]): one["kind"] for one in taken}
    lead_id = next((id_ for id_, kind in current.items() if kind == offer.lead_kind), None)
    if lead_id is None or any(one.id in chosen and one.id != lead_id for one in offer.leads):
        return Wish(offer=offer, when=time, current=frozenset(current))
    length = datetime.fromisoformat(item["end_at"]) - datetime.fromisoformat(item["start_at"])
    return Wish(
        offer=offer.narrowed(chosen={current[lead_id]: lead_id}),
        when=time,
        minutes=length // timedelta(minutes=1),
        unit_price=Decimal(item["unit_price"]),
        current=frozenset(current),
    )
