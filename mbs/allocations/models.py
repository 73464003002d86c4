"""What is taken of resources."""

from datetime import datetime
from typing import Any
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
