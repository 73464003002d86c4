"""How far a business's events have been followed, and those that a follower could not handle."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)


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
