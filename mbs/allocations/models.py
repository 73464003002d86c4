"""What is taken of resources, and which of their slots to take next."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import Computed, ForeignKeyConstraint, Index, SmallInteger, Text, Uuid, column, text
from sqlalchemy.dialects.postgresql import TIMESTAMP, TSTZRANGE, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

TAKEN = text("state <> 'released'")


class Allocation(Base):
    """One slot of one resource for a while, buffers included. `held` ones are free again at `expires_at`."""

    __tablename__ = "allocations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        ForeignKeyConstraint(["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "resource_id", "capacity"],
            ["resources.tenant_id", "resources.id", "resources.capacity"],
            onupdate="CASCADE",
        ),
        ExcludeConstraint(
            (column("tenant_id"), "="),
            (column("resource_id"), "="),
            (column("slot_no"), "="),
            (column("during"), "&&"),
            where=TAKEN,
            using="gist",
            name="ex__allocations__slot",
        ),
        Index("ix__allocations__booking_id", "tenant_id", "booking_id"),
        Index("ix__allocations__session_id", "tenant_id", "session_id"),
        Index(
            "ix__allocations__resource_id",
            "tenant_id",
            "resource_id",
            "ends_at",
            "starts_at",
            postgresql_where=TAKEN,
        ),
        Index("ix__allocations__capacity", "tenant_id", "resource_id", "capacity"),
        Index(
            "ix__allocations__expires_at",
            "tenant_id",
            "resource_id",
            "expires_at",
            postgresql_where=text("state = 'held'"),
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    item_no: Mapped[int] = mapped_column(SmallInteger)
    segment_no: Mapped[int] = mapped_column(SmallInteger)
    resource_id: Mapped[UUID] = mapped_column(Uuid)
    kind: Mapped[str] = mapped_column(Text)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    slot_no: Mapped[int] = mapped_column(SmallInteger)
    starts_at: Mapped[datetime] = mapped_column(INSTANT)
    ends_at: Mapped[datetime] = mapped_column(INSTANT)
    during: Mapped[Any] = mapped_column(TSTZRANGE, Computed("tstzrange(starts_at, ends_at)", persisted=True))
    state: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(INSTANT)


class Taken(Protocol):
    """A slot that is taken for a while, as rows of allocations are."""

    @property
    def slot_no(self) -> int: ...
    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...


ALONE = timedelta(days=366)
"""How far away the neighbor of a slot that has none is taken to be."""


def vacant(taken: Iterable[Taken], *, start: datetime, end: datetime, slots: int) -> tuple[int, ...]:
    """Return which of the slots 1 to `slots` are free from start to end, the one to take first first.

    That is the one that leaves the least time unused before and behind, so that others stay free for long
    stays; of equals the lowest number.

    :param taken: what is taken of one resource, all that touches the time and what lies around it.
    """
    before = dict.fromkeys(range(1, slots + 1), ALONE)
    behind = dict(before)
    for one in taken:
        slot = one.slot_no
        if slot not in before:
            continue
        if one.ends_at <= start:
            before[slot] = min(before[slot], start - one.ends_at)
        elif one.starts_at >= end:
            behind[slot] = min(behind[slot], one.starts_at - end)
        else:
            del before[slot]
    return tuple(sorted(before, key=lambda slot: (before[slot] + behind[slot], slot)))


def pick(
    taken: Iterable[Taken], *, start: datetime, end: datetime, slots: int, count: int
) -> tuple[int, ...] | None:
    """Return the numbers of `count` slots to take from start to end; None if fewer are free.

    :param slots: how many may be used: `bookable_capacity`, or `capacity` where a caller may overbook.
    """
    free = vacant(taken, start=start, end=end, slots=slots)
    return tuple(sorted(free[:count])) if len(free) >= count else None
