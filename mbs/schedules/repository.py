"""Questions put to the hours of one person, thing or place, and to what they would be taken from."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, and_, column, exists, func, not_, or_, table
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import Allocation
from mbs.foundation.db import Transaction
from mbs.foundation.errors import Busy, MbsError, NotFound, PreconditionFailed
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.resources.models import SESSION, Resource
from mbs.schedules.errors import DateTaken
from mbs.schedules.models import INSTANT, LONGEST_TIME_OFF, Owner, Schedule, ScheduleException, TimeOff

BOOKINGS = table("bookings", column("tenant_id"), column("id"), column("start_at"))
SESSIONS = table("sessions", column("tenant_id"), column("id"), column("start_at"), column("end_at"))
"""What is asked of rooms above this one."""

MOST_LISTED = 100

Span = tuple[datetime, datetime]
"""From one instant until another."""


class OwnedRepository(Repository):
    """Questions put to the rows of one owner; another owner's are not there."""

    def __init__(self, transaction: Transaction, owner: Owner) -> None:
        super().__init__(transaction)
        self._owner = owner

    def _own(self) -> ColumnElement[bool]:
        return super()._own() & (self.model.__table__.c[self._owner.column] == self._owner.id)

    def get(self, id_: UUID) -> Row[Any]:
        """Return the owner's row with this id.

        :raises NotFound: if there is none.
        """
        row = self._transaction.execute(self.select().where(self._id() == id_)).one_or_none()
        if row is None:
            raise NotFound
        return row

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a row of the owner's and return it as stored."""
        return super().add({**values, self._owner.column: self._owner.id})


class ScheduleRepository(OwnedRepository):
    model = Schedule
    columns = (
        Schedule.id,
        Schedule.resource_id,
        Schedule.location_id,
        Schedule.timezone,
        Schedule.week,
        Schedule.version,
        Schedule.created_at,
        Schedule.updated_at,
    )
    # Two who give an owner its first schedule at once.
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__schedules__tenant_id__resource_id": Busy,
        "uq__schedules__tenant_id__location_id": Busy,
    }

    def find(self) -> Row[Any] | None:
        """Return the owner's row, None if there never was one; its `week` is None if it was removed."""
        return self._transaction.execute(self.select()).one_or_none()

    def lock_week(self, *, version: int | None) -> Row[Any] | None:
        """Return the same, locked against other writers until the transaction ends.

        :param version: that the caller saw; 0 where there never was one.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        row = self._transaction.execute(self.select().with_for_update()).one_or_none()
        if version is not None and version != (row.version if row is not None else 0):
            raise PreconditionFailed
        return row


class ExceptionRepository(OwnedRepository):
    model = ScheduleException
    columns = (
        ScheduleException.id,
        ScheduleException.resource_id,
        ScheduleException.location_id,
        ScheduleException.on_date,
        ScheduleException.windows,
        ScheduleException.reason,
        ScheduleException.version,
        ScheduleException.created_at,
        ScheduleException.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__schedule_exceptions__tenant_id__resource_id__on_date": DateTaken,
        "uq__schedule_exceptions__tenant_id__location_id__on_date": DateTaken,
    }

    def search(self, request: PageRequest, *, from_: date | None = None, to: date | None = None) -> Page:
        """Return one page of exceptions of dates from one to another, both included."""
        statement = self.select()
        if from_ is not None:
            statement = statement.where(ScheduleException.on_date >= from_)
        if to is not None:
            statement = statement.where(ScheduleException.on_date <= to)
        return self.page(statement, request)


class TimeOffRepository(OwnedRepository):
    model = TimeOff
    columns = (
        TimeOff.id,
        TimeOff.resource_id,
        TimeOff.location_id,
        TimeOff.starts_at,
        TimeOff.ends_at,
        TimeOff.reason,
        TimeOff.version,
        TimeOff.created_at,
        TimeOff.updated_at,
    )

    def search(
        self, request: PageRequest, *, from_: datetime | None = None, to: datetime | None = None
    ) -> Page:
        """Return one page of the time off that reaches behind one instant and begins before another."""
        statement = self.select()
        if from_ is not None:
            statement = statement.where(TimeOff.ends_at > from_)
        if to is not None:
            # The second condition follows from the first, and reaches the index.
            statement = statement.where(TimeOff.starts_at < to, TimeOff.ends_at < to + LONGEST_TIME_OFF)
        return self.page(statement, request)


class ClosedResources(Repository):
    """The resources that are not to be had while their owner has time off."""

    model = Resource
    columns = (Resource.id,)

    def lock(self, owner: Owner, span: Span) -> Sequence[UUID]:
        """Lock them as bookings do, by ascending id, until the transaction ends; return their ids.

        They are the owner and its parts, or all that a location has: of its classes those that meet in the
        time, because past ones are many.
        """
        if owner.kind == "location":
            meets = exists().where(
                SESSIONS.c.tenant_id == Resource.tenant_id,
                SESSIONS.c.id == Resource.id,
                SESSIONS.c.start_at < span[1],
                SESSIONS.c.end_at > span[0],
            )
            closed = and_(Resource.location_id == owner.id, or_(Resource.kind != SESSION, meets))
        else:
            closed = or_(Resource.id == owner.id, Resource.parent_id == owner.id)
        statement = self.select().where(closed).order_by(Resource.id).with_for_update(key_share=True)
        return self._transaction.execute(statement).scalars().all()


class TakenRepository(Repository):
    """What bookings and classes take of resources."""

    model = Allocation
    columns = (Allocation.id,)

    def during(
        self, span: Span, resource_ids: Sequence[UUID], *, at: datetime, known: Span | None = None
    ) -> Sequence[Row[Any]]:
        """Return the bookings and classes that take something in a time, the first 100 of them.

        :param at: holds that are over by then take nothing.
        :param known: those that take something in this time are left out.
        :return: booking_id or session_id, start_at, and how many there are in all as `total`.
        """
        taken = Allocation.__table__.c
        # Not joined: they are looked up for the rows that are listed alone.
        starts = [
            other.select()
            .with_only_columns(other.c.start_at)
            .where(other.c.tenant_id == self._transaction.tenant_id, other.c.id == id_)
            .scalar_subquery()
            for other, id_ in ((BOOKINGS, taken.booking_id), (SESSIONS, taken.session_id))
        ]
        statement = (
            self.select(
                taken.booking_id,
                taken.session_id,
                func.coalesce(*starts, type_=INSTANT).label("start_at"),
                func.count().over().label("total"),
            )
            .where(
                taken.resource_id.in_(resource_ids),
                taken.state != "released",
                taken.ends_at > span[0],
                taken.starts_at < span[1],
                or_(taken.expires_at.is_(None), taken.expires_at > at),
            )
            .group_by(taken.booking_id, taken.session_id)
            .order_by(func.min(taken.starts_at), taken.booking_id, taken.session_id)
            .limit(MOST_LISTED)
        )
        if known is not None:
            statement = statement.where(not_(and_(taken.ends_at > known[0], taken.starts_at < known[1])))
        return self._transaction.execute(statement).all()
