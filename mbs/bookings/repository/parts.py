"""What is shown of a booking beside its own row, each part by one subquery."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    case,
    cast,
    func,
    or_,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import Allocation
from mbs.bookings.models import INSTANT, WAITING, Booking, BookingItem
from mbs.catalog.models import CatalogItem
from mbs.customers.models import Customer
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource
from mbs.tenants.models import Tenant


class Items(Repository):
    model = BookingItem
    columns = (BookingItem.id,)

    def add_all(self, booking_id: UUID, items: Sequence[Mapping[str, Any]]) -> None:
        numbered = [
            {**item, "booking_id": booking_id, "position": number}
            for number, item in enumerate(items, start=1)
        ]
        with self._naming_facts():
            self._transaction.execute(self._insert(), numbered)

    def remove_all(self, booking_id: UUID) -> None:
        self._write(self.delete().where(BookingItem.booking_id == booking_id))

    @classmethod
    @cache
    def policies(cls) -> Select[Any]:
        """Return the statement of the business's settings, and the rules of a booking's first service."""
        item, service, business = BookingItem.__table__.c, CatalogItem.__table__.c, Tenant.__table__.c
        return cls._prepared(business.settings, service.policy).where(
            item.booking_id == bindparam("sought_id", type_=Uuid),
            item.position == 1,
            service.tenant_id == item.tenant_id,
            service.id == item.catalog_item_id,
            business.id == item.tenant_id,
        )

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        item = BookingItem.__table__.c
        # Amounts go as text: read as JSON numbers they would become floats.
        shown = func.json_build_object(
            *("service_id", item.catalog_item_id),
            *("name", item.name),
            *("quantity", cast(item.quantity, Text)),
            *("unit_price", cast(item.unit_price, Text)),
            *("price_unit", item.price_unit),
            *("amount", cast(item.amount, Text)),
            *("start_at", item.start_at),
            *("end_at", item.end_at),
        )
        items = cls._prepared(func.json_agg(aggregate_order_by(shown, item.position), type_=JSON))
        mine = items.where(item.booking_id == Booking.__table__.c.id).correlate(Booking.__table__)
        return mine.scalar_subquery().label("items")


class Taken(Repository):
    """What a booking takes or, when it is over, took: moving it leaves nothing of its former time."""

    model = Allocation
    columns = (Allocation.id,)

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        taken, resource = Allocation.__table__.c, Resource.__table__.c
        shown = func.json_build_object(
            *("resource_id", taken.resource_id),
            *("kind", taken.kind),
            *("name", resource.name),
            *("slot_no", taken.slot_no),
            *("item_no", taken.item_no),
        )
        order = (taken.item_no, taken.segment_no, taken.kind.desc(), taken.resource_id, taken.slot_no)
        resources = cls._prepared(func.json_agg(aggregate_order_by(shown, *order), type_=JSON)).where(
            taken.booking_id == Booking.__table__.c.id,
            resource.tenant_id == taken.tenant_id,
            resource.id == taken.resource_id,
        )
        return resources.correlate(Booking.__table__).scalar_subquery().label("resources")


class Customers(Repository):
    model = Customer
    columns = (Customer.id,)

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        it = Customer.__table__.c
        shown = (("id", it.id), ("name", it.name), ("email", it.email), ("phone", it.phone))
        customer = cls._prepared(
            func.json_build_object(*(part for pair in shown for part in pair), type_=JSON)
        )
        mine = customer.where(it.id == Booking.__table__.c.customer_id).correlate(Booking.__table__)
        return mine.scalar_subquery().label("customer")


def status_shown() -> ColumnElement[str]:
    """Return the status as it is at the parameter `at`: whoever was waited for too long is `expired`."""
    row = Booking.__table__.c
    waiting = or_(*(row.status == status for status in WAITING))
    over = and_(waiting, row.expires_at <= bindparam("at", type_=INSTANT))
    return case((over, "expired"), else_=row.status).label("status")
