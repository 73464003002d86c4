"""How much of people, rooms and things is taken."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Row, column, exists, func, true, union_all

from mbs.allocations.models import Allocation
from mbs.bookings.models import Booking
from mbs.catalog.models import CatalogItem, ItemResource
from mbs.dashboard.models import AGREED, Period
from mbs.dashboard.repository.conditions import boundary, of_tenant, part_of
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.models import SESSION, Resource
from mbs.sessions.models import GroupSession

A_DAY = timedelta(days=1)
"""The longest that a class lasts, a buffer, and a booking that is not marked as long."""

AN_INSTANT = timedelta(microseconds=1)


class TakenRepository(Repository):
    model = Booking
    columns = (Booking.id,)

    def minutes(self, period: Period, *, kinds: Sequence[str]) -> Sequence[Row[Any]]:
        """Return how many minutes resources are taken by agreed bookings and by classes, buffers included.

        :param kinds: of the resources; none means all that people book, which are all but classes.
        :return: resource_id, part (number of the part of the period, from 0), minutes.
        """
        # What reaches into the period began up to two days before it, unless it is long.
        near = (Booking.start_at > period.start - 2 * A_DAY, Booking.start_at < period.end + A_DAY)
        over = (Booking.long, Booking.end_at > period.start - A_DAY, Booking.start_at < period.end + A_DAY)
        # One that lasts over midnight is on both days.
        first = func.greatest(part_of(Allocation.starts_at, period), 1)
        last = func.least(part_of(Allocation.ends_at - AN_INSTANT, period), len(period.keys))
        numbers = func.generate_series(first, last).table_valued(column("number", Integer))
        part = numbers.render_derived().lateral("part")
        begins = func.greatest(Allocation.starts_at, boundary(period, part.c.number))
        ends = func.least(Allocation.ends_at, boundary(period, part.c.number + 1))
        shown = (
            Allocation.resource_id.label("resource_id"),
            (part.c.number - 1).label("part"),
            (func.sum(func.extract("epoch", ends - begins)) / 60).label("minutes"),
        )
        of_bookings = (
            self.select(*shown)
            .select_from(Booking)
            .join(Allocation, of_tenant(Allocation) & (Allocation.booking_id == Booking.id))
            .where(Booking.status.in_(AGREED))
        )
        session = _Classes(self._transaction)
        of_classes = (
            session.select(*shown)
            .select_from(GroupSession)
            .join(
                Allocation,
                (Allocation.tenant_id == GroupSession.tenant_id) & (Allocation.session_id == GroupSession.id),
            )
            .where(
                # Said to the planner, who else may read what bookings take, too.
                Allocation.session_id.is_not(None),
                GroupSession.status != "cancelled",
                GroupSession.start_at > period.start - 2 * A_DAY,
                GroupSession.start_at < period.end + A_DAY,
            )
        )
        wanted = (
            Allocation.kind.in_(kinds) if kinds else Allocation.kind != SESSION,
            Allocation.ends_at > period.start,
            Allocation.starts_at < period.end,
        )
        questions = (of_bookings.where(~Booking.long, *near), of_bookings.where(*over), of_classes)
        statement = union_all(
            *(
                one.join(part, true()).where(*wanted).group_by(Allocation.resource_id, part.c.number)
                for one in questions
            )
        )
        return self._transaction.execute(statement).all()


class UsableRepository(Repository):
    """People, rooms and things, with what decides how long they can be had."""

    model = Resource
    columns = (Resource.id,)

    def find(self, *, kinds: Sequence[str], location_id: UUID | None) -> Sequence[Row[Any]]:
        """Return resources by name, those that are no longer active too.

        :param kinds: none means all but classes.
        :return: id, kind, name, location_id, timezone, parent_id, bookable_capacity, active, hosts (whether
            somebody can stay there, which no opening hours end).
        """
        hosts = exists().where(
            ItemResource.tenant_id == Resource.tenant_id,
            ItemResource.resource_id == Resource.id,
            CatalogItem.tenant_id == ItemResource.tenant_id,
            CatalogItem.id == ItemResource.catalog_item_id,
            CatalogItem.mode == "stay",
        )
        statement = (
            self.select(
                Resource.id,
                Resource.kind,
                Resource.name,
                Resource.location_id,
                Location.timezone,
                Resource.parent_id,
                Resource.bookable_capacity,
                Resource.active,
                hosts.label("hosts"),
            )
            .select_from(Resource)
            .join(
                Location, (Location.tenant_id == Resource.tenant_id) & (Location.id == Resource.location_id)
            )
            .where(Resource.kind.in_(kinds) if kinds else Resource.kind != SESSION)
        )
        if location_id is not None:
            statement = statement.where(Resource.location_id == location_id)
        return self._transaction.execute(statement.order_by(Resource.name_key, Resource.id)).all()


class _Classes(Repository):
    model = GroupSession
    columns = (GroupSession.id,)
