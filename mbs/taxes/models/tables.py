"""The table of a business's own rates."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Computed, Date, ForeignKeyConstraint, Index, Text, Uuid, column, text
from sqlalchemy.dialects.postgresql import DATERANGE, JSONB, TIMESTAMP, ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")


class TaxRate(Base):
    """A rate of the business's own; it goes before the one that is shipped. `components` as in rates.json."""

    __tablename__ = "tax_rates"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ExcludeConstraint(
            (column("tenant_id"), "="),
            (column("jurisdiction"), "="),
            (text("coalesce(location_id, '00000000-0000-0000-0000-000000000000'::uuid)"), "="),
            (column("category"), "="),
            (column("during"), "&&"),
            using="gist",
            name="ex__tax_rates__during",
        ),
        Index("ix__tax_rates__category", "tenant_id", "jurisdiction", "category", "valid_from"),
        Index("ix__tax_rates__created_at", "tenant_id", "created_at", "id"),
        Index("ix__tax_rates__location_id", "tenant_id", "location_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    jurisdiction: Mapped[str] = mapped_column(Text)
    location_id: Mapped[UUID | None] = mapped_column(Uuid)
    category: Mapped[str] = mapped_column(KEY)
    kind: Mapped[str] = mapped_column(Text)
    components: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    during: Mapped[Any] = mapped_column(
        DATERANGE, Computed("daterange(valid_from, valid_to)", persisted=True)
    )
    source: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
