"""One message to one person on one channel."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

STATUSES = (
    "queued",
    "scheduled",
    "sending",
    "temporary_failure",
    "sent",
    "delivered",
    "read",
    "permanent_failure",
    "technical_failure",
    "suppressed",
    "cancelled",
    "expired",
)
SORTS: Mapping[str, str] = {"createdAt": "created_at"}


class Notification(Base):
    """One of them. `variables` is what its event said then; `subject` and `body` are what was sent."""

    __tablename__ = "notifications"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"], ondelete="CASCADE"
        ),
        ForeignKeyConstraint(
            ["tenant_id", "fallback_of"], ["notifications.tenant_id", "notifications.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "dedupe_key"),
        Index("ix__notifications__created_at", "tenant_id", "created_at", "id"),
        Index("ix__notifications__customer_id", "tenant_id", "customer_id", "created_at", "id"),
        Index("ix__notifications__fallback_of", "tenant_id", "fallback_of"),
        Index(
            "ix__notifications__open",
            "tenant_id",
            "object_id",
            postgresql_where=text("status IN ('queued', 'scheduled', 'temporary_failure')"),
        ),
        Index(
            "ix__notifications__queued",
            "tenant_id",
            "due_at",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(
            "ix__notifications__due",
            "due_at",
            postgresql_where=text("status IN ('scheduled', 'temporary_failure', 'sending')"),
        ),
        Index(
            "ix__notifications__provider_message_id",
            "provider_message_id",
            postgresql_where=text("provider_message_id IS NOT NULL"),
        ),
        Index("ix__notifications__id", "id"),
        Index("ix__notifications__recipient_digest", "recipient_digest"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    dedupe_key: Mapped[str] = mapped_column(Text)
    rule: Mapped[str] = mapped_column(Text)
    audience: Mapped[str] = mapped_column(Text)
    category: Mapped[str] = mapped_column(Text)
    channel: Mapped[str] = mapped_column(Text)
    fallback_channels: Mapped[list[str]] = mapped_column(ARRAY(Text))
    fallback_of: Mapped[UUID | None] = mapped_column(Uuid)
    customer_id: Mapped[UUID | None] = mapped_column(Uuid)
    recipient: Mapped[str] = mapped_column(Text)
    recipient_digest: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    locale: Mapped[str] = mapped_column(Text)
    template_version: Mapped[int | None] = mapped_column(BigInteger)
    variables: Mapped[dict[str, Any]] = mapped_column(JSONB)
    subject: Mapped[str | None] = mapped_column(Text)
    body: Mapped[str | None] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[UUID] = mapped_column(Uuid)
    event_id: Mapped[UUID | None] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(INSTANT)
    expires_at: Mapped[datetime | None] = mapped_column(INSTANT)
    provider: Mapped[str | None] = mapped_column(Text)
    provider_message_id: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(INSTANT)
    delivered_at: Mapped[datetime | None] = mapped_column(INSTANT)
    read_at: Mapped[datetime | None] = mapped_column(INSTANT)
    finished_at: Mapped[datetime | None] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
