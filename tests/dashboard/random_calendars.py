"""A random calendar of a business, written into its tables, and kept beside as plain Python objects."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import insert
from uuid_utils.compat import uuid7

from mbs.allocations.models import Allocation
from mbs.bookings.models import Booking, BookingItem
from mbs.catalog.models import CatalogItem, ItemResource
from mbs.customers.models import Customer
from mbs.foundation.db import Base
from mbs.locations.models import Location
from mbs.resources.models import Resource
from mbs.schedules.models import Schedule, TimeOff
from mbs.sessions.models import GroupSession
from tests.factories.callers import Business

FIRST, LAST = date(2026, 2, 20), date(2026, 4, 5)
"""Local days in which bookings start; New York sets its clocks forward on 8 March, London on 29 March."""

NOW = datetime(2026, 3, 20, 15, 30, tzinfo=UTC)

STATES = (
    *("confirmed",) * 6,
    *("completed",) * 6,
    *("checked_in", "cancelled", "cancelled", "no_show", "declined", "expired", "pending", "held", "overdue"),
)
"""`overdue` is a request that has run out and that nobody has written down as expired yet."""

WEEK = {day: [[540, 720], [780, 1080]] for day in ("mon", "tue", "wed", "thu", "fri")} | {
    "sat": [[1320, 360]]
}

ORDER = (
    *(Location, Customer, Resource, CatalogItem, ItemResource, Schedule, TimeOff, GroupSession),
    *(Booking, BookingItem, Allocation),
)


@dataclass(frozen=True)
class Work:
    """What a booking or a class takes of one resource."""

    resource_id: UUID
    kind: str
    item: int
    start: datetime
    end: datetime
    amount: Decimal


@dataclass(frozen=True)
class Agreed:
    """One booking as a reader sees it."""

    id: UUID
    customer_id: UUID
    location_id: UUID
    status: str
    source: str
    currency: str
    start: datetime
    amount: Decimal
    services: Sequence[tuple[UUID, Decimal]]
    work: Sequence[Work]

    def day(self, timezone: str) -> date:
        return self.start.astimezone(ZoneInfo(timezone)).date()


@dataclass
class RandomCalendar:
    """Everything that was written. `classes` are what group classes take of people and rooms."""

    main: UUID
    branch: UUID
    staff: Mapping[UUID, str]
    room: UUID
    bookings: list[Agreed] = field(default_factory=list)
    classes: list[Work] = field(default_factory=list)
    customers: list[UUID] = field(default_factory=list)
    rows: dict[type[Base], list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, model: type[Base], **values: Any) -> Any:
        """Note a row to be written; return its id."""
        self.rows.setdefault(model, []).append(values)
        return values.get("id")


def local(day: date, minute: int, timezone: str) -> datetime:
    wall = datetime.combine(day, time.min) + timedelta(minutes=minute)
    return wall.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def fill(owner: Business, seed: int) -> RandomCalendar:
    """Write a random calendar for a business of New York that has a branch in London."""
    chance = random.Random(seed)
    calendar = _furnished(owner, chance)
    services = {row["id"]: row for row in calendar.rows[CatalogItem]}
    cut, color, night, lesson = services
    for person in calendar.staff:
        for day in days(FIRST, LAST):
            minute = chance.randrange(0, 600)
            while minute < 1380 and chance.random() < 0.6:
                service = chance.choice((cut, color))
                minute += _appointment(calendar, chance, person, day, minute, service) + chance.randrange(90)
    for slot in (1, 2):
        day = FIRST
        while day < LAST:
            nights = chance.randrange(1, 6)
            _stay(calendar, chance, day, nights, slot, night)
            day += timedelta(days=nights + chance.randrange(4))
    for day in days(FIRST, LAST):
        if day.weekday() == 6:
            _class(calendar, chance, day, lesson)
    write(owner, calendar.rows)
    return calendar


def write(owner: Business, rows: Mapping[type[Base], Sequence[Mapping[str, Any]]]) -> None:
    """Insert rows, those first to which others refer."""
    with owner.database.transaction(owner.scope) as transaction:
        for model in (model for model in ORDER if model in rows):
            transaction.execute(insert(model), list(rows[model]))


def _furnished(owner: Business, chance: random.Random) -> RandomCalendar:
    (place,) = (owner.get("/api/locations").json or {})["data"]
    branch, room = uuid7(), uuid7()
    people = {uuid7(): name for name in ("Asha", "Ben", "Chen")}
    calendar = RandomCalendar(UUID(place["id"]), branch, people, room)
    calendar.add(Location, id=branch, name="London", timezone="Europe/London", country="GB", is_default=False)
    for number in range(12):
        name = f"Customer {number}"
        calendar.customers.append(
            calendar.add(
                Customer,
                id=uuid7(),
                kind="person",
                name=name,
                name_key=name.lower(),
                search_key=name.lower(),
            )
        )
    things = [(one, "staff", name, 1) for one, name in people.items()] + [(room, "room", "Room 1", 2)]
    for id_, kind, name, slots in things:
        calendar.add(
            Resource,
            id=id_,
            kind=kind,
            name=name,
            name_key=name.lower(),
            location_id=branch if name == "Chen" else calendar.main,
            capacity=slots,
            bookable_capacity=slots,
        )
    modes = (("Cut", "appointment"), ("Color", "appointment"), ("Night", "stay"), ("Yoga", "session"))
    for name, mode in modes:
        calendar.add(
            CatalogItem,
            id=uuid7(),
            mode=mode,
            name=name,
            name_key=name.lower(),
            price=Decimal(50),
            currency="USD",
            duration_min=None if mode == "stay" else 60,
        )
    for service in calendar.rows[CatalogItem]:
        kinds = ("room",) if service["mode"] == "stay" else ("staff",)
        for id_, kind, _, _ in things:
            if kind in kinds:
                calendar.add(ItemResource, catalog_item_id=service["id"], resource_id=id_)
    asha, ben, _ = people
    calendar.add(Schedule, id=uuid7(), resource_id=asha, timezone=None, week=WEEK)
    calendar.add(Schedule, id=uuid7(), resource_id=ben, timezone=None, week={"mon": [[600, 1440]]})
    calendar.add(
        TimeOff,
        id=uuid7(),
        resource_id=asha,
        starts_at=local(date(2026, 3, 10), 600, "America/New_York"),
        ends_at=local(date(2026, 3, 12), 900, "America/New_York"),
    )
    return calendar


def _appointment(
    calendar: RandomCalendar, chance: random.Random, person: UUID, day: date, minute: int, service: UUID
) -> int:
    """Book a service, sometimes with a second one right after it; return how many minutes both take."""
    zone = "Europe/London" if calendar.staff[person] == "Chen" else "America/New_York"
    start = local(day, minute, zone)
    services, work, at = [], [], start
    for item in (1, 2)[: chance.choice((1, 1, 2))]:
        amount = Decimal(chance.randrange(1, 20_000)) / 100
        length = timedelta(minutes=chance.choice((30, 45, 60, 210)))
        services.append((service, amount))
        # In the middle third the person is free, as while color works.
        for part_start, part_end in ((at, at + length / 3), (at + length * 2 / 3, at + length)):
            work.append(Work(person, "staff", item, part_start, part_end, amount))
        at += length
    place = calendar.branch if zone == "Europe/London" else calendar.main
    _booking(calendar, chance, place, start, at, "appointment", services, work)
    return round((at - start) / timedelta(minutes=1))


def _stay(
    calendar: RandomCalendar, chance: random.Random, day: date, nights: int, slot: int, service: UUID
) -> None:
    zone = "America/New_York"
    start, end = local(day, 14 * 60, zone), local(day + timedelta(days=nights), 11 * 60, zone)
    amount = Decimal(50 * nights)
    work = [Work(calendar.room, "room", 1, start, end, amount)]
    _booking(calendar, chance, calendar.main, start, end, "stay", [(service, amount)], work, slot=slot)


def _class(calendar: RandomCalendar, chance: random.Random, day: date, service: UUID) -> None:
    """Hold a class by the first person late on a Sunday night, with up to four people in it."""
    zone, id_ = "America/New_York", uuid7()
    start = local(day, 1410, zone)
    end = start + timedelta(hours=1)
    teacher, status = uuid7(), chance.choice(("scheduled", "completed", "cancelled"))
    shared = {"location_id": calendar.main, "capacity": 4, "bookable_capacity": 4}
    calendar.add(Resource, id=id_, kind="session", name="Yoga", name_key="yoga", **shared)
    calendar.add(
        Resource, id=teacher, kind="staff", name="Teacher", name_key="teacher",
        **{**shared, "capacity": 1, "bookable_capacity": 1},
    )  # fmt: skip
    calendar.add(
        GroupSession, id=id_, catalog_item_id=service, location_id=calendar.main, start_at=start,
        end_at=end, status=status,
    )  # fmt: skip
    taken = Work(teacher, "staff", 1, start, end, Decimal(0))
    calendar.add(
        Allocation, id=uuid7(), booking_id=None, session_id=id_, item_no=1, resource_id=teacher, kind="staff",
        capacity=1, slot_no=1, starts_at=start, ends_at=end, state="active", expires_at=None,
    )  # fmt: skip
    if status != "cancelled":
        calendar.classes.append(taken)
    for seat in range(1, chance.randrange(1, 5)):
        amount = Decimal(15)
        work = [Work(id_, "session", 1, start, end, amount), Work(teacher, "staff", 1, start, end, amount)]
        _booking(calendar, chance, calendar.main, start, end, "session", [(service, amount)], work, slot=seat)


def _booking(
    calendar: RandomCalendar,
    chance: random.Random,
    location: UUID,
    start: datetime,
    end: datetime,
    mode: str,
    services: Sequence[tuple[UUID, Decimal]],
    work: Sequence[Work],
    *,
    slot: int = 1,
) -> None:
    id_, state = uuid7(), chance.choice(STATES)
    status = "pending" if state == "overdue" else state
    waits = status in ("held", "pending")
    cancelled = status == "cancelled"
    total = sum((amount for _, amount in services), Decimal(0))
    customer, source = chance.choice(calendar.customers), chance.choice(("staff", "api"))
    currency = "USD" if chance.random() < 0.95 else "JPY"
    session = work[0].resource_id if mode == "session" else None
    calendar.add(
        Booking,
        id=id_,
        reference=id_.hex,
        customer_id=customer,
        location_id=location,
        session_id=session,
        mode=mode,
        status=status,
        start_at=start,
        end_at=end,
        timezone="America/New_York",
        source=source,
        amount=total,
        currency=currency,
        expires_at=NOW + timedelta(hours=-1 if state == "overdue" else 1) if waits else None,
        cancelled_at=start if cancelled else None,
        cancelled_by="customer" if cancelled else None,
    )
    for position, (service, amount) in enumerate(services, start=1):
        calendar.add(
            BookingItem, id=uuid7(), booking_id=id_, position=position, catalog_item_id=service, name="Item",
            quantity=1, unit_price=amount, price_unit="booking", amount=amount, start_at=start, end_at=end,
        )  # fmt: skip
    for taken in work:
        if taken.kind == "staff" and session is not None:
            continue
        # Released, because a random calendar may take a slot twice; reports go by the booking's state.
        calendar.add(
            Allocation, id=uuid7(), booking_id=id_, session_id=None, item_no=taken.item,
            resource_id=taken.resource_id, kind=taken.kind,
            capacity={"room": 2, "session": 4}.get(taken.kind, 1), slot_no=slot, starts_at=taken.start,
            ends_at=taken.end, state="released", expires_at=None,
        )  # fmt: skip
    seen = "expired" if state == "overdue" else status
    calendar.bookings.append(
        Agreed(id_, customer, location, seen, source, currency, start, total, services, work)
    )
