"""Questions put to the waiting list of a class, and the offers of seats that become free."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, Text, Uuid, and_, any_, bindparam, case, func, or_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from uuid_utils.compat import uuid7

from mbs.allocations.models import vacant
from mbs.allocations.repository import AllocationRepository
from mbs.availability.repository import AvailabilityRepository
from mbs.bookings.models import Booking, new_reference
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.bookings.repository.of_sessions import expire_bookings
from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.errors import MbsError, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.reservations.models import rows
from mbs.sessions.repository import SessionRepository
from mbs.waitlist.errors import AlreadyWaiting, UnknownCustomer
from mbs.waitlist.models import INSTANT, OPEN, WaitlistEntry, offer_ends, outcome, place_in

ENTRY = WaitlistEntry.__table__.c
BY_JOINING = (ENTRY.created_at, ENTRY.id)


class WaitlistRepository(Repository):
    """A `view` is an entry with its place in the list; an offer that is over is `expired` in it."""

    model = WaitlistEntry
    columns = (
        WaitlistEntry.id,
        WaitlistEntry.session_id,
        WaitlistEntry.customer_id,
        WaitlistEntry.party_size,
        WaitlistEntry.status,
        WaitlistEntry.booking_id,
        WaitlistEntry.offer_expires_at,
        WaitlistEntry.created_by,
        WaitlistEntry.version,
        WaitlistEntry.created_at,
        WaitlistEntry.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__waitlist_entries__open": AlreadyWaiting,
        "fk__waitlist_entries__tenant_id__customer_id": UnknownCustomer,
    }

    def of(self, session_id: UUID, id_: UUID) -> Row[Any]:
        """Return an entry of a class's list as it is stored.

        :raises NotFound: if the list has none such.
        """
        row = self.get(id_)
        if row.session_id != session_id:
            raise NotFound
        return row

    def view(self, session_id: UUID, id_: UUID, *, at: datetime) -> Row[Any]:
        """Return an entry of a class's list with its `position`, which is None of one that waits no longer.

        :raises NotFound: if the list has none such.
        """
        rows = self._read(_viewed(("id",)), {"session_id": session_id, "id": id_, "at": at})
        if not rows:
            raise NotFound
        return rows[0]

    def search(self, request: PageRequest, session_id: UUID, *, status: Sequence[str], at: datetime) -> Page:
        """Return one page of a class's list as `view` shows it."""
        return self.page(_viewed(("status",)), request, session_id=session_id, status=list(status), at=at)

    def open(self, session_id: UUID) -> Sequence[Row[Any]]:
        """Return who waits or is offered seats, by joining, with the `booking_status` of their offer."""
        return self._read(_open(), {"session_id": session_id})


def offer_seats(transaction: Transaction, session_id: UUID, *, at: datetime) -> None:
    """Let offers end that are over, and offer the free seats of a class to those who wait for them.

    They get them in the order in which they joined. A party that is larger than what is free keeps its place,
    and the next one gets its turn: seats kept for a large party would be seats that anybody else could book.

    The caller has locked the class's seats, and calls it wherever some may have become free.
    """
    entries = WaitlistRepository(transaction).open(session_id)
    if entries:
        _Offers(transaction, session_id, at=at).settle(entries)


def end_waiting(transaction: Transaction, session_id: UUID, *, at: datetime) -> None:
    """Let nobody wait for a class any longer, nor be offered its seats, which the caller has locked."""
    entries = WaitlistRepository(transaction).open(session_id)
    held = [entry.booking_id for entry in entries if entry.booking_status == "held"]
    offers = _Offers(transaction, session_id, at=at)
    for entry in entries:
        offers.end(entry, outcome(entry.booking_status or "expired"))
    offers.give_back(held)
    offers.tell()


def give_back(transaction: Transaction, entry: Row[Any], *, at: datetime) -> None:
    """Free the seats that are held for an entry."""
    offers = _Offers(transaction, entry.session_id, at=at)
    offers.give_back([entry.booking_id])
    offers.tell()


class _Offers:
    """What happens to a waiting list in one transaction. Events come last: they stop all other writers."""

    def __init__(self, transaction: Transaction, session_id: UUID, *, at: datetime) -> None:
        self._transaction = transaction
        self._session_id = session_id
        self._at = at
        self._waitlist = WaitlistRepository(transaction)
        self._allocations = AllocationRepository(transaction)
        self._over: list[UUID] = []
        self._held: list[Any] = []
        self._told: list[tuple[str, Row[Any], Mapping[str, Any]]] = []

    def settle(self, entries: Sequence[Row[Any]]) -> None:
        session = SessionRepository(self._transaction).lock(self._session_id)
        takes_place = session.status == "scheduled" and session.start_at > self._at
        self._over += self._allocations.release_expired([self._session_id], at=self._at)
        waiting = []
        for entry in entries:
            if entry.status == "waiting" and takes_place:
                waiting.append(entry)
            elif entry.booking_status != "held" or entry.offer_expires_at <= self._at or not takes_place:
                self.end(entry, outcome(entry.booking_status or "expired"))
        if waiting:
            self._offer(session, waiting)
        self.tell()

    def end(self, entry: Row[Any], status: str) -> None:
        changed = self._waitlist.change(entry.id, {"status": status}, version=None)
        self._told.append((f"waitlist.{status}", changed, {"status": entry.status}))

    def give_back(self, booking_ids: Sequence[UUID]) -> None:
        """Free the seats of bookings that are held."""
        for id_ in booking_ids:
            self._allocations.release(booking_id=id_)
        self._over += booking_ids

    def tell(self) -> None:
        if self._over:
            expire_bookings(self._transaction, self._over, at=self._at)
        for view in self._held:
            record(self._transaction, type_="booking.held", booking=view, previous={}, at=self._at)
        for type_, entry, previous in self._told:
            tell(self._transaction, type_, entry, previous, at=self._at)

    def _offer(self, session: Row[Any], waiting: Sequence[Row[Any]]) -> None:
        times = {"from_": session.start_at, "to": session.end_at}
        taken = self._allocations.taken([session.id], **times, at=self._at)
        start, end, seats = session.start_at, session.end_at, session.bookable_capacity
        free = sorted(vacant(taken, start=start, end=end, slots=seats))
        offer = None
        for entry in waiting:
            if entry.party_size > len(free):
                continue
            slots, free = free[: entry.party_size], free[entry.party_size :]
            offer = offer or AvailabilityRepository(self._transaction).offer(session.catalog_item_id)
            until = offer_ends(offer.policy, session, self._at)
            booking_id = self._hold(session, entry, place_in(session, offer, slots), until)
            offered = {"status": "offered", "booking_id": booking_id, "offer_expires_at": until}
            changed = self._waitlist.change(entry.id, offered, version=None)
            self._told.append(("waitlist.offered", changed, {"status": entry.status}))

    def _hold(self, session: Row[Any], entry: Row[Any], place: Any, until: datetime) -> UUID:
        booking = BookingRepository(self._transaction).add_with_items(
            {
                "id": uuid7(),
                "reference": new_reference(),
                "customer_id": entry.customer_id,
                "session_id": session.id,
                "status": "held",
                "expires_at": until,
                "party_size": entry.party_size,
                "source": "staff",
                # Whoever freed the seats has nothing to do with who gets them.
                "created_by": entry.created_by,
                **rows.booking_row([place]),
            },
            rows.item_rows([place]),
        )
        capacity = {session.id: session.capacity}
        self._allocations.add_all(
            rows.allocation_rows([place], booking.id, capacity=capacity, expires_at=until)
        )
        self._held.append(rows.view(booking, [place]))
        id_: UUID = booking.id
        return id_


def tell(
    transaction: Transaction, type_: str, entry: Row[Any], previous: Mapping[str, Any], *, at: datetime
) -> None:
    """Write the event of a change of an entry."""
    EventRepository(transaction).append(
        type_=type_,
        object_type="waitlist_entry",
        object_id=entry.id,
        at=at,
        data={"object": entry._asdict(), "previous": previous},
    )


def _still_open() -> ColumnElement[bool]:
    over = bindparam("at", type_=INSTANT)
    return or_(ENTRY.status == "waiting", and_(ENTRY.status == "offered", ENTRY.offer_expires_at > over))


class _Places(Repository):
    model = WaitlistEntry

    @classmethod
    def viewed(cls) -> Select[Any]:
        its = ENTRY.session_id == bindparam("session_id", type_=Uuid)
        position = func.row_number().over(order_by=BY_JOINING).label("position")
        places = cls._prepared(ENTRY.id, position).where(its, _still_open()).subquery("places")
        shown = [column if column.key != "status" else _status_at() for column in WaitlistRepository._shown()]
        statement = cls._prepared(*shown, places.c.position)
        return statement.outerjoin(places, places.c.id == ENTRY.id).where(its)

    @classmethod
    def open(cls) -> Select[Any]:
        held = Booking.__table__.c
        offered = and_(held.tenant_id == ENTRY.tenant_id, held.id == ENTRY.booking_id)
        statement = cls._prepared(*WaitlistRepository._shown(), held.status.label("booking_status"))
        statement = statement.outerjoin(Booking.__table__, offered)
        statement = statement.where(ENTRY.session_id == bindparam("session_id", type_=Uuid))
        return statement.where(ENTRY.status.in_(OPEN)).order_by(*BY_JOINING)


def _status_at() -> ColumnElement[str]:
    return case((and_(ENTRY.status == "offered", ~_still_open()), "expired"), else_=ENTRY.status).label(
        "status"
    )


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "id": ENTRY.id == bindparam("id", type_=Uuid),
    "status": _status_at().element == any_(bindparam("status", type_=ARRAY(Text))),
}


@lru_cache(maxsize=8)
def _viewed(names: tuple[str, ...]) -> Select[Any]:
    return _Places.viewed().where(*(FILTERS[name] for name in names))


@cache
def _open() -> Select[Any]:
    return _Places.open()
