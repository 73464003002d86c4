"""What becomes of a booking: who comes, who does not, who is refused."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from mbs.allocations.repository import AllocationRepository
from mbs.bookings.models import TRANSITIONS, UNDO, changes, fee_of, status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.bookings.repository.of_sessions import expire_bookings
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import Busy, Forbidden, InvalidState, PreconditionFailed
from mbs.sessions.repository import SessionRepository

MOST_TRIES = 3

SeatsFreed = Callable[..., None]
"""Tells who waits for seats of a class that some are free: `(transaction, session_id, *, at)`."""


class _MovedOn(Exception):
    """The booking changed between being read and being locked."""


class LifecycleService:
    """Takes bookings from state to state. To ask once more for the state that is reached changes nothing.

    `only_of` narrows it to one member's own bookings. `is_member`: whoever asks is of the business, and not
    a program that acts for its customers.
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        only_of: UUID | None,
        is_member: bool,
        seats_freed: SeatsFreed,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._only_of = only_of
        self._is_member = is_member
        self._seats_freed = seats_freed

    def confirm(self, *, id_: UUID, version: int | None) -> Any:
        """Agree to a pending booking; or take back within a day that a customer did not come.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it, or the day is over.
        :raises SlotUnavailable: if what was free again has been taken meanwhile.
        :raises Forbidden: if a program confirms.
        """
        if not self._is_member:
            # Or whoever must be approved of would approve of themselves, and take back their own fee.
            raise Forbidden("A booking is confirmed by people of the business, not by a program.")

        def act(step: _Step) -> Mapping[str, Any]:
            if step.seen.status == "held":
                raise InvalidState("A hold becomes a booking by being converted.")
            if step.seen.status == "no_show":
                step.take_again()
                return {"fee": Decimal(0), "fee_reason": None}
            step.allocations.activate(id_)
            return {"expires_at": None}

        return self._reach("confirmed", id_, version, act)

    def decline(self, *, id_: UUID, version: int | None, reason: str | None = None) -> Any:
        """Refuse a pending booking; it frees what it took.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it.
        """

        def act(step: _Step) -> Mapping[str, Any]:
            step.free(tell=True)
            return {"expires_at": None, "cancel_reason": reason}

        return self._reach("declined", id_, version, act)

    def check_in(self, *, id_: UUID, version: int | None) -> Any:
        """Note that a customer is there.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it.
        """
        return self._reach("checked_in", id_, version)

    def complete(self, *, id_: UUID, version: int | None) -> Any:
        """Note that a booking is done; if that is early, the rest of its time is free again.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it.
        """

        def act(step: _Step) -> Mapping[str, Any]:
            step.free()
            return {}

        return self._reach("completed", id_, version, act)

    def no_show(self, *, id_: UUID, version: int | None, waive_fee: bool = False) -> Any:
        """Note that a customer did not come, and what that costs by the rules of the business.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it, or a program says so before it begins.
        :raises Forbidden: if a program waives the fee.
        """
        self._refuse_waiver(waive_fee)

        def act(step: _Step) -> Mapping[str, Any]:
            # People may know before that a customer does not come; a program would only set a fee.
            if not self._is_member and step.at < step.seen.start_at:
                raise InvalidState("The booking has not begun.")
            step.free()
            return {} if waive_fee else step.fee("noShowFee", "no_show")

        return self._reach("no_show", id_, version, act)

    def cancel(
        self,
        *,
        id_: UUID,
        version: int | None,
        reason: str | None = None,
        cancelled_by: str | None = None,
        waive_fee: bool = False,
    ) -> Any:
        """Cancel a booking; a customer who does so late owes what the rules of the business say.

        :param cancelled_by: `customer` or `business`; None: the side that whoever asks is on.
        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if its state does not allow it.
        :raises Forbidden: if a program waives the fee, or says that it was the business.
        """
        self._refuse_waiver(waive_fee)
        if cancelled_by == "business" and not self._is_member:
            # That costs no fee either.
            raise Forbidden("A program cancels for customers; people of the business do for the business.")
        by = cancelled_by or ("business" if self._is_member else "customer")

        def act(step: _Step) -> Mapping[str, Any]:
            step.free(tell=True)
            # Nobody owes anything for a request that was not agreed to yet.
            agreed = step.seen.status != "pending"
            owed = step.late_fee() if agreed and by == "customer" and not waive_fee else {}
            ended = {"cancelled_at": step.at, "cancelled_by": by, "cancel_reason": reason}
            return {**ended, "expires_at": None, **owed}

        return self._reach("cancelled", id_, version, act)

    def _refuse_waiver(self, waive_fee: bool) -> None:
        if waive_fee and not self._is_member:
            raise Forbidden("A fee is waived by people of the business, not by a program.")

    def _reach(
        self,
        target: str,
        id_: UUID,
        version: int | None,
        act: "Callable[[_Step], Mapping[str, Any]] | None" = None,
    ) -> Any:
        """:param act: what to free or take on the way, and which columns to change; None: neither."""
        for _ in range(MOST_TRIES):
            at = self._clock.now()
            try:
                with self._begin() as transaction:
                    seen = BookingRepository(transaction).view_own(id_, at=at, only_of=self._only_of)
                    if seen.status == target:
                        return seen
                    if version is not None and version != seen.version:
                        raise PreconditionFailed
                    if target not in TRANSITIONS[seen.status]:
                        raise InvalidState(f"A booking that is {seen.status} does not become {target}.")
                    step = _Step(transaction, seen, at=at, seats_freed=self._seats_freed)
                    return step.run(target, act)
            except _MovedOn:
                continue
        raise Busy


class _Step:
    """One booking on its way to another state."""

    def __init__(self, transaction: Transaction, seen: Any, *, at: datetime, seats_freed: SeatsFreed) -> None:
        self.allocations = AllocationRepository(transaction)
        self.seen = seen
        self.at = at
        self._transaction = transaction
        self._bookings = BookingRepository(transaction)
        self._seats_freed = seats_freed
        self._session: Any = None
        self._last: list[Callable[[], None]] = []

    def run(self, target: str, act: "Callable[[_Step], Mapping[str, Any]] | None") -> Any:
        """Lock what is concerned, act, and record it; return the booking's new view.

        :raises _MovedOn: if the booking is not as it was seen any more.
        """
        if act is not None:
            self.allocations.lock(self._resources())
            if self.seen.session_id is not None:
                self._session = SessionRepository(self._transaction).lock(self.seen.session_id)
        locked = self._bookings.lock(self.seen.id)
        if locked.version != self.seen.version or status_at(locked, self.at) != self.seen.status:
            raise _MovedOn
        values = {**(act(self) if act else {}), "status": target, "status_changed_at": self.at}
        booking = self._bookings.changed(self.seen, values, version=None, at=self.at)
        # Events come last: they lock the end of the trail, which everybody else waits for.
        for tell in self._last:
            tell()
        previous = changes(self.seen, booking, values)
        type_ = f"booking.{target}"
        record(self._transaction, type_=type_, booking=booking, previous=previous, at=self.at)
        return booking

    def free(self, *, tell: bool = False) -> None:
        """Free what the booking takes.

        :param tell: those who wait for a seat of its class.
        """
        self.allocations.release(booking_id=self.seen.id)
        session_id = self.seen.session_id
        if tell and session_id is not None:
            self._last.append(lambda: self._seats_freed(self._transaction, session_id, at=self.at))

    def take_again(self) -> None:
        """Take what the booking has freed.

        :raises InvalidState: if that is too long ago, or the class was cancelled or moved.
        :raises SlotUnavailable: if something else takes it.
        """
        if self.at - self.seen.status_changed_at > UNDO:
            raise InvalidState("That a customer did not come is taken back within 24 hours, or not at all.")
        if self._session is not None and self._session.status == "cancelled":
            raise InvalidState("The class is cancelled.")
        if self._session is not None and self._session.start_at != self.seen.start_at:
            # Only those who had a seat then moved with it; a seat at its old time would be one too many.
            raise InvalidState("The class has been moved since; book a seat of it.")
        over = self.allocations.release_expired(self._resources(), at=self.at)
        self.allocations.take_again(self.seen.id)
        if over:
            self._last.append(lambda: expire_bookings(self._transaction, over, at=self.at))

    def late_fee(self) -> Mapping[str, Any]:
        """Return what a cancellation costs at this time."""
        policy = self._bookings.policy(self.seen.id)
        if self.at <= self.seen.start_at - timedelta(minutes=policy["cancelNoticeMin"]):
            return {}
        return self._owed(policy["lateCancelFee"], "late_cancel")

    def fee(self, rule: str, reason: str) -> Mapping[str, Any]:
        """Return what one of the rules makes a customer owe."""
        return self._owed(self._bookings.policy(self.seen.id)[rule], reason)

    def _owed(self, rule: Mapping[str, Any], reason: str) -> Mapping[str, Any]:
        fee = fee_of(rule, self.seen.amount, self.seen.currency)
        return {"fee": fee, "fee_reason": reason} if fee else {}

    def _resources(self) -> set[UUID]:
        return {UUID(one["resource_id"]) for one in self.seen.resources or ()}
