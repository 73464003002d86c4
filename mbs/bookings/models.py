"""Bookings, and which state may follow which."""

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.money import rounded, shown

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")
MONEY = Numeric(19, 4)

TRANSITIONS: Mapping[str, frozenset[str]] = {
    "held": frozenset({"confirmed", "pending", "expired"}),
    "pending": frozenset({"confirmed", "declined", "cancelled", "expired"}),
    "confirmed": frozenset({"checked_in", "completed", "cancelled", "no_show"}),
    "checked_in": frozenset({"completed", "cancelled"}),
    "no_show": frozenset({"confirmed"}),
    "completed": frozenset(),
    "cancelled": frozenset(),
    "declined": frozenset(),
    "expired": frozenset(),
}
"""Which state may follow which; the trigger of migration 0023 says the same."""

STATUSES = tuple(TRANSITIONS)
BLOCKING = ("held", "pending", "confirmed", "checked_in")
WAITING = ("held", "pending")
"""Those that are `expired` from their `expires_at` on, whether somebody has written that down yet or not."""

SOURCES = ("staff", "portal", "api", "import")
ATTENDING = (*BLOCKING, "completed", "no_show")
"""Those of whoever has a seat of a class, or had one until it was over."""

FEE_REASONS = ("late_cancel", "no_show")
CANCELLERS = ("customer", "business")
"""Who a caller may say has cancelled; what the program itself ends is `system`'s."""

LONG = timedelta(hours=24)
"""A booking that takes more is `long`."""

UNDO = timedelta(hours=24)
"""For how long it can be taken back that a customer did not come."""

SORTS: Mapping[str, str] = {"startAt": "start_at", "createdAt": "created_at"}


class Booking(Base):
    """What was agreed with a customer. Moving it changes the row and keeps its id."""

    __tablename__ = "bookings"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ForeignKeyConstraint(["tenant_id", "session_id"], ["sessions.tenant_id", "sessions.id"]),
        UniqueConstraint("tenant_id", "reference"),
        Index("ix__bookings__start_at", "tenant_id", "start_at", "id", "end_at"),
        Index("ix__bookings__created_at", "tenant_id", "created_at", "id"),
        Index("ix__bookings__updated_at", "tenant_id", "updated_at"),
        Index("ix__bookings__created_by", "tenant_id", "created_by", "id"),
        Index("ix__bookings__customer_id", "tenant_id", "customer_id", "start_at", "id"),
        Index("ix__bookings__session_id", "tenant_id", "session_id"),
        Index("ix__bookings__location_id", "tenant_id", "location_id"),
        Index("ix__bookings__long", "tenant_id", "end_at", "start_at", postgresql_where=text("long")),
        Index(
            "ix__bookings__expires_at",
            "tenant_id",
            "expires_at",
            postgresql_where=text("status IN ('held', 'pending')"),
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    reference: Mapped[str] = mapped_column(KEY)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    session_id: Mapped[UUID | None] = mapped_column(Uuid)
    mode: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    start_at: Mapped[datetime] = mapped_column(INSTANT)
    end_at: Mapped[datetime] = mapped_column(INSTANT)
    timezone: Mapped[str] = mapped_column(Text)
    party_size: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str] = mapped_column(Text)
    deposit_due: Mapped[Decimal] = mapped_column(MONEY)
    fee: Mapped[Decimal] = mapped_column(MONEY)
    fee_reason: Mapped[str | None] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    internal_notes: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[datetime | None] = mapped_column(INSTANT)
    reschedule_count: Mapped[int] = mapped_column(Integer)
    status_changed_at: Mapped[datetime] = mapped_column(INSTANT)
    cancelled_at: Mapped[datetime | None] = mapped_column(INSTANT)
    cancelled_by: Mapped[str | None] = mapped_column(Text)
    cancel_reason: Mapped[str | None] = mapped_column(Text)
    long: Mapped[bool] = mapped_column(
        Boolean, Computed("end_at - start_at > interval '24 hours'", persisted=True)
    )
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class BookingItem(Base):
    """One service of a booking, with the name and price that it had when it was booked."""

    __tablename__ = "booking_items"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "catalog_item_id"], ["catalog_items.tenant_id", "catalog_items.id"]
        ),
        UniqueConstraint("tenant_id", "booking_id", "position"),
        Index("ix__booking_items__catalog_item_id", "tenant_id", "catalog_item_id", "start_at"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    booking_id: Mapped[UUID] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(SmallInteger)
    catalog_item_id: Mapped[UUID] = mapped_column(Uuid)
    name: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    unit_price: Mapped[Decimal] = mapped_column(MONEY)
    price_unit: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    start_at: Mapped[datetime] = mapped_column(INSTANT)
    end_at: Mapped[datetime] = mapped_column(INSTANT)


CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Base 32 of Douglas Crockford: no letter in it that is taken for a digit, none that makes words."""

REFERENCE_LENGTH = 8
MISREAD = str.maketrans("OIL", "011")


def new_reference() -> str:
    """Return what people call a booking by, drawn at random so that nobody can guess another's."""
    return "".join(secrets.choice(CROCKFORD) for _ in range(REFERENCE_LENGTH))


def reference_of(spoken: str) -> str:
    """Return a reference as it is stored, of one as people say and write it (Crockford's decoding rules)."""
    return spoken.upper().replace("-", "").replace(" ", "").translate(MISREAD)


def status_at(booking: Any, at: datetime) -> str:
    """Return the status that a stored row has at an instant."""
    if booking.status in WAITING and booking.expires_at <= at:
        return "expired"
    return str(booking.status)


def fee_of(rule: Mapping[str, Any], amount: Decimal, currency: str) -> Decimal:
    """Return what a rule makes a customer owe (`policy_fields.Fee`), at the currency's scale."""
    value = Decimal(rule["value"])
    if rule["type"] == "percent":
        return rounded(amount * value / 100, currency)
    return rounded(value, currency) if rule["type"] == "fixed" else Decimal(0)


def changes(before: Any, after: Any, names: Iterable[str]) -> dict[str, Any]:
    """Return what those of some columns that changed held before."""
    return {name: getattr(before, name) for name in names if getattr(before, name) != getattr(after, name)}


def recorded(values: Mapping[str, Any], currency: str) -> dict[str, Any]:
    """Return what an event tells of columns: each amount as text at the scale of its currency."""
    told: dict[str, Any] = {
        name: shown(value, currency) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
    if told.get("items"):
        told["items"] = [
            {**item, **{name: shown(Decimal(item[name]), currency) for name in ("unit_price", "amount")}}
            for item in told["items"]
        ]
    return told
