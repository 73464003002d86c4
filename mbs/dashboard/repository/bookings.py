"""How many bookings there were, what became of them, and what they are worth."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CTE, ColumnElement, Integer, Row, and_, distinct, func, literal, null, union_all

from mbs.allocations.models import Allocation
from mbs.bookings.models import Booking, BookingItem
from mbs.catalog.models import CatalogItem
from mbs.dashboard.models import AGREED, COUNTED, SPANS, STAFF, Period
from mbs.dashboard.repository.conditions import (
    NO_MONEY,
    at_location,
    of_tenant,
    part_of,
    starting_in,
    status_at,
)
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.models import Resource


class BookingFigures(Repository):
    """Counts and sums of bookings. `at` is now: by then a hold or a request may have run out."""

    model = Booking
    columns = (Booking.id,)

    def counted(self, at: datetime, location_id: UUID | None, *conditions: ColumnElement[bool]) -> Any:
        """Return the statement that counts bookings, without those that never took a place for good."""
        return self.select(func.count()).where(
            *conditions, *at_location(location_id), status_at(at).in_(COUNTED)
        )

    def worth(self, period: Period, currency: str, location_id: UUID | None) -> Any:
        """Return the statement that adds up what the agreed bookings of a period cost, in one currency."""
        total = func.coalesce(func.sum(Booking.amount), NO_MONEY)
        agreed = (Booking.status.in_(AGREED), Booking.currency == currency)
        return self.select(total).where(*starting_in(period), *at_location(location_id), *agreed)

    def grouped(
        self, period: Period, *, by: str, at: datetime, location_id: UUID | None
    ) -> Sequence[Row[Any]]:
        """Return for each key and currency: key, label, currency, bookings, cancelled, no_show, amount.

        The key of a day, week or month is the number of that part of the period, from 0. A booking of two
        services or two people counts for each of them, with the amount of what is theirs.

        :param by: one of BOOKING_GROUPS; anything else gives one row a currency.
        """
        status = status_at(at)
        key: Any = null()
        label: Any = null()
        amount: Any = Booking.amount
        joined: list[tuple[Any, ColumnElement[bool]]] = []
        if by in SPANS:
            key = part_of(Booking.start_at, period) - 1
        elif by == "service":
            key, label, amount = BookingItem.catalog_item_id, CatalogItem.name, BookingItem.amount
            joined = [
                (BookingItem, of_tenant(BookingItem) & (BookingItem.booking_id == Booking.id)),
                (CatalogItem, of_tenant(CatalogItem) & (CatalogItem.id == key)),
            ]
        elif by == "staff":
            work = self._work(period)
            key, label, amount = work.c.staff_id, Resource.name, func.coalesce(work.c.amount, amount)
            joined = [
                (work, work.c.booking_id == Booking.id),
                (Resource, of_tenant(Resource) & (Resource.id == key)),
            ]
        elif by == "location":
            key, label = Booking.location_id, Location.name
            joined = [(Location, of_tenant(Location) & (Location.id == key))]
        elif by == "status":
            key = label = status
        elif by == "source":
            key = label = Booking.source
        number = func.count(distinct(Booking.id))
        statement = self.select(
            key.label("key"),
            label.label("label"),
            Booking.currency.label("currency"),
            number.label("bookings"),
            number.filter(status == "cancelled").label("cancelled"),
            number.filter(status == "no_show").label("no_show"),
            func.coalesce(func.sum(amount).filter(status.in_(AGREED)), NO_MONEY).label("amount"),
        ).select_from(Booking)
        for target, condition in joined:
            statement = statement.outerjoin(target, condition)
        statement = statement.where(*starting_in(period), *at_location(location_id))
        if by != "status":
            statement = statement.where(status.in_(COUNTED))
        return self._transaction.execute(statement.group_by("key", "label", Booking.currency)).all()

    def _work(self, period: Period) -> CTE:
        """Who works on which booking, and what their part of it costs."""
        of_items = (
            self.select(
                Booking.id.label("booking_id"),
                Allocation.resource_id.label("staff_id"),
                BookingItem.position.label("position"),
                BookingItem.amount.label("amount"),
            )
            .select_from(Booking)
            .join(Allocation, of_tenant(Allocation) & (Allocation.booking_id == Booking.id))
            .join(
                BookingItem,
                and_(
                    of_tenant(BookingItem),
                    BookingItem.booking_id == Booking.id,
                    BookingItem.position == Allocation.item_no,
                ),
            )
        )
        of_classes = (
            self.select(Booking.id, Allocation.resource_id, literal(1, Integer), Booking.amount)
            .select_from(Booking)
            .join(Allocation, of_tenant(Allocation) & (Allocation.session_id == Booking.session_id))
        )
        # A color has two allocations of one person, before and after it works.
        both = (
            one.where(Allocation.kind == STAFF, *starting_in(period)).distinct()
            for one in (of_items, of_classes)
        )
        # By statistics of an emptier calendar, PostgreSQL would find this out anew for each booking.
        return union_all(*both).cte("work").prefix_with("MATERIALIZED")
