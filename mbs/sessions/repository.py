"""Questions put to the group classes of one business, and how many of their seats are taken."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, Uuid, and_, any_, bindparam, case, func, or_, true
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import INSTANT, Allocation
from mbs.foundation.errors import NotFound
from mbs.foundation.keys import folded
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.models import SESSION, Resource
from mbs.resources.repository import ResourceRepository
from mbs.schedules.models import TimeOff
from mbs.sessions.models import GroupSession
from mbs.tenants.models import Membership

ITS_SEATS = and_(Resource.tenant_id == GroupSession.tenant_id, Resource.id == GroupSession.id)
ITS_PLACE = and_(Location.tenant_id == GroupSession.tenant_id, Location.id == GroupSession.location_id)

A_DAY = timedelta(hours=24)

SEATS = ("name", "capacity")
"""What of a class is its resource's."""


class SessionRepository(Repository):
    """A class is a resource too, of the same id: its name and its seats are there, and read along here."""

    model = GroupSession
    columns = (
        GroupSession.id,
        GroupSession.catalog_item_id,
        GroupSession.location_id,
        GroupSession.series_id,
        GroupSession.start_at,
        GroupSession.end_at,
        GroupSession.status,
        GroupSession.notes,
        GroupSession.created_by,
        GroupSession.version,
        GroupSession.created_at,
        GroupSession.updated_at,
    )

    def view(self, id_: UUID, *, at: datetime, only_of: UUID | None = None) -> Row[Any]:
        """Return a class as people see it.

        :param at: holds that are over by then take no seat.
        :param only_of: the person who must be the one that gives it; None: whoever does.
        :return: beside its own columns name, capacity, bookable_capacity, taken, remaining, timezone, and
            staff_id and room_id, which may be None.
        :raises NotFound: if there is none.
        """
        values = {"id": id_} if only_of is None else {"id": id_, "only_of": only_of}
        rows = self._read(_filtered(tuple(values)), {**values, "at": at})
        if not rows:
            raise NotFound
        return rows[0]

    def lock(self, id_: UUID) -> Row[Any]:
        """Lock a class and its seats until the transaction ends.

        Other resources that the transaction needs are locked before, and this one among them, in their order.

        :return: its own columns, name, capacity, bookable_capacity, timezone.
        :raises NotFound: if there is none.
        """
        row = self._send(_locked(), {"id": id_}).one_or_none()
        if row is None:
            raise NotFound
        return row

    def upcoming(
        self,
        catalog_item_id: UUID,
        *,
        from_: datetime,
        to: datetime,
        at: datetime,
        location_id: UUID | None = None,
    ) -> Sequence[Row[Any]]:
        """Return the scheduled classes of a service that begin from one instant to before another.

        They come as `view` shows them, by their start.

        :param at: holds that are over by then take no seat.
        """
        values: dict[str, Any] = {"catalog_item_id": catalog_item_id, "start_from": from_, "start_before": to}
        if location_id is not None:
            values["location_id"] = location_id
        values["status"] = ["scheduled"]
        return self._read(_by_start(tuple(values)), {**values, "at": at})

    def of_series(self, series_id: UUID, *, at: datetime) -> Sequence[Row[Any]]:
        """Return the classes of a series as `view` shows them, by their start."""
        return self._read(_by_start(("series_id",)), {"series_id": series_id, "at": at})

    def search(self, request: PageRequest, *, at: datetime, **filters: Any) -> Page:
        """Return one page of classes as `view` shows them.

        :param at: holds that are over by then take no seat.
        :param filters: of `FILTERS`; None and empty ones do not narrow.
        """
        given = {name: value for name, value in filters.items() if value not in (None, [])}
        if "end_after" in given:
            # None is longer than a day (migration 0023): those that began earlier need not be looked at.
            given["start_from"] = given["end_after"] - A_DAY
        return self.page(_filtered(tuple(given)), request, **given, at=at)

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a class, and the resource that its seats are.

        :param values: its columns, name and capacity.
        """
        _Seats(self._transaction).add_all([values])
        return super().add({name: values[name] for name in values if name not in SEATS})

    def add_all(self, classes: Sequence[Mapping[str, Any]]) -> None:
        """Insert classes like `add`, all of them in two statements."""
        _Seats(self._transaction).add_all(classes)
        rows = [{name: one[name] for name in one if name not in SEATS} for one in classes]
        self._transaction.execute(self._insert(), rows)

    def change_seats(self, id_: UUID, *, name: str, capacity: int) -> None:
        """Change the name of a class, and how many seats it has.

        Whoever has a seat of a higher number gets a lower one that is free.

        :raises CapacityInUse: if more are taken than it has.
        """
        _Taken(self._transaction).move_below(id_, capacity)
        _Seats(self._transaction, kinds=(SESSION,)).change(id_, _named(name, capacity), version=None)


class _Seats(ResourceRepository):
    """The resources that classes are."""

    def add_all(self, classes: Sequence[Mapping[str, Any]]) -> None:
        rows = [
            {
                "id": one["id"],
                "kind": SESSION,
                "location_id": one["location_id"],
                **_named(one["name"], one["capacity"]),
            }
            for one in classes
        ]
        self._transaction.execute(self._insert(), rows)

    @classmethod
    def its(cls) -> Select[Any]:
        """Return the resource that a class is."""
        statement = cls._prepared(Resource.name, Resource.capacity, Resource.bookable_capacity)
        return statement.where(Resource.id == GroupSession.id).limit(1).correlate(GroupSession)

    def parents(self, ids: Sequence[UUID]) -> Select[Any]:
        return self.select(Resource.parent_id).where(Resource.id.in_(ids))


class _Places(Repository):
    model = Location

    @classmethod
    def its(cls) -> Select[Any]:
        """Return the location of a class."""
        statement = cls._prepared(Location.timezone).where(Location.id == GroupSession.location_id)
        return statement.limit(1).correlate(GroupSession)


class ClosedRepository(Repository):
    """Time off, which closes people, rooms and places to classes."""

    model = TimeOff

    def between(
        self, resource_ids: Sequence[UUID], location_id: UUID, *, from_: datetime, to: datetime
    ) -> Sequence[Row[Any]]:
        """Return from when to when one of some resources, what it is part of, or a location has time off."""
        parents = _Seats(self._transaction).parents(resource_ids)
        theirs = or_(TimeOff.resource_id.in_(resource_ids), TimeOff.resource_id.in_(parents))
        statement = self.select(TimeOff.starts_at, TimeOff.ends_at)
        statement = statement.where(or_(theirs, TimeOff.location_id == location_id))
        statement = statement.where(TimeOff.starts_at < to, TimeOff.ends_at > from_)
        return self._transaction.execute(statement).all()


class _Shown(Repository):
    """The statement behind every class that is shown."""

    model = GroupSession

    @classmethod
    def statement(cls) -> Select[Any]:
        # Looked up for each class that is shown: for plain joins the planner may read all of a business.
        seats, place = _Seats.its().lateral("its"), _Places.its().lateral("place")
        taken = _Taken.count().lateral("seats")
        statement = cls._prepared(
            *SessionRepository._shown(),
            # Labeled, for the names of a subquery's columns are no plain texts, and rows become JSON.
            *(seats.c[name].label(name) for name in ("name", "capacity", "bookable_capacity")),
            place.c.timezone.label("timezone"),
            taken.c.taken,
            func.greatest(seats.c.bookable_capacity - taken.c.taken, 0).label("remaining"),
            _Taken.one_of(Allocation.kind == "staff").label("staff_id"),
            _Taken.one_of(Allocation.kind != "staff").label("room_id"),
        )
        classes = GroupSession.__table__
        return statement.select_from(classes.join(seats, true()).join(place, true()).join(taken, true()))

    @classmethod
    def locked(cls) -> Select[Any]:
        seats = (Resource.name, Resource.capacity, Resource.bookable_capacity)
        statement = cls._prepared(*SessionRepository.columns, *seats, Location.timezone)
        statement = statement.join(Resource, ITS_SEATS).join(Location, ITS_PLACE).where(FILTERS["id"])
        # Not FOR UPDATE: rows that refer to it may be written all the while.
        return statement.with_for_update(key_share=True, of=(Resource, GroupSession))


class _Taken(Repository):
    """What is taken of classes, and what they take."""

    model = Allocation

    def move_below(self, class_id: UUID, capacity: int) -> None:
        """Give whoever has a seat of a higher number a free one of those that stay, while there are."""
        mine = (Allocation.resource_id == class_id, Allocation.state != "released")
        seats = self.select(Allocation.id, Allocation.slot_no).where(*mine).order_by(Allocation.slot_no)
        rows = self._transaction.execute(seats).all()
        free = sorted(set(range(1, capacity + 1)) - {row.slot_no for row in rows})
        moves = dict(zip((row.id for row in rows if row.slot_no > capacity), free, strict=False))
        if moves:
            statement = self.update().where(Allocation.id.in_(moves))
            self._write(statement.values(slot_no=case(moves, value=Allocation.id)))

    @classmethod
    def count(cls) -> Select[Any]:
        """Return how many seats of a class are taken."""
        blocks = or_(Allocation.expires_at.is_(None), Allocation.expires_at > bindparam("at", type_=INSTANT))
        statement = cls._prepared(func.count().label("taken")).where(Allocation.state != "released", blocks)
        return statement.where(Allocation.resource_id == GroupSession.id).correlate(GroupSession)

    @classmethod
    def one_of(cls, kind: ColumnElement[bool]) -> Any:
        """Return the resource of a kind that a class takes, or took before it was cancelled."""
        its = (Allocation.session_id == GroupSession.id, kind)
        statement = cls._prepared(Allocation.resource_id).where(*its).limit(1)
        return statement.correlate(GroupSession).scalar_subquery()

    @classmethod
    def by(cls) -> ColumnElement[bool]:
        """Return whether a person gives a class."""
        staff = and_(Resource.tenant_id == Allocation.tenant_id, Resource.id == Allocation.resource_id)
        person = and_(Membership.tenant_id == Resource.tenant_id, Membership.id == Resource.member_id)
        statement = cls._prepared(Allocation.id).join(Resource, staff).join(Membership, person)
        statement = statement.where(Allocation.session_id == GroupSession.id)
        return statement.where(Membership.user_id == bindparam("only_of")).correlate(GroupSession).exists()


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "id": GroupSession.id == bindparam("id", type_=Uuid),
    "catalog_item_id": GroupSession.catalog_item_id == bindparam("catalog_item_id", type_=Uuid),
    "location_id": GroupSession.location_id == bindparam("location_id", type_=Uuid),
    "series_id": GroupSession.series_id == bindparam("series_id", type_=Uuid),
    "status": GroupSession.status == any_(bindparam("status", type_=ARRAY(Text))),
    "start_from": GroupSession.start_at >= bindparam("start_from", type_=INSTANT),
    "start_before": GroupSession.start_at < bindparam("start_before", type_=INSTANT),
    "end_after": GroupSession.end_at > bindparam("end_after", type_=INSTANT),
    "only_of": _Taken.by(),
}
"""How each filter narrows; a value takes its place when the statement is sent."""


@lru_cache(maxsize=256)
def _filtered(names: tuple[str, ...]) -> Select[Any]:
    return _Shown.statement().where(*(FILTERS[name] for name in names))


@lru_cache(maxsize=16)
def _by_start(names: tuple[str, ...]) -> Select[Any]:
    return _filtered(names).order_by(GroupSession.start_at, GroupSession.id)


@cache
def _locked() -> Select[Any]:
    return _Shown.locked()


def _named(name: str, capacity: int) -> Mapping[str, Any]:
    return {"name": name, "name_key": folded(name), "capacity": capacity, "bookable_capacity": capacity}
