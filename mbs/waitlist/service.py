"""What can be done with waiting lists: join one, look at it, accept what it offers, leave it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import InvalidState, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.reservations.models.rules import waits
from mbs.sessions.repository import SessionRepository
from mbs.waitlist.errors import NothingOffered, OfferExpired, PartyTooLarge, SeatsAvailable
from mbs.waitlist.repository import WaitlistRepository, give_back, offer_seats, tell


class WaitlistService:
    """`reads_only_of` and `writes_only_of` narrow to the classes that one person gives; None: any class.

    `exempt` callers are of the business; what others accept may need its approval.
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        exempt: bool,
        reads_only_of: UUID | None,
        writes_only_of: UUID | None,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._exempt = exempt
        self._reads_only_of = reads_only_of
        self._writes_only_of = writes_only_of

    def join(self, *, session_id: UUID, customer_id: UUID, party_size: int) -> Row[Any]:
        """Let a customer wait for seats of a class that has too few.

        :raises NotFound: if there is no such class.
        :raises InvalidState: if it has begun, or was cancelled.
        :raises PartyTooLarge: if it never has so many seats.
        :raises SeatsAvailable: if it has so many seats left.
        :raises AlreadyWaiting: if the customer waits already.
        :raises UnknownCustomer: if there is no such customer.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            session = self._lock(transaction, session_id, at)
            if session.status != "scheduled" or session.start_at <= at:
                raise InvalidState("Nobody can wait for a class that has begun, or does not take place.")
            if party_size > session.bookable_capacity:
                raise PartyTooLarge.beyond(session.bookable_capacity)
            # Whoever waits already comes first.
            offer_seats(transaction, session_id, at=at)
            if SessionRepository(transaction).view(session_id, at=at).remaining >= party_size:
                raise SeatsAvailable
            waitlist = WaitlistRepository(transaction)
            values = {"session_id": session_id, "customer_id": customer_id, "party_size": party_size}
            entry = waitlist.add({"id": uuid7(), **values})
            view = waitlist.view(session_id, entry.id, at=at)
            tell(transaction, "waitlist.joined", entry, {}, at=at)
        return view

    def read(self, *, session_id: UUID, id_: UUID) -> Row[Any]:
        """Return an entry.

        :raises NotFound: if the class, or its list, has none such.
        """
        at = self._clock.now()
        with self._begin(read_only=True) as transaction:
            self._see(transaction, session_id, at)
            return WaitlistRepository(transaction).view(session_id, id_, at=at)

    def search(self, *, session_id: UUID, request: PageRequest, status: Sequence[str]) -> Page:
        """Return one page of those who wait for a class.

        :raises NotFound: if there is no such class.
        """
        at = self._clock.now()
        with self._begin(read_only=True) as transaction:
            self._see(transaction, session_id, at)
            return WaitlistRepository(transaction).search(request, session_id, status=status, at=at)

    def accept(self, *, session_id: UUID, id_: UUID, version: int | None) -> Row[Any]:
        """Take the seats that are offered: their booking is confirmed, or waits for approval if it needs it.

        Accepting again changes nothing.

        :raises NotFound: if there is no such class or entry.
        :raises PreconditionFailed: if the entry has moved on to another version.
        :raises OfferExpired: if the offer is over.
        :raises NothingOffered: if there was none yet, and nothing is free.
        :raises InvalidState: if the customer has left the list.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            waitlist = self._enter(transaction, session_id, id_, version, at)
            # It may be somebody else's turn by now, or just this customer's.
            offer_seats(transaction, session_id, at=at)
            entry = waitlist.of(session_id, id_)
            if entry.status == "offered":
                self._confirm(transaction, waitlist, entry, at)
            view = waitlist.view(session_id, id_, at=at)
        # Refused only now: that the seats have gone to the next one is to stay.
        if view.status == "expired":
            raise OfferExpired
        if view.status == "waiting":
            raise NothingOffered
        if view.status != "accepted":
            raise InvalidState("The customer has left the waiting list.")
        return view

    def leave(self, *, session_id: UUID, id_: UUID, version: int | None) -> None:
        """Let a customer wait no longer; offered seats go to the next. Leaving again changes nothing.

        :raises NotFound: if there is no such class or entry.
        :raises PreconditionFailed: if the entry has moved on to another version.
        :raises InvalidState: if the seats were accepted.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            waitlist = self._enter(transaction, session_id, id_, version, at)
            offer_seats(transaction, session_id, at=at)
            entry = waitlist.of(session_id, id_)
            if entry.status == "accepted":
                raise InvalidState("The seats were accepted; cancel the booking instead.")
            if entry.status in ("left", "expired"):
                return
            changed = waitlist.change(id_, {"status": "left"}, version=None)
            if entry.status == "offered":
                give_back(transaction, entry, at=at)
            tell(transaction, "waitlist.left", changed, {"status": entry.status}, at=at)
            offer_seats(transaction, session_id, at=at)

    def _confirm(
        self, transaction: Transaction, waitlist: WaitlistRepository, entry: Row[Any], at: datetime
    ) -> None:
        bookings = BookingRepository(transaction)
        was = bookings.lock(entry.booking_id)
        until = None if self._exempt else waits([bookings.policy(was.id)], at)
        status = "pending" if until else "confirmed"
        values = {"status": status, "expires_at": until, "status_changed_at": at}
        bookings.change(was.id, values, version=None)
        allocations = AllocationRepository(transaction)
        if until is None:
            allocations.activate(was.id)
        else:
            allocations.hold_until(was.id, until)
        changed = waitlist.change(entry.id, {"status": "accepted"}, version=None)
        view = bookings.view(was.id, at=at)
        previous: Mapping[str, Any] = {"status": was.status, "expires_at": was.expires_at}
        type_ = "booking.updated" if until else "booking.confirmed"
        record(transaction, type_=type_, booking=view, previous=previous, at=at)
        tell(transaction, "waitlist.accepted", changed, {"status": entry.status}, at=at)

    def _enter(
        self, transaction: Transaction, session_id: UUID, id_: UUID, version: int | None, at: datetime
    ) -> WaitlistRepository:
        self._lock(transaction, session_id, at)
        waitlist = WaitlistRepository(transaction)
        entry = waitlist.of(session_id, id_)
        if version is not None and version != entry.version:
            raise PreconditionFailed
        return waitlist

    def _lock(self, transaction: Transaction, session_id: UUID, at: datetime) -> Row[Any]:
        sessions = SessionRepository(transaction)
        if self._writes_only_of is not None:
            sessions.view(session_id, at=at, only_of=self._writes_only_of)
        return sessions.lock(session_id)

    def _see(self, transaction: Transaction, session_id: UUID, at: datetime) -> None:
        SessionRepository(transaction).view(session_id, at=at, only_of=self._reads_only_of)
