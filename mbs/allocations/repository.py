"""Questions put to what is taken of resources, and the one lock under which it changes."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, any_, bindparam, or_
from sqlalchemy.dialects.postgresql import ARRAY

from mbs.allocations.errors import SlotUnavailable
from mbs.allocations.models import INSTANT, Allocation
from mbs.foundation.errors import MbsError
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource

RELEASED = "released"


class AllocationRepository(Repository):
    """Whoever takes or frees slots locks their resources first, with `lock`, and reads them after that."""

    model = Allocation
    columns = (
        Allocation.id,
        Allocation.booking_id,
        Allocation.session_id,
        Allocation.item_no,
        Allocation.segment_no,
        Allocation.resource_id,
        Allocation.kind,
        Allocation.slot_no,
        Allocation.starts_at,
        Allocation.ends_at,
        Allocation.state,
        Allocation.expires_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "ex__allocations__slot": SlotUnavailable,
        "ck__allocations__slot": SlotUnavailable,
    }

    def lock(self, resource_ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """Lock resources until the transaction ends, and return those that exist, by ascending id.

        Nobody else takes, frees or counts slots of them meanwhile; to read them is free. A transaction calls
        this once, for all that it needs: ids in one order are what keeps two of them from a deadlock.

        :return: id, kind, name, location_id, capacity, bookable_capacity, active.
        """
        return _Resources(self._transaction).lock(resource_ids)

    def taken(
        self,
        resource_ids: Iterable[UUID],
        *,
        from_: datetime,
        to: datetime,
        at: datetime,
        except_booking: UUID | None = None,
        with_expired: bool = False,
    ) -> Sequence[Row[Any]]:
        """Return what blocks slots of resources between two instants: no hold that is over at `at`.

        :param with_expired: return those, too; they block nothing once `release_expired` has freed them.
        :return: resource_id, slot_no, starts_at, ends_at, booking_id, session_id, expires_at.
        """
        wanted = {"resource_ids": _sorted(resource_ids), "from_": from_, "to": to, "at": at}
        if except_booking is not None:
            wanted["except_booking"] = except_booking
        return self._read(self._taken(except_booking is not None, with_expired), wanted)

    def of_booking(self, booking_id: UUID) -> Sequence[Row[Any]]:
        """Return what a booking takes, or took before it was released, in the order of its items."""
        statement = self.select().where(Allocation.booking_id == booking_id)
        order = (Allocation.item_no, Allocation.segment_no, Allocation.resource_id, Allocation.slot_no)
        return self._transaction.execute(statement.order_by(*order)).all()

    def release_expired(self, resource_ids: Iterable[UUID], *, at: datetime) -> Sequence[UUID]:
        """Free the slots of holds that are over, and return whose bookings they were, by ascending id.

        The resources are locked by the caller, who lets those bookings expire.
        """
        statement = self.update().where(
            Allocation.resource_id == any_(bindparam("resource_ids", type_=ARRAY(Uuid))),
            Allocation.state == "held",
            Allocation.expires_at <= at,
        )
        statement = statement.values(state=RELEASED, expires_at=None).returning(Allocation.booking_id)
        freed = self._write(statement, {"resource_ids": _sorted(resource_ids)}).scalars()
        return sorted({booking_id for booking_id in freed if booking_id is not None})

    def release_over(self, resource_id: UUID, *, above: int, at: datetime) -> Sequence[UUID]:
        """Free slots of a resource beyond a number that nobody needs any more, so that it can lose them.

        Those are holds that are over, and what has ended. The resource is locked by the caller, who lets
        the bookings of those holds expire: their ids are returned.
        """
        ended = self.update().where(
            Allocation.resource_id == resource_id,
            Allocation.state == "active",
            Allocation.slot_no > above,
            Allocation.ends_at <= at,
        )
        self._write(ended.values(state=RELEASED))
        return self.release_expired([resource_id], at=at)

    def add_all(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Take slots, all in one statement.

        :param rows: id, booking_id or session_id, item_no, segment_no, resource_id, kind, capacity (the
            resource's), slot_no, starts_at, ends_at, state, expires_at.
        :raises SlotUnavailable: if one of them is taken, or there is no such slot.
        """
        with self._naming_facts():
            self._transaction.execute(self._insert(), list(rows))

    def activate(self, booking_id: UUID) -> None:
        """Let what a booking holds be taken for good."""
        held = self.update().where(Allocation.booking_id == booking_id, Allocation.state == "held")
        self._write(held.values(state="active", expires_at=None))

    def hold_until(self, booking_id: UUID, until: datetime) -> None:
        """Let what a booking holds be held until another instant."""
        held = self.update().where(Allocation.booking_id == booking_id, Allocation.state == "held")
        self._write(held.values(expires_at=until))

    def release(self, *, booking_id: UUID | None = None, session_id: UUID | None = None) -> None:
        """Free all that a booking or a session takes."""
        taken = self.update().where(self._owner(booking_id, session_id), Allocation.state != RELEASED)
        self._write(taken.values(state=RELEASED, expires_at=None))

    def take_again(self, booking_id: UUID) -> None:
        """Take once more what a booking has released.

        :raises SlotUnavailable: if something else has taken one of the slots meanwhile.
        """
        released = self.update().where(Allocation.booking_id == booking_id, Allocation.state == RELEASED)
        self._write(released.values(state="active"))

    def forget(self, *, booking_id: UUID | None = None, session_id: UUID | None = None) -> None:
        """Remove all that a booking or a session takes, which its new time is about to replace."""
        self._write(self.delete().where(self._owner(booking_id, session_id)))

    def _owner(self, booking_id: UUID | None, session_id: UUID | None) -> Any:
        if (booking_id is None) == (session_id is None):
            raise TypeError("name a booking or a session")
        if booking_id is not None:
            return Allocation.booking_id == booking_id
        return Allocation.session_id == session_id

    @classmethod
    @cache
    def _taken(cls, excepted: bool, with_expired: bool) -> Select[Any]:
        table = cls.model.__table__.c
        shown = (table.resource_id, table.slot_no, table.starts_at, table.ends_at)
        others = (table.booking_id, table.session_id, table.expires_at)
        statement = cls._prepared(*shown, *others).where(
            table.resource_id == any_(bindparam("resource_ids", type_=ARRAY(Uuid))),
            table.state != RELEASED,
            table.ends_at > bindparam("from_", type_=INSTANT),
            table.starts_at < bindparam("to", type_=INSTANT),
        )
        if not with_expired:
            lasts = table.expires_at > bindparam("at", type_=INSTANT)
            statement = statement.where(or_(table.expires_at.is_(None), lasts))
        if excepted:
            statement = statement.where(
                table.booking_id.is_distinct_from(bindparam("except_booking", type_=Uuid))
            )
        return statement.order_by(table.starts_at, table.resource_id, table.slot_no)


class _Resources(Repository):
    model = Resource
    columns = (
        Resource.id,
        Resource.kind,
        Resource.name,
        Resource.location_id,
        Resource.capacity,
        Resource.bookable_capacity,
        Resource.active,
    )

    def lock(self, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        return self._send(self._locked(), {"ids": _sorted(ids)}).all()

    @classmethod
    @cache
    def _locked(cls) -> Select[Any]:
        table = cls.model.__table__.c
        sought = table.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
        # Not FOR UPDATE: rows that refer to a resource may be written all the while.
        return cls._prepared(*cls._shown()).where(sought).order_by(table.id).with_for_update(key_share=True)


def _sorted(ids: Iterable[UUID]) -> list[UUID]:
    return sorted(set(ids))
