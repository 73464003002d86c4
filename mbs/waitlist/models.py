"""Who waits for a seat of a group class."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("waiting", "offered", "accepted", "expired", "left")


class WaitlistEntry(Base):
    """That a customer waits for seats of a class; an offer holds them as a booking for a while."""

    __tablename__ = "waitlist_entries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"]),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        Index("ix__waitlist_entries__session_id", "tenant_id", "session_id", "id"),
        Index("ix__waitlist_entries__customer_id", "tenant_id", "customer_id"),
        Index("ix__waitlist_entries__booking_id", "tenant_id", "booking_id"),
        Index(
            "uq__waitlist_entries__open",
            "tenant_id",
            "session_id",
            "customer_id",
            unique=True,
            postgresql_where=text("status IN ('waiting', 'offered')"),
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    session_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    party_size: Mapped[int] = mapped_column(SmallInteger)
    status: Mapped[str] = mapped_column(Text)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    offer_expires_at: Mapped[datetime | None] = mapped_column(INSTANT)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
