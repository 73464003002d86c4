"""What availability reads: a service with its resources, their hours, and what is taken of them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Date, Select, Text, Uuid, any_, bindparam, cast, func, or_
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from mbs.availability.models.hours import Hours, read_hours
from mbs.availability.models.offer import Candidate, Offer
from mbs.catalog.models import INSTANT, CatalogItem, ItemResource
from mbs.foundation.errors import FieldFault, InvalidReference
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.models import Resource
from mbs.schedules.models import Schedule, ScheduleException, TimeOff
from mbs.tenants.models import Tenant, booking_policy

ITEM = CatalogItem.__table__.c
ASSIGNED = ItemResource.__table__.c
RESOURCE = Resource.__table__.c
LOCATION = Location.__table__.c
TENANT = Tenant.__table__.c


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
        if location_id is not None and str(location_id) not in (row.locations or ()):
            raise _unknown(f"{path}locationId", "location")
        policy = booking_policy({"booking": row.booking or {}}, row.policy)
        offer = Offer(
            service_id=row.id,
            name=row.name,
            mode=row.mode,
            active=row.active,
            price=Decimal(row.price),
            currency=row.currency,
            price_unit=row.price_unit,
            duration_min=row.duration_min,
            buffer_before_min=row.buffer_before_min,
            buffer_after_min=row.buffer_after_min,
            slot_interval_min=row.slot_interval_min or policy["slotIntervalMin"],
            segments=row.segments,
            max_capacity=row.max_capacity,
            policy=policy,
            timezone=row.timezone,
            kinds=sorted({values[1] for values in row.assigned or ()}),
            candidates=[_candidate(*values) for *values, active in row.assigned or () if active],
        )
        chosen = {kinds[one]: one for one in named}
        return offer.narrowed(chosen=chosen, location_id=location_id, tag=tag)

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
        locations = _Locations.gathered(LOCATION.id).where(LOCATION.status == "active")
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
        return cls.gathered(func.json_build_array(*columns), order=order, name=name)

    @classmethod
    def gathered(
        cls, value: ColumnElement[Any], *, order: Iterable[ColumnElement[Any]] = (), name: str = "gathered"
    ) -> Select[Any]:
        """Return a statement whose one value is a JSON list with a value for each row; null: no row."""
        ordered = aggregate_order_by(value, *order) if order else value
        return cls._prepared(func.json_agg(ordered).label(name))


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


def first_second(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the last whole second at or before an instant, as epoch seconds."""
    return cast(func.floor(func.date_part("epoch", instant)), BigInteger)


def last_second(instant: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return the first whole second at or after an instant, as epoch seconds."""
    return cast(func.ceil(func.date_part("epoch", instant)), BigInteger)


def _candidate(
    id_: str,
    kind: str,
    name: str,
    location_id: str,
    timezone: str,
    parent_id: str | None,
    capacity: int,
    bookable_capacity: int,
    tags: list[str],
    price: str | None,
    duration_min: int | None,
) -> Candidate:
    return Candidate(
        id=UUID(id_),
        kind=kind,
        name=name,
        location_id=UUID(location_id),
        timezone=timezone,
        parent_id=UUID(parent_id) if parent_id is not None else None,
        capacity=capacity,
        bookable_capacity=bookable_capacity,
        tags=frozenset(tags),
        price=Decimal(price) if price is not None else None,
        duration_min=duration_min,
    )


def _owner(table: Any) -> ColumnElement[Any]:
    return func.coalesce(table.resource_id, table.location_id)


def _owned(table: Any) -> ColumnElement[bool]:
    return or_(table.resource_id == _one_of("resource_ids"), table.location_id == _one_of("location_ids"))


def _one_of(name: str) -> Any:
    return any_(bindparam(name, type_=ARRAY(Uuid)))


def _unknown(field: str, thing: str) -> InvalidReference:
    return InvalidReference(errors=[FieldFault(field, "invalid_reference", f"There is no such {thing}.")])
