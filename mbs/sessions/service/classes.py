"""Group classes: plan one or a series, change, cancel and complete it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import Busy, InvalidState, PreconditionFailed
from mbs.foundation.local_time import exists, instant
from mbs.foundation.pages import Page, PageRequest
from mbs.resources.errors import CapacityInUse
from mbs.sessions.errors import NoMeetingDay, NonexistentLocalTime, NotBegun, TooMany
from mbs.sessions.models import MOST_OF_A_SERIES, Consequences, meeting_days
from mbs.sessions.repository import SessionRepository
from mbs.sessions.service.planning import Planner

CHANGEABLE = ("name", "notes", "capacity", "start_at", "end_at", "staff_id", "room_id")


class SessionService:
    """`reads_only_of` and `writes_only_of` narrow to the classes that one person gives; None: any class."""

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        reads_only_of: UUID | None,
        writes_only_of: UUID | None,
        consequences: Consequences,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._reads_only_of = reads_only_of
        self._writes_only_of = writes_only_of
        self._consequences = consequences

    def create(self, *, start: Callable[[str], datetime], **values: Any) -> Row[Any]:
        """Plan a class; it may lie in the past, for what was given unplanned can be entered later.

        :param start: what tells the instant from the time zone of its location.
        :param values: service_id; location_id, staff_id, room_id, capacity, name, notes if given.
        :raises InvalidReference: if there is no such service, location, person or room.
        :raises Invalid: if one of them is not what it must be, or its time does not exist.
        :raises ServiceInactive: if the service is not offered.
        :raises NoResourceForService: if whoever is asked for does not offer it.
        :raises SlotUnavailable: if one of them is not free.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            planner = Planner(transaction, at=at, consequences=self._consequences)
            plan = planner.plan(values)
            (id_,) = planner.add(plan, [start(plan.location.timezone)], None, values)
            row = SessionRepository(transaction).view(id_, at=at)
            self._record(transaction, "session.created", row, {}, at)
        return row

    def create_series(
        self,
        *,
        days: Sequence[str],
        start_time: str,
        from_: date,
        until: date | None = None,
        count: int | None = None,
        **values: Any,
    ) -> tuple[UUID, Sequence[Row[Any]]]:
        """Plan classes on days of the week, all or none of them, and return the series with its classes.

        :param start_time: of the location's day, on either side of a change of its clocks.
        :raises TooMany: if there would be more than 200.
        :raises NoMeetingDay: if there would be none.
        :raises NonexistentLocalTime: if clocks leap over the time on one of the dates.
        :raises SlotUnavailable: if somebody or something is not free; `conflicts` names each time.
        :raises MbsError: as `create` does.
        """
        meetings = meeting_days(frozenset(days), from_=from_, until=until, count=count)
        dates = list(islice(meetings, MOST_OF_A_SERIES + 1))
        if len(dates) > MOST_OF_A_SERIES:
            raise TooMany.beyond(MOST_OF_A_SERIES)
        if not dates:
            raise NoMeetingDay
        series_id, at = uuid7(), self._clock.now()
        with self._begin() as transaction:
            planner = Planner(transaction, at=at, consequences=self._consequences)
            plan = planner.plan(values)
            walls = [datetime.combine(day, time.fromisoformat(start_time)) for day in dates]
            timezone = plan.location.timezone
            skipped = [wall.date() for wall in walls if not exists(wall, timezone)]
            if skipped:
                raise NonexistentLocalTime.on(skipped)
            starts = [instant(wall, timezone) for wall in walls]
            planner.add(plan, starts, series_id, values)
            rows = SessionRepository(transaction).of_series(series_id, at=at)
            for row in rows:
                self._record(transaction, "session.created", row, {}, at)
        return series_id, rows

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a class.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return SessionRepository(transaction).view(id_, at=self._clock.now(), only_of=self._reads_only_of)

    def search(self, *, request: PageRequest, from_: datetime | None = None, **filters: Any) -> Page:
        """Return one page of classes; without `from_`, of those that have not ended yet."""
        at = self._clock.now()
        with self._begin(read_only=True) as transaction:
            return SessionRepository(transaction).search(
                request, at=at, end_after=from_ or at, only_of=self._reads_only_of, **filters
            )

    def change(
        self, *, id_: UUID, version: int | None, start: Callable[[str], datetime] | None, **values: Any
    ) -> Row[Any]:
        """Change a class that is to take place. Whoever has a seat moves with it; it stays as long as it was.

        :param start: what tells the new instant from the time zone of its location; None: as it is.
        :param values: name, notes, capacity, staff_id, room_id if given.
        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it was cancelled or completed.
        :raises CapacityInUse: if more seats are taken than it would have.
        :raises SlotUnavailable: if somebody or something that it needs is not free.
        :raises MbsError: as `create` does.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            sessions = SessionRepository(transaction)
            planner = Planner(transaction, at=at, consequences=self._consequences)
            wanted = (values.get("staff_id"), values.get("room_id"))
            before, locked = self._lock(planner, sessions, id_, version, at, wanted)
            if before.status != "scheduled":
                raise InvalidState
            begins = start(before.timezone) if start is not None else before.start_at
            ends = begins + (before.end_at - before.start_at)
            capacity = values.get("capacity", before.capacity)
            if capacity < before.taken:
                raise CapacityInUse
            if begins != before.start_at or values.keys() & {"staff_id", "room_id"}:
                chosen = {name: values.get(name, getattr(before, name)) for name in ("staff_id", "room_id")}
                planner.move(before, locked, begins, **chosen)
            change = {"start_at": begins, "end_at": ends, "notes": values.get("notes", before.notes)}
            sessions.change(id_, change, version=None)
            if values.keys() & {"name", "capacity"}:
                sessions.change_seats(id_, name=values.get("name", before.name), capacity=capacity)
            if begins != before.start_at:
                self._consequences.move(transaction, id_, begins, ends, at)
            row = sessions.view(id_, at=at)
            told = {name: getattr(before, name) for name in CHANGEABLE}
            previous = {name: was for name, was in told.items() if was != getattr(row, name)}
            self._record(transaction, "session.updated", row, previous, at)
            if capacity > before.capacity or begins != before.start_at:
                self._consequences.offer(transaction, id_, at)
                row = sessions.view(id_, at=at)
        return row

    def cancel(self, *, id_: UUID, version: int | None, reason: str | None = None) -> Row[Any]:
        """Cancel a class, every booking of it, and all waiting for it; cancelling it again changes nothing.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it was completed.
        """
        return self._end(id_, version, "cancelled", {"reason": reason})

    def complete(self, *, id_: UUID, version: int | None) -> Row[Any]:
        """Note that a class took place; completing it again changes nothing. Its bookings stay as they are.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it was cancelled, or has not begun.
        """
        return self._end(id_, version, "completed", {})

    def _end(self, id_: UUID, version: int | None, status: str, told: Mapping[str, Any]) -> Row[Any]:
        at = self._clock.now()
        with self._begin() as transaction:
            sessions = SessionRepository(transaction)
            planner = Planner(transaction, at=at, consequences=self._consequences)
            before, _ = self._lock(planner, sessions, id_, version, at)
            if before.status == status:
                return before
            if before.status != "scheduled":
                raise InvalidState
            if status == "completed" and before.start_at > at:
                raise NotBegun
            self._consequences.end_waiting(transaction, id_, at)
            if status == "cancelled":
                self._consequences.cancel(transaction, id_, at, told["reason"])
                AllocationRepository(transaction).release(session_id=id_)
            sessions.change(id_, {"status": status}, version=None)
            row = sessions.view(id_, at=at)
            self._record(transaction, f"session.{status}", row, {"status": before.status}, at, told)
        return row

    def _lock(
        self,
        planner: Planner,
        sessions: SessionRepository,
        id_: UUID,
        version: int | None,
        at: datetime,
        wanted: Sequence[UUID | None] = (),
    ) -> tuple[Row[Any], Mapping[UUID, Row[Any]]]:
        found = sessions.view(id_, at=at, only_of=self._writes_only_of)
        locked = planner.lock((id_, found.staff_id, found.room_id, *wanted))
        row = sessions.view(id_, at=at)
        if (row.staff_id, row.room_id) != (found.staff_id, found.room_id):
            # Somebody changed it meanwhile, and to lock what it has now would break the order of locks.
            raise Busy
        if version is not None and version != row.version:
            raise PreconditionFailed
        return row, locked

    def _record(
        self,
        transaction: Transaction,
        type_: str,
        row: Row[Any],
        previous: Mapping[str, Any],
        at: datetime,
        told: Mapping[str, Any] | None = None,
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="session",
            object_id=row.id,
            at=at,
            data={"object": row._asdict(), "previous": previous, **(told or {})},
        )


def local_start(day: date, clock: str, fold: int, timezone: str) -> datetime:
    """Return when clocks show a time of a day; of two such instants `fold` chooses.

    :raises NonexistentLocalTime: if they never do.
    """
    wall = datetime.combine(day, time.fromisoformat(clock))
    if not exists(wall, timezone):
        raise NonexistentLocalTime.on([day])
    return instant(wall, timezone, fold=fold)
