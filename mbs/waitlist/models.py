"""Who waits for a seat of a group class, and what they are offered."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, SmallInteger, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.availability.models import rules
from mbs.availability.models.offer import Candidate, Offer, Span
from mbs.foundation.db import Base, tenant_key
from mbs.reservations.models.places import Place, Taking
from mbs.resources.models import SESSION

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("waiting", "offered", "accepted", "expired", "left")
OPEN = ("waiting", "offered")

SORTS: Mapping[str, str] = {"createdAt": "created_at"}
"""The one order of a list: that in which people joined."""

SHORTEST_OFFER = timedelta(minutes=30)
"""An offer comes unasked: nobody sits in front of it, as in front of an ordinary hold."""


class WaitlistEntry(Base):
    """That a customer waits for seats of a class; an offer holds them as a booking for a while."""

    __tablename__ = "waitlist_entries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"]),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        Index("ix__waitlist_entries__session_id", "tenant_id", "session_id", "created_at", "id"),
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


def offer_ends(policy: Mapping[str, Any], session: Any, at: datetime) -> datetime:
    """Return until when seats are held that are offered now: half an hour at least, not beyond the start."""
    longest = max(timedelta(minutes=policy["holdMin"]), SHORTEST_OFFER)
    return min(at + longest, session.start_at)


def outcome(booking_status: str) -> str:
    """Return what became of an offer whose booking is held no longer: it may be confirmed as any other."""
    return "expired" if booking_status in ("held", "expired", "cancelled", "declined") else "accepted"


def place_in(session: Any, offer: Offer, slots: Sequence[int]) -> Place:
    """Return seats of a class as a place that a booking takes."""
    seats = Candidate(
        id=session.id,
        kind=SESSION,
        name=session.name,
        location_id=session.location_id,
        timezone=session.timezone,
        capacity=session.capacity,
        bookable_capacity=session.bookable_capacity,
    )
    times = (session.start_at, session.end_at)
    minutes = (session.end_at - session.start_at) // timedelta(minutes=1)
    return Place(
        offer=offer,
        lead=seats,
        start=session.start_at,
        end=session.end_at,
        quantity=rules.quantity(SESSION, offer.price_unit, party_size=len(slots), minutes=minutes),
        unit_price=offer.price,
        takings=[Taking(seats, Span(SESSION, 1, *times, *times), slot) for slot in slots],
    )
