"""Group classes."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("scheduled", "cancelled", "completed")

SORTS: Mapping[str, str] = {"startAt": "start_at"}


class GroupSession(Base):
    """One class at one time. The resource of the same id has its name and its seats."""

    __tablename__ = "sessions"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "id"], ["resources.tenant_id", "resources.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "catalog_item_id"], ["catalog_items.tenant_id", "catalog_items.id"]
        ),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("ix__sessions__start_at", "tenant_id", "start_at", "id"),
        Index("ix__sessions__catalog_item_id", "tenant_id", "catalog_item_id", "start_at"),
        Index("ix__sessions__series_id", "tenant_id", "series_id"),
        Index("ix__sessions__location_id", "tenant_id", "location_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    catalog_item_id: Mapped[UUID] = mapped_column(Uuid)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    series_id: Mapped[UUID | None] = mapped_column(Uuid)
    start_at: Mapped[datetime] = mapped_column(INSTANT)
    end_at: Mapped[datetime] = mapped_column(INSTANT)
    status: Mapped[str] = mapped_column(Text)
    notes: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
