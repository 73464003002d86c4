"""The places where a business works."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("active", "archived")

SORTS: Mapping[str, str] = {"createdAt": "created_at"}
"""The one order of a list. A business has few locations, so that its own part of the table is read."""


class Location(Base):
    """A place where the business works; every business has one that is the default."""

    __tablename__ = "locations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("uq__locations__default", "tenant_id", unique=True, postgresql_where=text("is_default")),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    timezone: Mapped[str] = mapped_column(Text)
    country: Mapped[str] = mapped_column(Text)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    phone: Mapped[str | None] = mapped_column(Text)
    legal_name: Mapped[str | None] = mapped_column(Text)
    tax_regime: Mapped[str] = mapped_column(Text)
    tax_registration: Mapped[str | None] = mapped_column(Text)
    invoice_prefix: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    is_default: Mapped[bool] = mapped_column(Boolean)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
