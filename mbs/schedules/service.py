"""What can be done with the hours of people, things and places."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.locations.repository import LocationRepository
from mbs.resources.models import KINDS
from mbs.resources.repository import ResourceRepository
from mbs.schedules.errors import OverBookings
from mbs.schedules.models import LONGEST_TIME_OFF, Owner
from mbs.schedules.repository import (
    ClosedResources,
    ExceptionRepository,
    ScheduleRepository,
    TakenRepository,
    TimeOffRepository,
)
from mbs.tenants.repository import MembershipRepository

INHERITED: Mapping[str, Any] = {"timezone": None, "week": None}


class ScheduleService:
    """The weeks of owners."""

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def read(self, owner: Owner) -> Row[Any] | None:
        """Return the owner's week, None if it never had one.

        :raises NotFound: if there is no such owner.
        """
        with self._begin(read_only=True) as transaction:
            find_owner(transaction, owner)
            return ScheduleRepository(transaction, owner).find()

    def replace(self, owner: Owner, *, version: int | None, **values: Any) -> Row[Any]:
        """Give the owner a week and its time zone, instead of what it has.

        :param version: that the caller saw, 0 if there was none; None to replace whatever is there.
        :raises NotFound: if there is no such owner.
        :raises PreconditionFailed: if the week has moved on to another version.
        :raises Busy: if somebody else is just giving the owner its first one.
        """
        values["week"] = {day: sorted(windows) for day, windows in values["week"].items()}
        with self._begin() as transaction:
            find_owner(transaction, owner)
            schedules = ScheduleRepository(transaction, owner)
            before = schedules.lock_week(version=version)
            if before is None:
                schedule = schedules.add({**values, "id": uuid7()})
            else:
                schedule = schedules.change(before.id, values, version=None)
            self._record(transaction, schedule, _previous(before, schedule, values))
        return schedule

    def remove(self, owner: Owner, *, version: int | None) -> None:
        """Take the owner's week away, so that it has its location's hours.

        :raises NotFound: if there is no such owner.
        :raises PreconditionFailed: if the week has moved on to another version.
        """
        with self._begin() as transaction:
            find_owner(transaction, owner)
            schedules = ScheduleRepository(transaction, owner)
            before = schedules.lock_week(version=version)
            if before is not None and before.week is not None:
                schedule = schedules.change(before.id, INHERITED, version=None)
                self._record(transaction, schedule, _previous(before, schedule, INHERITED))

    def _record(self, transaction: Transaction, schedule: Row[Any], previous: Mapping[str, Any]) -> None:
        EventRepository(transaction).append(
            type_="schedule.updated",
            object_type="schedule",
            object_id=schedule.id,
            at=self._clock.now(),
            data={"object": schedule._asdict(), "previous": previous},
        )


class _Entries:
    """What owners may have several of: each is an object with an id of its own."""

    _repository: ClassVar[type[ExceptionRepository] | type[TimeOffRepository]]
    _type: ClassVar[str]

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def search(self, owner: Owner, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of them.

        :raises NotFound: if there is no such owner.
        """
        with self._begin(read_only=True) as transaction:
            find_owner(transaction, owner)
            return self._repository(transaction, owner).search(request, **filters)

    def read(self, owner: Owner, *, id_: UUID) -> Row[Any]:
        """Return one.

        :raises NotFound: if the owner has none with this id, or there is no such owner.
        """
        with self._begin(read_only=True) as transaction:
            find_owner(transaction, owner)
            return self._repository(transaction, owner).get(id_)

    def remove(self, owner: Owner, *, id_: UUID, version: int | None) -> None:
        """Remove one; the trail keeps what it was.

        :raises NotFound: if the owner has none with this id, or there is no such owner.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            self._find_writable(transaction, owner)
            entries = self._repository(transaction, owner)
            before = entries.lock_row(id_, version=version)
            entries.remove(id_, version=None)
            self._record(transaction, "deleted", before, {})

    def _find_writable(self, transaction: Transaction, owner: Owner) -> None:
        find_owner(transaction, owner)

    def _record(
        self, transaction: Transaction, past: str, entry: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=f"{self._type}.{past}",
            object_type=self._type,
            object_id=entry.id,
            at=self._clock.now(),
            data={"object": _told(entry._asdict()), "previous": _told(previous)},
        )


class ExceptionService(_Entries):
    """The dates on which owners' hours differ from their week."""

    _repository = ExceptionRepository
    _type = "schedule_exception"

    def create(self, owner: Owner, **values: Any) -> Row[Any]:
        """Create an exception.

        :raises NotFound: if there is no such owner.
        :raises DateTaken: if the owner has one for this date.
        """
        values["windows"] = sorted(values["windows"])
        with self._begin() as transaction:
            find_owner(transaction, owner)
            exception = ExceptionRepository(transaction, owner).add({**values, "id": uuid7()})
            self._record(transaction, "created", exception, {})
        return exception

    def change(self, owner: Owner, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change an exception.

        :raises NotFound: if the owner has none with this id, or there is no such owner.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises DateTaken: if the owner has another one for its new date.
        """
        if "windows" in values:
            values["windows"] = sorted(values["windows"])
        with self._begin() as transaction:
            find_owner(transaction, owner)
            exceptions = ExceptionRepository(transaction, owner)
            before = exceptions.lock_row(id_, version=version)
            exception = exceptions.change(id_, values, version=None)
            self._record(transaction, "updated", exception, _previous(before, exception, values))
        return exception


class Taken(NamedTuple):
    """The first hundred of the bookings and classes in a time, and how many there are."""

    bookings: Sequence[Mapping[str, Any]]
    total: int


class TimeOffService(_Entries):
    """When owners are not to be had. `only_of` narrows what is written of resources to one person's own."""

    _repository = TimeOffRepository
    _type = "time_off"

    def __init__(self, *, begin: Begin, clock: Clock, only_of: UUID | None) -> None:
        super().__init__(begin=begin, clock=clock)
        self._only_of = only_of

    def create(self, owner: Owner, *, force: bool, **values: Any) -> tuple[Row[Any], Taken]:
        """Create time off.

        :raises NotFound: if there is no such owner.
        :raises Invalid: if it ends before it starts, or lasts longer than three years.
        :raises OverBookings: if there are bookings in that time, unless `force`.
        """
        span = values["starts_at"], values["ends_at"]
        _refuse_bad_span(*span)
        with self._begin() as transaction:
            self._find_writable(transaction, owner)
            taken = self._take(transaction, owner, span, force=force)
            time_off = TimeOffRepository(transaction, owner).add({**values, "id": uuid7()})
            self._record(transaction, "created", time_off, {})
        return time_off, taken

    def change(
        self, owner: Owner, *, id_: UUID, version: int | None, force: bool = False, **values: Any
    ) -> tuple[Row[Any], Taken]:
        """Change time off; bookings that it was over already do not count.

        :raises NotFound: if the owner has none with this id, or there is no such owner.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if it ends before it starts, or lasts longer than three years.
        :raises OverBookings: if there are bookings in its new time, unless `force`.
        """
        with self._begin() as transaction:
            self._find_writable(transaction, owner)
            entries = TimeOffRepository(transaction, owner)
            before = entries.lock_row(id_, version=version)
            span = values.get("starts_at", before.starts_at), values.get("ends_at", before.ends_at)
            _refuse_bad_span(*span)
            taken = Taken((), 0)
            if span[0] < before.starts_at or span[1] > before.ends_at:
                known = before.starts_at, before.ends_at
                taken = self._take(transaction, owner, span, known=known, force=force)
            time_off = entries.change(id_, values, version=None)
            self._record(transaction, "updated", time_off, _previous(before, time_off, values))
        return time_off, taken

    def _take(
        self,
        transaction: Transaction,
        owner: Owner,
        span: tuple[datetime, datetime],
        *,
        known: tuple[datetime, datetime] | None = None,
        force: bool,
    ) -> Taken:
        # As bookings do, so that of a booking and time off made at once one sees the other.
        resources = ClosedResources(transaction).lock(owner, span)
        rows = TakenRepository(transaction).during(span, resources, at=self._clock.now(), known=known)
        bookings = [
            {"bookingId": row.booking_id, "sessionId": row.session_id, "startAt": row.start_at}
            for row in rows
        ]
        taken = Taken(bookings, rows[0].total if rows else 0)
        if bookings and not force:
            raise OverBookings(extra={"details": bookings, "count": taken.total})
        return taken

    def _find_writable(self, transaction: Transaction, owner: Owner) -> None:
        found = find_owner(transaction, owner)
        if self._only_of is not None and owner.kind != "location":
            member = MembershipRepository(transaction).get(found.member_id) if found.member_id else None
            if member is None or member.user_id != self._only_of:
                raise NotFound


def find_owner(transaction: Transaction, owner: Owner) -> Row[Any]:
    """Return the resource or location whose hours they are.

    :raises NotFound: if there is none of this kind.
    """
    if owner.kind == "location":
        return LocationRepository(transaction).get(owner.id)
    kinds = ("staff",) if owner.kind == "staff" else KINDS
    return ResourceRepository(transaction, kinds=kinds).get(owner.id)


def _refuse_bad_span(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid(errors=[FieldFault("endAt", "invalid", "Must be after `startAt`.")])
    if ends_at - starts_at > LONGEST_TIME_OFF:
        raise Invalid(errors=[FieldFault("endAt", "invalid", "Must be at most three years after `startAt`.")])


def _previous(before: Row[Any] | None, after: Row[Any], values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {
        name: getattr(before, name)
        for name in values
        if before is not None and getattr(before, name) != getattr(after, name)
    }


def _told(values: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**values, "on_date": values["on_date"].isoformat()} if "on_date" in values else values
