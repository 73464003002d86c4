"""Exchange rates."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import BigInteger, Date, ForeignKeyConstraint, Index, Numeric, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)


class ExchangeRate(Base):
    """What one unit of `base` is worth in `quote`, from a day on until the next rate."""

    __tablename__ = "exchange_rates"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "base", "quote", "valid_from"),
        Index("ix__exchange_rates__valid_from", "tenant_id", "valid_from", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    base: Mapped[str] = mapped_column(Text)
    quote: Mapped[str] = mapped_column(Text)
    rate: Mapped[Decimal] = mapped_column(Numeric(24, 10))
    valid_from: Mapped[date] = mapped_column(Date)
    source: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
