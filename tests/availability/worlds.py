"""A business with services, resources, hours and what is taken, written straight into its tables."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select
from uuid_utils.compat import uuid7

from mbs.allocations.models import Allocation
from mbs.bookings.models import Booking, BookingItem
from mbs.catalog.models import CatalogItem, ItemResource
from mbs.customers.models import Customer
from mbs.foundation.db import Base
from mbs.locations.models import Location
from mbs.resources.models import Resource
from mbs.schedules.models import DAYS, Schedule, ScheduleException, TimeOff
from mbs.sessions.models import GroupSession
from tests.factories.callers import Business

Windows = Sequence[Sequence[str]]


def minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return int(hours) * 60 + int(minutes)


def minutes(windows: Windows) -> list[list[int]]:
    return [[minute(opens), minute(closes)] for opens, closes in windows]


def week(*windows: Sequence[str], days: Sequence[str] = DAYS) -> dict[str, list[list[int]]]:
    """Return a week whose days have the same windows."""
    return {day: minutes(windows) for day in days}


class World:
    """One business's calendar. Each method writes and returns the id of what it wrote."""

    def __init__(self, owner: Business, timezone: str = "Asia/Kolkata") -> None:
        self.owner = owner
        self.timezone = timezone
        with owner.database.transaction(owner.scope) as transaction:
            where = Location.tenant_id == owner.tenant_id
            self.location: UUID = transaction.execute(select(Location.id).where(where)).scalar_one()
        self._customer: UUID | None = None

    def write(self, model: type[Base], *rows: Mapping[str, Any]) -> None:
        if rows:
            with self.owner.database.transaction(self.owner.scope) as transaction:
                transaction.execute(insert(model.__table__), list(rows))  # type: ignore[arg-type]

    def _one(self, model: type[Base], **values: Any) -> UUID:
        id_ = uuid7()
        self.write(model, {"id": id_, **values})
        return id_

    def place(self, name: str = "Annex", timezone: str | None = None) -> UUID:
        return self._one(
            Location, name=name, timezone=timezone or self.timezone, country="IN", is_default=False
        )

    def resource(self, kind: str = "staff", name: str = "Asha", **values: Any) -> UUID:
        seats = values.pop("capacity", 1)
        values = {"location_id": self.location, "capacity": seats, "bookable_capacity": seats, **values}
        return self._one(Resource, kind=kind, name=name, name_key=name.lower(), **values)

    def service(self, *resources: UUID, **values: Any) -> UUID:
        given = {"name": "Cut", "mode": "appointment", "price": Decimal(999), "currency": "INR", **values}
        if given["mode"] != "stay":
            given.setdefault("duration_min", 60)
        id_ = self._one(CatalogItem, name_key=given["name"].lower(), **given)
        self.write(ItemResource, *({"catalog_item_id": id_, "resource_id": one} for one in resources))
        return id_

    def assign(self, service: UUID, resource: UUID, **own: Any) -> None:
        self.write(ItemResource, {"catalog_item_id": service, "resource_id": resource, **own})

    def schedule(self, owner: UUID, days: Mapping[str, Any], timezone: str | None = None) -> UUID:
        return self._one(Schedule, week=dict(days), timezone=timezone, **self._owned(owner))

    def exception(self, owner: UUID, day: str, *windows: Sequence[str]) -> UUID:
        on_date = date.fromisoformat(day)
        return self._one(ScheduleException, on_date=on_date, windows=minutes(windows), **self._owned(owner))

    def time_off(self, owner: UUID, start: str, end: str) -> UUID:
        return self._one(TimeOff, starts_at=at(start), ends_at=at(end), **self._owned(owner))

    def _owned(self, owner: UUID) -> dict[str, UUID | None]:
        with self.owner.database.transaction(self.owner.scope) as transaction:
            found = transaction.execute(select(Location.id).where(Location.id == owner)).first()
        return {"location_id": owner} if found else {"resource_id": owner}

    def customer(self) -> UUID:
        if self._customer is None:
            self._customer = self._one(
                Customer, kind="person", name="Jane", name_key="jane", search_key="jane", status="active"
            )
        return self._customer

    def book(self, service: UUID, start: str, end: str, *taken: Mapping[str, Any], **values: Any) -> UUID:
        """Write a booking that takes slots: of each resource_id, and what differs from slot 1 of 1."""
        given = {
            "customer_id": self.customer(),
            "location_id": self.location,
            "mode": "appointment",
            "status": "confirmed",
            "start_at": at(start),
            "end_at": at(end),
            "timezone": self.timezone,
            "source": "staff",
            "amount": Decimal(0),
            "currency": "INR",
            "reference": uuid7().hex,
            **values,
        }
        booking = self._one(Booking, **given)
        item = {"name": "Cut", "quantity": 1, "unit_price": 0, "price_unit": "booking", "amount": 0}
        times = {"start_at": at(start), "end_at": at(end)}
        self._one(BookingItem, booking_id=booking, position=1, catalog_item_id=service, **item, **times)
        usual = {"kind": "staff", "capacity": 1, "slot_no": 1, "starts_at": at(start), "ends_at": at(end)}
        rows = [{"id": uuid7(), "booking_id": booking, **usual, **one} for one in taken]
        for row in rows:
            self.write(Allocation, row)
        return booking

    def allocate(self, **values: Any) -> UUID:
        return self._one(Allocation, **values)

    def session(self, service: UUID, start: str, end: str, *, seats: int = 10, **values: Any) -> UUID:
        id_ = self.resource("session", "Yoga", capacity=seats)
        given = {"location_id": self.location, "status": "scheduled", **values}
        times = {"start_at": at(start), "end_at": at(end)}
        self.write(GroupSession, {"id": id_, "catalog_item_id": service, **times, **given})
        return id_


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)
