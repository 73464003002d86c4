"""The customer's row, and how it is found again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation import tax_numbers
from mbs.foundation.db import Base, tenant_key
from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.keys import digits, email_key, folded

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")

KINDS = ("person", "business")
STATUSES = ("active", "archived")
TAX_STATUSES = ("unregistered", "registered", "sez", "overseas")
REGISTERED = ("registered", "sez")

SORTS: Mapping[str, str] = {"name": "name_key", "createdAt": "created_at", "updatedAt": "updated_at"}
"""The orders of a list: the word of `sortBy` and the column, which has an index."""


class Customer(Base):
    """One customer of one business."""

    __tablename__ = "customers"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "dedupe_email"),
        UniqueConstraint("tenant_id", "dedupe_phone"),
        Index("ix__customers__created_at", "tenant_id", "created_at", "id"),
        Index("ix__customers__updated_at", "tenant_id", "updated_at", "id"),
        Index("ix__customers__name_key", "tenant_id", "name_key", "id"),
        Index("ix__customers__email_key", "tenant_id", "email_key"),
        Index("ix__customers__phone", "tenant_id", "phone"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    email: Mapped[str | None] = mapped_column(Text)
    email_key: Mapped[str | None] = mapped_column(KEY)
    phone: Mapped[str | None] = mapped_column(KEY)
    search_key: Mapped[str] = mapped_column(KEY)
    address: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    tax_id: Mapped[str | None] = mapped_column(Text)
    tax_status: Mapped[str] = mapped_column(Text)
    region_code: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    notes: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    dedupe_email: Mapped[str | None] = mapped_column(KEY)
    dedupe_phone: Mapped[str | None] = mapped_column(KEY)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


def lookup_keys(*, name: str, email: str | None, phone: str | None) -> Mapping[str, str | None]:
    """Return the columns that searches compare with, made from those that people read."""
    key = email_key(email) if email else None
    parts = (folded(name), key or "", digits(phone or ""))
    return {"name_key": parts[0], "email_key": key, "search_key": "\n".join(parts)}


def search_words(text: str) -> tuple[str, ...]:
    """Return what to look for in `search_key`: the folded text, and the digits if it looks like a number."""
    word, number = folded(text), digits(text)
    looks_like_phone = len(number) >= 3 and not any(character.isalpha() for character in word)
    return (word, number) if looks_like_phone and number != word else (word,)


def tax_status_after(values: Mapping[str, Any], *, kept: str) -> str:
    """Return a customer's tax status after a change: who gets a tax number is registered from then on."""
    if "tax_status" in values or "tax_id" not in values:
        return str(values.get("tax_status", kept))
    if values["tax_id"] is None:
        return "unregistered" if kept in REGISTERED else kept
    return "registered" if kept == "unregistered" else kept


def needs_country(*, tax_status: str, region_code: str | None) -> bool:
    """Tell whether tax details have to fit a country."""
    return tax_status in REGISTERED or region_code is not None


def checked_tax_id(
    tax_id: str | None, *, tax_status: str, region_code: str | None, country: str
) -> str | None:
    """Return a tax number as it is kept.

    :raises Invalid: if tax details do not fit the country, or a registered customer has no number.
    """
    if tax_status == "sez" and country != "IN":
        raise _invalid("taxStatus", "`sez` is for the special economic zones of India.")
    if region_code is not None and country == "IN" and not tax_numbers.is_state(region_code):
        raise _invalid("regionCode", "Must be the two digits of a state of India, like 27 for Maharashtra.")
    if tax_status not in REGISTERED:
        return tax_id
    if tax_id is None:
        raise Invalid(errors=[FieldFault("taxId", "required", f"A customer who is `{tax_status}` has one.")])
    return tax_numbers.normalized(tax_id, country=country, field="taxId")


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(errors=[FieldFault(field, "invalid", message)])
