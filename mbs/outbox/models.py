"""How far a business's events have been followed, and those that a follower could not handle."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Row, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, Transaction, tenant_key

INSTANT = TIMESTAMP(timezone=True)

BATCH = 100
"""So many events of one business are followed in a turn; then another business has its turn."""

PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=4),
    timedelta(hours=4),
)
"""Between one attempt at a failed event and the next; after the last attempt it is dead."""


@dataclass(frozen=True, slots=True)
class Follower:
    """What is done about events, in the transaction that moves the cursor past them.

    `handle` gets a business's transaction and events as `EventRepository` reads them, in their order. It
    writes rows and nothing else: no network, no `Transaction.finish`, no event. What it raises is undone;
    the events are then handed to it one by one, and the one that fails again later.
    """

    name: str
    handle: Callable[[Transaction, Sequence[Row[Any]]], None]


class EventCursor(Base):
    """The last event of a business that was followed; its sequence has no gaps, so one number is enough."""

    __tablename__ = "event_cursors"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    tenant_id: Mapped[UUID] = tenant_key()
    seq: Mapped[int] = mapped_column(BigInteger)
    turn_at: Mapped[datetime] = mapped_column(INSTANT)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class EventFailure(Base):
    """That a follower failed over an event; the events behind it went on."""

    __tablename__ = "event_failures"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "event_id"], ["events.tenant_id", "events.id"]),
        UniqueConstraint("tenant_id", "follower", "event_id"),
        Index("ix__event_failures__event_id", "tenant_id", "event_id"),
        Index("ix__event_failures__due", "due_at", postgresql_where=text("status = 'retrying'")),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    event_id: Mapped[UUID] = mapped_column(Uuid)
    follower: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(INSTANT)
    last_error: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
