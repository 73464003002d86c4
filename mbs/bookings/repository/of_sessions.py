"""What a change of a class, or of what is held, does to many bookings at once; their resources are locked."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func

from mbs.allocations.models import Allocation
from mbs.bookings.models import BLOCKING, WAITING, Booking, BookingItem, status_at
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository


def expire_bookings(transaction: Transaction, ids: Sequence[UUID], *, at: datetime) -> None:
    """Let bookings expire whose slots were freed because their time to wait is over."""
    bookings = _Bookings(transaction)
    waiting = {row.id: row for row in bookings.lock_all(ids) if row.status in WAITING}
    if waiting:
        bookings.change_all(list(waiting), {"status": "expired", "status_changed_at": at})
        previous = {id_: {"status": row.status} for id_, row in waiting.items()}
        _record_all(transaction, "booking.expired", previous, at)


def cancel_bookings(transaction: Transaction, session_id: UUID, *, at: datetime, reason: str | None) -> None:
    """Cancel all bookings of a class, and free their seats. What is merely held expires instead."""
    bookings = _Bookings(transaction)
    rows = bookings.lock_of(session_id)
    if not rows:
        return
    held = {row.id: row for row in rows if row.status == "held" or status_at(row, at) == "expired"}
    cancelled = {row.id: row for row in rows if row.id not in held}
    if held:
        bookings.change_all(list(held), {"status": "expired", "status_changed_at": at})
    if cancelled:
        ended = {"status": "cancelled", "status_changed_at": at, "expires_at": None}
        by = {"cancelled_at": at, "cancelled_by": "business", "cancel_reason": reason}
        bookings.change_all(list(cancelled), {**ended, **by})
    _Seats(transaction).release([row.id for row in rows])
    for type_, ended_ones in (("booking.expired", held), ("booking.cancelled", cancelled)):
        previous = {id_: {"status": row.status} for id_, row in ended_ones.items()}
        if previous:
            _record_all(transaction, type_, previous, at)


def move_bookings(
    transaction: Transaction, session_id: UUID, *, start_at: datetime, end_at: datetime, at: datetime
) -> None:
    """Move all bookings of a class with it: no customer asked for it, so none is counted as moved by one."""
    bookings = _Bookings(transaction)
    rows = bookings.lock_of(session_id)
    if not rows:
        return
    ids = [row.id for row in rows]
    bookings.change_all(ids, {"start_at": start_at, "end_at": end_at})
    _Items(transaction).move(ids, start_at, end_at)
    _Seats(transaction).move(ids, start_at, end_at)
    previous = {row.id: {"start_at": row.start_at, "end_at": row.end_at} for row in rows}
    _record_all(transaction, "booking.rescheduled", previous, at)


def _record_all(
    transaction: Transaction, type_: str, previous: Mapping[UUID, Mapping[str, Any]], at: datetime
) -> None:
    for view in BookingRepository(transaction).views(previous, at=at):
        record(transaction, type_=type_, booking=view, previous=previous[view.id], at=at)


class _Bookings(Repository):
    model = Booking
    columns = (Booking.id, Booking.status, Booking.start_at, Booking.end_at, Booking.expires_at)

    def lock_all(self, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
        return self._locked(Booking.id.in_(ids))

    def lock_of(self, session_id: UUID) -> Sequence[Row[Any]]:
        return self._locked(Booking.session_id == session_id, Booking.status.in_(BLOCKING))

    def change_all(self, ids: Sequence[UUID], values: Mapping[str, Any]) -> None:
        statement = self.update().where(Booking.id.in_(ids))
        self._write(statement.values(**values, version=Booking.version + 1, updated_at=func.now()))

    def _locked(self, *conditions: Any) -> Sequence[Row[Any]]:
        statement = self.select().where(*conditions).order_by(Booking.id).with_for_update()
        return self._transaction.execute(statement).all()


class _Items(Repository):
    model = BookingItem

    def move(self, booking_ids: Sequence[UUID], start: datetime, end: datetime) -> None:
        statement = self.update().where(BookingItem.booking_id.in_(booking_ids))
        self._write(statement.values(start_at=start, end_at=end))


class _Seats(Repository):
    model = Allocation

    def release(self, booking_ids: Sequence[UUID]) -> None:
        theirs = (Allocation.booking_id.in_(booking_ids), Allocation.state != "released")
        self._write(self.update().where(*theirs).values(state="released", expires_at=None))

    def move(self, booking_ids: Sequence[UUID], start: datetime, end: datetime) -> None:
        theirs = (Allocation.booking_id.in_(booking_ids), Allocation.state != "released")
        self._write(self.update().where(*theirs).values(starts_at=start, ends_at=end))
