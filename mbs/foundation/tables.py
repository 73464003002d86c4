"""The tables that belong to no room: counters of the rate limits, answers of idempotent requests."""

from uuid import UUID

from sqlalchemy import Boolean, ForeignKeyConstraint, Index, SmallInteger, Text, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)


class LoginAttempts(Base):
    """Counters that must survive a crash of PostgreSQL."""

    __tablename__ = "login_attempts"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    hits: Mapped[list[object]] = mapped_column(ARRAY(INSTANT))
    admitted: Mapped[bool] = mapped_column(Boolean)
    expires_at: Mapped[object] = mapped_column(INSTANT)


class RateLimits(Base):
    """Counters that may be lost with a crash; UNLOGGED."""

    __tablename__ = "rate_limits"

    key: Mapped[str] = mapped_column(Text, primary_key=True)
    hits: Mapped[list[object]] = mapped_column(ARRAY(INSTANT))
    admitted: Mapped[bool] = mapped_column(Boolean)
    expires_at: Mapped[object] = mapped_column(INSTANT)


class IdempotencyKeys(Base):
    """One row per key that an actor used; status and body are filled when its transaction commits."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__idempotency_keys__expires_at", "tenant_id", "expires_at"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    actor_id: Mapped[object] = mapped_column(Uuid, primary_key=True)
    key: Mapped[str] = mapped_column(Text, primary_key=True)
    fingerprint: Mapped[str] = mapped_column(Text)
    status: Mapped[int | None] = mapped_column(SmallInteger)
    headers: Mapped[object | None] = mapped_column(JSONB)
    body: Mapped[str | None] = mapped_column(Text)
    expires_at: Mapped[object] = mapped_column(INSTANT)
