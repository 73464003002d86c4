"""Group classes, when those of a series meet, and what they take of people and rooms."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.allocations.models import Taken, pick
from mbs.foundation.db import Base, Transaction, tenant_key
from mbs.schedules.models import DAYS

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("scheduled", "cancelled", "completed")

STAFF = "staff"

MOST_OF_A_SERIES = 200


SORTS: Mapping[str, str] = {"startAt": "start_at"}


class GroupSession(Base):
    """One class at one time. The resource of the same id has its name and its seats."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "id"], ["resources.tenant_id", "resources.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "catalog_item_id"], ["catalog_items.tenant_id", "catalog_items.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("ix__sessions__start_at", "tenant_id", "start_at", "id"),
        Index("ix__sessions__catalog_item_id", "tenant_id", "catalog_item_id", "start_at"),
        Index("ix__sessions__series_id", "tenant_id", "series_id", "start_at", "id"),
        Index("ix__sessions__location_id", "tenant_id", "location_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    catalog_item_id: Mapped[UUID] = mapped_column(Uuid)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    series_id: Mapped[UUID | None] = mapped_column(Uuid)
    start_at: Mapped[datetime] = mapped_column(INSTANT)
    end_at: Mapped[datetime] = mapped_column(INSTANT)
    status: Mapped[str] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


@dataclass(frozen=True, slots=True)
class Times:
    """When a class begins and ends, and when it takes and gives back people and rooms, buffers included."""

    start: datetime
    end: datetime
    taken_from: datetime
    taken_to: datetime

    @classmethod
    def of(cls, start: datetime, *, minutes: int, before: int, after: int) -> "Times":
        """Return them of a class that takes so many minutes, with so many before it and after it."""
        end = start + timedelta(minutes=minutes)
        return cls(start, end, start - timedelta(minutes=before), end + timedelta(minutes=after))


class Slots(Protocol):
    """A person or a room, as rows of resources are."""

    @property
    def bookable_capacity(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Slot:
    """One slot that is about to be taken."""

    slot_no: int
    starts_at: datetime
    ends_at: datetime


def find_slots(times: Iterable[Times], resource: Slots, taken: Sequence[Taken]) -> list[tuple[int, ...]]:
    """Return which slots of a resource each of some classes takes; none where they are not all free.

    A class has its room to itself, however many could be in it.

    :param times: of classes of one length, by their start.
    :param taken: what is taken of the resource, by its start.
    """
    found: list[tuple[int, ...]] = []
    upcoming, under_way = list(reversed(taken)), list[Taken]()
    count = resource.bookable_capacity
    for time in times:
        while upcoming and upcoming[-1].starts_at < time.taken_to:
            under_way.append(upcoming.pop())
        under_way = [one for one in under_way if one.ends_at > time.taken_from]
        slots = pick(under_way, start=time.taken_from, end=time.taken_to, slots=count, count=count) or ()
        found.append(slots)
        # Two classes of one series may overlap by their buffers.
        under_way += [Slot(slot, time.taken_from, time.taken_to) for slot in slots]
    return found


def meeting_days(
    days: Collection[str], *, from_: date, until: date | None, count: int | None
) -> Iterator[date]:
    """Return on which dates a series meets: on these days of the week, from one date on.

    :param until: the last date that can be one; None: until there are `count`.
    """
    day, found = from_, 0
    while (day <= until) if until is not None else (found < (count or 0)):
        if DAYS[day.weekday()] in days:
            found += 1
            yield day
        day += timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """What a class's change means for its bookings and its waiting list, which live in rooms above this one.

    All act in the transaction of the change, whose resources are locked.
    """

    expire: Callable[[Transaction, Sequence[UUID], datetime], None]
    """Let bookings expire whose holds are over."""
    cancel: Callable[[Transaction, UUID, datetime, str | None], None]
    """Cancel the bookings of a class, for a reason."""
    move: Callable[[Transaction, UUID, datetime, datetime, datetime], None]
    """Move the bookings of a class to another start and end."""
    offer: Callable[[Transaction, UUID, datetime], None]
    """Offer free seats of a class to whoever waits for them."""
    end_waiting: Callable[[Transaction, UUID, datetime], None]
    """Let nobody wait for a class any longer."""
