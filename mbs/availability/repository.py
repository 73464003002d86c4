"""What availability reads: a service with its resources, their hours, and what is taken of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    cast,
    column,
    func,
    or_,
    table,
)
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from mbs.allocations.models import Allocation
from mbs.availability.models.hours import Hours, read_hours
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.stored import read_offer
from mbs.availability.models.taken import Taken, ordered
from mbs.catalog.models import INSTANT, CatalogItem, ItemResource
from mbs.foundation.errors import FieldFault, InvalidReference
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.models import Resource
from mbs.schedules.models import Schedule, ScheduleException, TimeOff
from mbs.sessions.models import GroupSession
from mbs.tenants.models import Tenant

ITEM = CatalogItem.__table__.c
ASSIGNED = ItemResource.__table__.c
RESOURCE = Resource.__table__.c
LOCATION = Location.__table__.c
TENANT = Tenant.__table__.c
TAKEN = Allocation.__table__.c
CLASS = GroupSession.__table__.c

ITS_COLUMNS = ("tenant_id", "booking_id", "position", "start_at", "end_at")
BOOKED = table("booking_items", *map(column, ITS_COLUMNS))
"""What is asked of a room above this one."""


class AvailabilityRepository(Repository):
    """Each method is one statement."""

    model = CatalogItem

    def offer(
        self,
        service_id: UUID,
        *,
        staff_id: UUID | None = None,
        resource_id: UUID | None = None,
        location_id: UUID | None = None,
        tag: str | None = None,
        path: str = "",
    ) -> Offer:
        """Return a service with the active resources that can do it, narrowed to those that are wanted.

        :param staff_id: the person who is to do it; resources of other kinds stay.
        :param resource_id: likewise a resource of any kind.
        :param tag: what the resource that a customer chooses must have.
        :param path: what stands before the names of fields in errors, like `items.0.`.
        :raises InvalidReference: if there is no such service, person, resource or location.
        """
        named = [one for one in (staff_id, resource_id) if one is not None]
        rows = self._read(self._offer(), {"service_id": service_id, "named": named})
        if not rows:
            raise _unknown(f"{path}serviceId", "service")
        row = rows[0]
        kinds = {UUID(id_): kind for id_, kind in row.named or ()}
        if staff_id is not None and kinds.get(staff_id) != "staff":
            raise _unknown(f"{path}staffId", "person")
        if resource_id is not None and resource_id not in kinds:
            raise _unknown(f"{path}resourceId", "resource")
        offer = read_offer(row)
        if location_id is not None and location_id not in offer.locations:
            raise _unknown(f"{path}locationId", "location")
        # One after the other: of two different people nobody is left.
        for one in named:
            offer = offer.narrowed(chosen={kinds[one]: one})
        return offer.narrowed(chosen={}, location_id=location_id, tag=tag)

    def hours(self, candidates: Iterable[Candidate], from_: datetime, to: datetime) -> Hours:
        """Return the hours and the time off of candidates and their locations between two instants."""
        candidates = list(candidates)
        parents = {one.parent_id for one in candidates if one.parent_id is not None}
        asked = {
            "resource_ids": sorted(parents | {one.id for one in candidates}),
            "location_ids": sorted({one.location_id for one in candidates}),
            # A local date is at most a day away from that of UTC, and hours of the evening before count.
            "first_day": from_.astimezone(UTC).date() - timedelta(days=2),
            "last_day": to.astimezone(UTC).date() + timedelta(days=1),
            "from_": from_,
            "to": to,
        }
        row = self._read(self._hours(), asked)[0]
        return read_hours(from_, to, (row.schedules or (), row.exceptions or (), row.time_off or ()))

    def taken(self, candidates: Iterable[Candidate], from_: datetime, to: datetime, *, at: datetime) -> Taken:
        """Return what is taken of candidates between two instants: no hold that is over at `at`."""
        return self._read_taken(candidates, from_, to, at, seen=False)[0]

    def taken_and_seen(
        self, candidates: Iterable[Candidate], from_: datetime, to: datetime, *, at: datetime
    ) -> tuple[Taken, Taken]:
        """Return the same twice: with buffers, and the time alone that customers see.

        It costs a look at each booking.
        """
        return self._read_taken(candidates, from_, to, at, seen=True)

    def _read_taken(
        self, candidates: Iterable[Candidate], from_: datetime, to: datetime, at: datetime, *, seen: bool
    ) -> tuple[Taken, Taken]:
        asked = {"resource_ids": sorted(one.id for one in candidates), "from_": from_, "to": to, "at": at}
        rows = self._read(_Allocations.taken(seen), asked)
        return ordered(rows, "starts", "ends"), ordered(rows, "seen_starts", "seen_ends") if seen else {}

    @classmethod
    @cache
    def _offer(cls) -> Select[Any]:
        assigned = _Assigned.listed(
            RESOURCE.id,
            RESOURCE.kind,
            RESOURCE.name,
            RESOURCE.location_id,
            LOCATION.timezone,
            RESOURCE.parent_id,
            RESOURCE.capacity,
            RESOURCE.bookable_capacity,
            RESOURCE.tags,
            cast(ASSIGNED.price, Text),
            ASSIGNED.duration_min,
            RESOURCE.active & (LOCATION.status == "active"),
            order=(RESOURCE.name_key, RESOURCE.id),
        ).where(
            ASSIGNED.catalog_item_id == ITEM.id,
            RESOURCE.tenant_id == ASSIGNED.tenant_id,
            RESOURCE.id == ASSIGNED.resource_id,
            LOCATION.tenant_id == RESOURCE.tenant_id,
            LOCATION.id == RESOURCE.location_id,
        )
        named = _Resources.listed(RESOURCE.id, RESOURCE.kind).where(RESOURCE.id == _one_of("named"))
        locations = _Locations.listed(LOCATION.id, LOCATION.timezone).where(LOCATION.status == "active")
        return cls._prepared(
            ITEM.id,
            ITEM.name,
            ITEM.mode,
            ITEM.active,
            cast(ITEM.price, Text).label("price"),
            ITEM.currency,
            ITEM.price_unit,
            ITEM.duration_min,
            ITEM.buffer_before_min,
            ITEM.buffer_after_min,
            ITEM.slot_interval_min,
            ITEM.segments,
            ITEM.max_capacity,
            ITEM.policy,
            TENANT.timezone,
            TENANT.settings["booking"].label("booking"),
            assigned.correlate(CatalogItem.__table__).scalar_subquery().label("assigned"),
            named.scalar_subquery().label("named"),
            locations.scalar_subquery().label("locations"),
        ).where(TENANT.id == ITEM.tenant_id, ITEM.id == bindparam("service_id", type_=Uuid))

    @classmethod
    @cache
    def _hours(cls) -> Select[Any]:
        week, other, off = (one.__table__.c for one in (Schedule, ScheduleException, TimeOff))
        weeks = _Schedules.listed(_owner(week), week.timezone, week.week, name="schedules").where(
            _owned(week), week.week.is_not(None)
        )
        days = _Exceptions.listed(_owner(other), other.on_date, other.windows).where(
            _owned(other),
            other.on_date >= bindparam("first_day", type_=Date),
            other.on_date <= bindparam("last_day", type_=Date),
        )
        pauses = _TimesOff.listed(_owner(off), first_second(off.starts_at), last_second(off.ends_at)).where(
            _owned(off),
            off.ends_at > bindparam("from_", type_=INSTANT),
            off.starts_at < bindparam("to", type_=INSTANT),
        )
        return weeks.add_columns(
            days.scalar_subquery().label("exceptions"), pauses.scalar_subquery().label("time_off")
        )


class _Listing(Repository):
    """Many rows as one value: orjson reads a list in the time that psycopg2 needs for two of its rows."""

    @classmethod
    def listed(
        cls, *columns: ColumnElement[Any], order: Iterable[ColumnElement[Any]] = (), name: str = "listed"
    ) -> Select[Any]:
        """Return a statement whose one value is a JSON list with a list for each row; null: no row."""
        row = func.json_build_array(*columns)
        ordered = aggregate_order_by(row, *order) if order else row
        return cls._prepared(func.json_agg(ordered, type_=JSON).label(name))


class _Assigned(_Listing):
    model = ItemResource


class _Resources(_Listing):
    model = Resource


class _Locations(_Listing):
    model = Location


class _Schedules(_Listing):
    model = Schedule


class _Exceptions(_Listing):
    model = ScheduleException


class _TimesOff(_Listing):
    model = TimeOff


class _Classes(_Listing):
    model = GroupSession

    @classmethod
    def its(cls, column: ColumnElement[Any]) -> Any:
        """Return something of the class that takes a slot."""
        its = cls._prepared(column).where(CLASS.id == TAKEN.session_id)
        return its.correlate(Allocation.__table__).scalar_subquery()


class _Allocations(_Listing):
    model = Allocation

    @classmethod
    @cache
    def taken(cls, seen: bool) -> Select[Any]:
        spans = {"starts": first_second(TAKEN.starts_at), "ends": last_second(TAKEN.ends_at)}
        if seen:
            starts = func.greatest(TAKEN.starts_at, BOOKED.c.start_at, _Classes.its(CLASS.start_at))
            ends = func.least(TAKEN.ends_at, BOOKED.c.end_at, _Classes.its(CLASS.end_at))
            spans |= {"seen_starts": first_second(starts), "seen_ends": last_second(ends)}
        # Ordered in Python, for here that would double the time.
        lists = (func.json_agg(values, type_=JSON).label(name) for name, values in spans.items())
        slots = func.json_agg(TAKEN.slot_no, type_=JSON).label("slots")
        statement = cls._prepared(TAKEN.resource_id, slots, *lists).where(
            TAKEN.resource_id == _one_of("resource_ids"),
            TAKEN.state != "released",
            TAKEN.ends_at > bindparam("from_", type_=INSTANT),
            TAKEN.starts_at < bindparam("to", type_=INSTANT),
            or_(TAKEN.expires_at.is_(None), TAKEN.expires_at > bindparam("at", type_=INSTANT)),
        )
        if seen:
            booking = and_(BOOKED.c.tenant_id == TAKEN.tenant_id, BOOKED.c.booking_id == TAKEN.booking_id)
            statement = statement.outerjoin(BOOKED, and_(booking, BOOKED.c.position == TAKEN.item_no))
        return statement.group_by(TAKEN.resource_id)


def first_second(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the last whole second at or before an instant, as epoch seconds."""
    return cast(func.floor(func.date_part("epoch", instant)), BigInteger)


def last_second(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first whole second at or after an instant, as epoch seconds."""
    return cast(func.ceil(func.date_part("epoch", instant)), BigInteger)


def _owner(table: Any) -> ColumnElement[Any]:
    return func.coalesce(table.resource_id, table.location_id)


def _owned(table: Any) -> ColumnElement[bool]:
    return or_(table.resource_id == _one_of("resource_ids"), table.location_id == _one_of("location_ids"))


def _one_of(name: str) -> Any:
    return any_(bindparam(name, type_=ARRAY(Uuid)))


def _unknown(field: str, thing: str) -> InvalidReference:
    return InvalidReference(errors=[FieldFault(field, "invalid_reference", f"There is no such {thing}.")])
