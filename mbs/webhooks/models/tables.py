"""Where events are sent to, and each sending."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

DELIVERY_STATUSES = ("queued", "sending", "retrying", "delivered", "failed", "cancelled")
OPEN = ("queued", "sending", "retrying")
STATUSES = ("enabled", "disabled")
TEST = "webhook.test"
MOST_ENDPOINTS = 20
SORTS: Mapping[str, str] = {"createdAt": "created_at"}


class WebhookEndpoint(Base):
    """An address at an integrator's, with the events that it wants."""

    __tablename__ = "webhook_endpoints"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__webhook_endpoints__created_at", "tenant_id", "created_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    description: Mapped[str | None] = mapped_column(Text)
    event_types: Mapped[list[str]] = mapped_column(ARRAY(Text))
    events_after: Mapped[int] = mapped_column(BigInteger)
    secret: Mapped[str] = mapped_column(Text)
    previous_secret: Mapped[str | None] = mapped_column(Text)
    previous_expires_at: Mapped[datetime | None] = mapped_column(INSTANT)
    status: Mapped[str] = mapped_column(Text)
    disabled_reason: Mapped[str | None] = mapped_column(Text)
    disabled_at: Mapped[datetime | None] = mapped_column(INSTANT)
    failing_since: Mapped[datetime | None] = mapped_column(INSTANT)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class WebhookDelivery(Base):
    """One event on its way to one address."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "endpoint_id"],
            ["webhook_endpoints.tenant_id", "webhook_endpoints.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(["tenant_id", "event_id"], ["events.tenant_id", "events.id"]),
        UniqueConstraint("tenant_id", "endpoint_id", "event_id"),
        Index("ix__webhook_deliveries__endpoint_id", "tenant_id", "endpoint_id", "created_at", "id"),
        Index("ix__webhook_deliveries__event_id", "tenant_id", "event_id"),
        Index(
            "ix__webhook_deliveries__open",
            "tenant_id",
            "endpoint_id",
            "object_id",
            "event_seq",
            postgresql_where=text("status IN ('queued', 'sending', 'retrying')"),
        ),
        Index(
            "ix__webhook_deliveries__queued",
            "tenant_id",
            "endpoint_id",
            "event_seq",
            "id",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(
            "ix__webhook_deliveries__held",
            "tenant_id",
            "endpoint_id",
            "status",
            "object_id",
            postgresql_where=text("status IN ('sending', 'retrying')"),
        ),
        Index(
            "ix__webhook_deliveries__due",
            "due_at",
            postgresql_where=text("status IN ('sending', 'retrying')"),
        ),
        Index("ix__webhook_deliveries__finished", "finished_at"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    endpoint_id: Mapped[UUID] = mapped_column(Uuid)
    event_id: Mapped[UUID | None] = mapped_column(Uuid)
    event_seq: Mapped[int] = mapped_column(BigInteger)
    event_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[UUID] = mapped_column(Uuid)
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInteger)
    due_at: Mapped[datetime] = mapped_column(INSTANT)
    response_status: Mapped[int | None] = mapped_column(BigInteger)
    response_body: Mapped[str | None] = mapped_column(Text)
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    last_error: Mapped[str | None] = mapped_column(Text)
    history: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    finished_at: Mapped[datetime | None] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
