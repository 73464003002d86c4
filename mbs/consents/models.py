"""What a customer agreed to, addresses that are not written to, and what a plan allows in a month."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.keys import email_key

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")

CHANNELS = ("email", "whatsapp")
CATEGORIES = ("transactional", "marketing")
SOURCES = ("staff", "form", "import", "reply", "provider")
REASONS = ("bounced", "complained", "unsubscribed", "unreachable", "manual")

SORTS: Mapping[str, str] = {"createdAt": "created_at"}

MARKS = (80, 100)
"""At what percentages of a plan's month its owner is told."""


class Consent(Base):
    """What a customer said about one channel and category; what they said last counts."""

    __tablename__ = "consents"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], ondelete="CASCADE"
        ),
        Index("ix__consents__customer_id", "tenant_id", "customer_id", "created_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    channel: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(Text)
    wording: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class Suppression(Base):
    """An address that gets nothing, whoever has it."""

    __tablename__ = "suppressions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "channel", "address_key"),
        Index("ix__suppressions__created_at", "tenant_id", "created_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    channel: Mapped[str] = mapped_column(Text)
    address: Mapped[str] = mapped_column(Text)
    address_key: Mapped[str] = mapped_column(KEY)
    reason: Mapped[str] = mapped_column(Text)
    created_by: Mapped[UUID | None] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class ContactPreference(Base):
    """Where a customer lives, by the clock, and which language they read."""

    __tablename__ = "contact_preferences"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], ondelete="CASCADE"
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    customer_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    timezone: Mapped[str | None] = mapped_column(Text)
    locale: Mapped[str | None] = mapped_column(Text)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class UsageCounter(Base):
    """What a business has used of its plan in one month of UTC, written in the transaction of the use."""

    __tablename__ = "usage_counters"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    tenant_id: Mapped[UUID] = tenant_key()
    metric: Mapped[str] = mapped_column(Text, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger)
    granted: Mapped[int] = mapped_column(BigInteger)


@dataclass(frozen=True, slots=True)
class Taken:
    """What a use was granted of what it asked for, and the percentages of the plan that it crossed."""

    granted: int
    crossed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Preference:
    """What a customer wants; None: as the business has it."""

    timezone: str | None
    locale: str | None


def address_key(channel: str, address: str) -> str:
    """Return an address as suppressions are compared: an e-mail address's key, or a number in E.164."""
    return email_key(address) if channel == "email" else address


def month_of(at: datetime) -> date:
    """Return the first day of an instant's month in UTC, by which usage is counted."""
    return at.astimezone(UTC).date().replace(day=1)


def crossed_by(granted: int, *, used: int, most: int | None) -> tuple[int, ...]:
    """Return which of the percentages that are told of the last use went past.

    :param used: what is used with it.
    :param most: what the plan allows; None: there is no end to it.
    """
    if most is None:
        return ()
    return tuple(mark for mark in MARKS if (used - granted) * 100 < mark * most <= used * 100)
