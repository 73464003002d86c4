"""New bookings and holds."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.allocations.errors import SessionFull, SlotUnavailable
from mbs.allocations.repository import AllocationRepository
from mbs.availability.repository import AvailabilityRepository
from mbs.bookings.models import new_reference, status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.customers.models import lookup_keys
from mbs.customers.repository import CustomerRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import Forbidden, InvalidState, MbsError, NotFound, PreconditionFailed
from mbs.reservations.errors import OutsideHours
from mbs.reservations.models import rows
from mbs.reservations.models.actors import Actor
from mbs.reservations.models.places import Ground, Place, Search, times
from mbs.reservations.models.rules import refuse_places, refuse_times, waits
from mbs.reservations.models.wishes import Nights, Wish
from mbs.reservations.repository import CustomerDayRepository, GroundRepository
from mbs.reservations.service import seats
from mbs.reservations.service.alternatives import beds, nearest
from mbs.reservations.service.asking import policies, wishes
from mbs.reservations.service.seats import SeatsFreed


class ReservationService:
    """Makes bookings. Whatever it refuses leaves nothing behind, an inline customer included."""

    def __init__(self, *, begin: Begin, clock: Clock, actor: Actor, seats_freed: SeatsFreed) -> None:
        self._begin = begin
        self._clock = clock
        self._actor = actor
        self._seats_freed = seats_freed

    def create(self, **asked: Any) -> Any:
        """Make a booking and return its view.

        :param asked: the body of `CreateBooking`.
        :raises SlotUnavailable: if whoever could do it is taken.
        :raises OutsideHours: if nobody who could do it is there at that time.
        :raises SessionFull: if a class has too few seats left.
        :raises NoticeTooShort: if it starts too early to be booked now.
        :raises TooFarAhead: if it starts too late.
        :raises CustomerLimit: if the customer has as many bookings on that day as are allowed.
        :raises MbsError: whatever `asking.wishes` refuses.
        """
        at = self._clock.now()
        overrides = self._actor.overrides(asked.get("override"))
        if "customer" in asked and not self._actor.may_create_customers:
            raise Forbidden("Your role lacks the permission customers:create.")
        try:
            with self._begin() as transaction:
                made = _Making(transaction, asked, actor=self._actor, overrides=overrides, at=at)
                return made.seats(self._seats_freed) if "session_id" in asked else made.services()
        except (SlotUnavailable, OutsideHours, SessionFull) as refusal:
            refusal.extra["alternatives"] = self._alternatives(asked, refusal, at)
            raise

    def convert(self, *, id_: UUID, version: int | None) -> Any:
        """Make a booking of a hold and return its view; of one that is no hold any more nothing changes.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if the hold is over, or the booking is.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            bookings = BookingRepository(transaction)
            seen = own_booking(bookings, id_, self._actor, at=at)
            AllocationRepository(transaction).lock(resources_of(seen))
            booking = bookings.lock(id_)
            if version is not None and version != booking.version:
                raise PreconditionFailed
            if booking.version != seen.version:
                seen = bookings.view(id_, at=at)
            state = status_at(booking, at)
            if state in ("confirmed", "pending"):
                return seen
            if state != "held":
                raise InvalidState("The hold is over; book anew." if state == "expired" else None)
            until = None if self._actor.exempt else waits(self._policies(transaction, seen), at)
            values = {
                "status": "pending" if until else "confirmed",
                "expires_at": until,
                "status_changed_at": at,
            }
            changed = bookings.change(id_, values, version=None)
            allocations = AllocationRepository(transaction)
            if until is None:
                allocations.activate(id_)
            else:
                allocations.hold_until(id_, until)
            view = rows.view_of(changed, seen.items, seen.resources)
            previous = {"status": seen.status, "expires_at": seen.expires_at}
            type_ = "booking.updated" if until else "booking.confirmed"
            record(transaction, type_=type_, booking=view, previous=previous, at=at)
            return view

    def _policies(self, transaction: Transaction, booking: Any) -> list[Mapping[str, Any]]:
        availability = AvailabilityRepository(transaction)
        services = dict.fromkeys(UUID(item["service_id"]) for item in booking.items)
        return [availability.offer(service_id).policy for service_id in services]

    def _alternatives(
        self, asked: Mapping[str, Any], refusal: MbsError, at: datetime
    ) -> Sequence[Mapping[str, Any]]:
        if refusal.__cause__ is not None or "items" in asked:
            # A transaction that the database refused, and that others have joined, answers no more questions.
            return []
        party_size = asked["party_size"]
        with suppress(NotFound), self._begin(read_only=True) as transaction:
            if "session_id" in asked:
                return seats.alternatives(transaction, asked["session_id"], party_size=party_size, at=at)
            (wish,) = wishes(transaction, asked, self._actor)
            offer = wish.offer
            if self._actor.only_of is None:
                location_id = asked.get("location_id")
                offer = AvailabilityRepository(transaction).offer(offer.service_id, location_id=location_id)
            if isinstance(wish.when, Nights):
                return beds(transaction, offer, wish.when, party_size=party_size, actor=self._actor, at=at)
            wanted, _, _ = times(wish, wish.offer.leads[0], None)
            return nearest(transaction, offer, wanted, party_size=party_size, actor=self._actor, at=at)
        return []


class _Making:
    """One booking on its way."""

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
        self._ground = GroundRepository(transaction, at=at)

    def services(self) -> Any:
        found = wishes(self._transaction, self._asked, self._actor)
        if "notice" not in self._overrides:
            refuse_times(found, self._at, exempt=self._actor.exempt)
        ground = self._ground.read(found)
        places = search(ground, found, self._asked["party_size"], self._overrides)
        if "notice" not in self._overrides:
            refuse_places(places, self._at, exempt=self._actor.exempt)
        return self._keep(places, policies(found), ground.capacity)

    def seats(self, seats_freed: SeatsFreed) -> Any:
        session = seats.lock(self._transaction, self._asked["session_id"])
        # Whoever waits comes first, also for seats whose offer has just ended.
        seats_freed(self._transaction, session.id, self._at)
        place = seats.find(
            self._transaction,
            session,
            party_size=self._asked["party_size"],
            actor=self._actor,
            overrides=self._overrides,
            ground=self._ground,
            at=self._at,
        )
        return self._keep([place], [place.offer.policy], {session.id: session.capacity})

    def _keep(
        self,
        places: Sequence[Place],
        rules: Sequence[Mapping[str, Any]],
        capacity: Mapping[UUID, int],
    ) -> Any:
        customer = self._customer()
        customer_id = self._asked.get("customer_id") or customer.id
        if not self._actor.exempt:
            CustomerDayRepository(self._transaction).refuse_more(customer_id, places, at=self._at)
        status, until = self._status(rules)
        booking = BookingRepository(self._transaction).add_with_items(
            {
                "id": uuid7(),
                "reference": new_reference(),
                "customer_id": customer_id,
                "session_id": self._asked.get("session_id"),
                "status": status,
                "expires_at": until,
                "party_size": self._asked["party_size"],
                "source": self._actor.source,
                "notes": self._asked.get("notes"),
                "internal_notes": self._asked.get("internal_notes"),
                **rows.booking_row(places),
            },
            rows.item_rows(places),
        )
        AllocationRepository(self._transaction).add_all(
            rows.allocation_rows(places, booking.id, capacity=capacity, expires_at=until)
        )
        view = rows.view(booking, places)
        # The events come last: from the first one on nobody else of the business writes any.
        self._ground.expire()
        if customer is not None:
            EventRepository(self._transaction).append(
                type_="customer.created",
                object_type="customer",
                object_id=customer.id,
                at=self._at,
                data={"object": customer._asdict(), "previous": {}},
            )
        record(
            self._transaction,
            type_="booking.held" if status == "held" else "booking.created",
            booking=view,
            previous={},
            at=self._at,
            overrides=self._overrides,
        )
        return view

    def _customer(self) -> Any:
        asked = self._asked.get("customer")
        if asked is None:
            return None
        lookup = lookup_keys(name=asked["name"], email=asked.get("email"), phone=asked.get("phone"))
        # Only now that the resources are locked: whoever waits for the same address waits for nothing else.
        values = {"id": uuid7(), "kind": "person", **asked, **lookup}
        return CustomerRepository(self._transaction).add(values)

    def _status(self, rules: Sequence[Mapping[str, Any]]) -> tuple[str, datetime | None]:
        hold = self._asked.get("hold")
        if hold is not None:
            usual = min(policy["holdMin"] for policy in rules)
            minutes = hold.get("minutes", usual)
            if not self._actor.exempt:
                # Or a stranger would keep a calendar from everybody else for a day.
                minutes = min(minutes, usual)
            return "held", self._at + timedelta(minutes=minutes)
        until = None if self._actor.exempt else waits(rules, self._at)
        return ("pending", until) if until else ("confirmed", None)


def search(
    ground: Ground, wished: Sequence[Wish], party_size: int, overrides: Mapping[str, bool]
) -> list[Place]:
    """Return a place for each wish; what somebody may set aside is set aside only where nothing else is left.

    :raises SlotUnavailable: if whoever could do it is taken.
    :raises OutsideHours: if nobody who could do it is there at that time.
    """
    strict = Search(ground=ground, party_size=party_size)
    found = strict.run(wished)
    if found is None and overrides.keys() & {"hours", "capacity"}:
        strict = Search(
            ground=ground,
            party_size=party_size,
            ignore_hours="hours" in overrides,
            ignore_capacity="capacity" in overrides,
        )
        found = strict.run(wished)
    if found is None:
        raise SlotUnavailable if "booked" in strict.reasons or not strict.reasons else OutsideHours
    return found


def own_booking(bookings: BookingRepository, id_: UUID, actor: Actor, *, at: datetime) -> Any:
    """Return the view of a booking that an actor may touch.

    :raises NotFound: if there is none.
    """
    seen = bookings.view(id_, at=at)
    if actor.only_of is not None and not bookings.is_of(id_, actor.only_of):
        raise NotFound
    return seen


def resources_of(booking: Any) -> set[UUID]:
    return {UUID(one["resource_id"]) for one in booking.resources or ()}
