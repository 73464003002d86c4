"""The hours of people and places, as they are stored: minutes of local days."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.local_time import MINUTES_A_DAY

INSTANT = TIMESTAMP(timezone=True)

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""Names, because 0 is Sunday to some and Monday to others."""

MOST_WINDOWS = 20
"""Of one day."""

LONGEST_TIME_OFF = timedelta(days=1096)
"""Three years, one of them a leap year."""

EXCEPTION_SORTS: Mapping[str, str] = {"date": "on_date"}
TIME_OFF_SORTS: Mapping[str, str] = {"endAt": "ends_at"}

Window = Sequence[int]
"""`[opens, closes]` in minutes of the local day; one that closes no later than it opens ends the next day."""

OwnerKind = Literal["staff", "resource", "location"]


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose hours they are; a person of the staff is a resource too."""

    kind: OwnerKind
    id: UUID

    @property
    def column(self) -> str:
        return "location_id" if self.kind == "location" else "resource_id"


class Schedule(Base):
    """The week of one resource or one location: `{"mon": [[600, 840], [1320, 360]], ...}`.

    A window belongs to the day on which it opens. A day without windows is closed. `timezone` is the
    location's where it is None.

    A row whose `week` is None is no schedule: it stays behind one that was removed, so that the versions of
    the next one go on from there and no If-Match of before can overwrite it.
    """

    __tablename__ = "schedules"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "resource_id"], ["resources.tenant_id", "resources.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "resource_id"),
        UniqueConstraint("tenant_id", "location_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    resource_id: Mapped[UUID | None] = mapped_column(Uuid)
    location_id: Mapped[UUID | None] = mapped_column(Uuid)
    timezone: Mapped[str | None] = mapped_column(Text)
    week: Mapped[dict[str, list[list[int]]] | None] = mapped_column(JSONB(none_as_null=True))
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class ScheduleException(Base):
    """The windows of one date instead of the week's; none: closed."""

    __tablename__ = "schedule_exceptions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "resource_id"], ["resources.tenant_id", "resources.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "resource_id", "on_date"),
        UniqueConstraint("tenant_id", "location_id", "on_date"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    resource_id: Mapped[UUID | None] = mapped_column(Uuid)
    location_id: Mapped[UUID | None] = mapped_column(Uuid)
    on_date: Mapped[date] = mapped_column(Date)
    windows: Mapped[list[list[int]]] = mapped_column(JSONB)
    reason: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class TimeOff(Base):
    """Instants between which a resource, or all of a location, is not to be had."""

    __tablename__ = "time_off"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "resource_id"], ["resources.tenant_id", "resources.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"], ondelete="CASCADE"
        ),
        Index("ix__time_off__resource_id", "tenant_id", "resource_id", "ends_at"),
        Index("ix__time_off__location_id", "tenant_id", "location_id", "ends_at"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    resource_id: Mapped[UUID | None] = mapped_column(Uuid)
    location_id: Mapped[UUID | None] = mapped_column(Uuid)
    starts_at: Mapped[datetime] = mapped_column(INSTANT)
    ends_at: Mapped[datetime] = mapped_column(INSTANT)
    reason: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


def overlapping(days: Sequence[Sequence[Window]], *, cyclic: bool = False) -> Iterator[tuple[int, int]]:
    """Yield day and position of each window that opens while an earlier one is open.

    :param days: the windows of successive days.
    :param cyclic: the first day follows the last one, as in a week.
    """
    spans = sorted(
        (number * MINUTES_A_DAY + opens, length(opens, closes), number, position)
        for number, windows in enumerate(days)
        for position, (opens, closes) in enumerate(windows)
    )
    period = len(days) * MINUTES_A_DAY
    open_until = max((start + minutes for start, minutes, *_ in spans), default=0) - period if cyclic else 0
    for start, minutes, number, position in spans:
        if start < open_until:
            yield number, position
        open_until = max(open_until, start + minutes)


def length(opens: int, closes: int) -> int:
    """Return how many minutes a window lasts by the clock, whatever a change of the clock makes of them."""
    return closes - opens if closes > opens else closes - opens + MINUTES_A_DAY
