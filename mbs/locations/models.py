"""The places where a business works."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.errors import FieldFault, Invalid

INSTANT = TIMESTAMP(timezone=True)

STATUSES = ("active", "archived")

TAX_REGIMES = ("none", "india_gst", "vat", "sst", "gst", "sales_tax")

REGIMES_OF: Mapping[str, Sequence[str]] = {
    "AE": ("vat",),
    "GB": ("vat",),
    "IN": ("india_gst",),
    "MY": ("sst",),
    "SG": ("gst",),
    "US": ("sales_tax",),
}
"""How a country taxes supplies, the usual one first; a location may also charge none."""
REGIMES_ELSEWHERE = ("vat", "gst", "sales_tax")

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


def regimes(country: str) -> Sequence[str]:
    """Return which taxes a location can charge in a country."""
    return ("none", *REGIMES_OF.get(country, REGIMES_ELSEWHERE))


def usual_regime(country: str) -> str:
    """Return how a business that is registered for tax in a country charges it."""
    return regimes(country)[1]


def check_regime(regime: str, country: str) -> None:
    """Refuse a tax of another country's.

    :raises Invalid: if nobody in this country charges it.
    """
    if regime not in regimes(country):
        message = f"Must be one of: {', '.join(regimes(country))}; in the country {country}."
        raise Invalid(errors=[FieldFault("taxRegime", "invalid", message)])


def usual_prefix(name: str) -> str:
    """Return what stands for a location in the numbers of its invoices, unless somebody says."""
    return "".join(re.findall("[A-Za-z0-9]", name)[:3]).upper() or "INV"
