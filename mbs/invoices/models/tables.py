"""The tables of invoices and credit notes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    Computed,
    Date,
    ForeignKeyConstraint,
    Index,
    Numeric,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")
MONEY = Numeric(19, 4)


class Document(Base):
    """An invoice or a credit note. Once it has a number nothing changes but its state and what was paid."""

    __tablename__ = "documents"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "original_id", "customer_id", "currency"],
            ["documents.tenant_id", "documents.id", "documents.customer_id", "documents.currency"],
            name="fk__documents__original",
        ),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        UniqueConstraint("tenant_id", "id", "customer_id", "currency"),
        UniqueConstraint("tenant_id", "type", "number"),
        UniqueConstraint("tenant_id", "type", "series", "seq"),
        Index("ix__documents__booking_id", "tenant_id", "booking_id"),
        Index("ix__documents__created_at", "tenant_id", "type", "created_at", "id"),
        Index("ix__documents__customer_id", "tenant_id", "type", "customer_id", "created_at", "id"),
        Index("ix__documents__due_order", "tenant_id", "type", "due_order", "id"),
        Index("ix__documents__issue_order", "tenant_id", "type", "issue_order", "id"),
        Index("ix__documents__location_id", "tenant_id", "location_id"),
        Index("ix__documents__number_order", "tenant_id", "type", "number_order", "id"),
        Index("ix__documents__original_id", "tenant_id", "original_id"),
        Index(
            "ix__documents__owed",
            "tenant_id",
            "due_date",
            "id",
            postgresql_where=text("type = 'invoice' AND status = 'open'"),
        ),
        Index("ix__documents__total_order", "tenant_id", "type", "total_order", "id"),
        Index("ix__documents__updated_at", "tenant_id", "type", "updated_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    title: Mapped[str | None] = mapped_column(Text)
    number: Mapped[str | None] = mapped_column(KEY)
    series: Mapped[str | None] = mapped_column(KEY)
    seq: Mapped[int | None] = mapped_column(BigInteger)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    original_id: Mapped[UUID | None] = mapped_column(Uuid)
    currency: Mapped[str] = mapped_column(Text)
    issue_date: Mapped[date | None] = mapped_column(Date)
    supply_date: Mapped[date | None] = mapped_column(Date)
    due_date: Mapped[date | None] = mapped_column(Date)
    seller: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    buyer: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    place_of_supply: Mapped[str | None] = mapped_column(Text)
    reverse_charge: Mapped[bool] = mapped_column(Boolean)
    tax_mode: Mapped[str] = mapped_column(Text)
    rounding_scope: Mapped[str] = mapped_column(Text)
    cash_rounding: Mapped[Decimal | None] = mapped_column(MONEY)
    discount_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    discount_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    subtotal: Mapped[Decimal] = mapped_column(MONEY)
    discount_total: Mapped[Decimal] = mapped_column(MONEY)
    tax_total: Mapped[Decimal] = mapped_column(MONEY)
    rounding: Mapped[Decimal] = mapped_column(MONEY)
    total: Mapped[Decimal] = mapped_column(MONEY)
    amount_paid: Mapped[Decimal] = mapped_column(MONEY)
    amount_credited: Mapped[Decimal] = mapped_column(MONEY)
    amount_due: Mapped[Decimal] = mapped_column(
        MONEY, Computed("total - amount_paid - amount_credited", persisted=True)
    )
    tax_summary: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    notes: Mapped[str | None] = mapped_column(Text)
    terms: Mapped[str | None] = mapped_column(Text)
    footer: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    settlement: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(INSTANT)
    voided_at: Mapped[datetime | None] = mapped_column(INSTANT)
    void_reason: Mapped[str | None] = mapped_column(Text)
    issue_order: Mapped[date] = mapped_column(
        Date, Computed("coalesce(issue_date, make_date(9999, 12, 31))", persisted=True)
    )
    due_order: Mapped[date] = mapped_column(
        Date, Computed("coalesce(due_date, make_date(9999, 12, 31))", persisted=True)
    )
    number_order: Mapped[str] = mapped_column(KEY, Computed("coalesce(number, '~')", persisted=True))
    total_order: Mapped[str] = mapped_column(KEY, Computed("lpad(total::text, 20, '0')", persisted=True))
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class DocumentLine(Base):
    """One line, with the part of discount and taxes that falls to it; amounts in the document's currency.

    A line of a credit note refers to the invoice's; one that credits an amount has no `credited_quantity`.
    """

    __tablename__ = "document_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "catalog_item_id"], ["catalog_items.tenant_id", "catalog_items.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "credited_line_id"], ["document_lines.tenant_id", "document_lines.id"]
        ),
        ForeignKeyConstraint(
            ["tenant_id", "document_id"], ["documents.tenant_id", "documents.id"], ondelete="CASCADE"
        ),
        UniqueConstraint("tenant_id", "document_id", "position"),
        Index("ix__document_lines__catalog_item_id", "tenant_id", "catalog_item_id"),
        Index("ix__document_lines__credited_line_id", "tenant_id", "credited_line_id"),
        Index(
            "uq__document_lines__source",
            "tenant_id",
            "source_type",
            "source_id",
            unique=True,
            postgresql_where=text("source_id IS NOT NULL AND NOT released"),
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    document_id: Mapped[UUID] = mapped_column(Uuid)
    position: Mapped[int] = mapped_column(SmallInteger)
    catalog_item_id: Mapped[UUID | None] = mapped_column(Uuid)
    description: Mapped[str] = mapped_column(Text)
    quantity: Mapped[Decimal] = mapped_column(Numeric(12, 3))
    unit: Mapped[str | None] = mapped_column(Text)
    unit_price: Mapped[Decimal] = mapped_column(MONEY)
    discount_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    discount_amount: Mapped[Decimal | None] = mapped_column(MONEY)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    document_discount: Mapped[Decimal] = mapped_column(MONEY)
    tax_category: Mapped[str] = mapped_column(Text)
    tax_kind: Mapped[str] = mapped_column(Text)
    supply_rule: Mapped[str] = mapped_column(Text)
    sac_hsn: Mapped[str | None] = mapped_column(Text)
    net: Mapped[Decimal] = mapped_column(MONEY)
    taxes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    tax: Mapped[Decimal] = mapped_column(MONEY)
    total: Mapped[Decimal] = mapped_column(MONEY)
    source_type: Mapped[str | None] = mapped_column(Text)
    source_id: Mapped[UUID | None] = mapped_column(Uuid)
    released: Mapped[bool] = mapped_column(Boolean)
    credited_line_id: Mapped[UUID | None] = mapped_column(Uuid)
    credited_quantity: Mapped[Decimal | None] = mapped_column(Numeric(12, 3))


class NumberSeries(Base):
    """The next number of one pattern, place and period filled in."""

    __tablename__ = "number_series"
    __table_args__ = (ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),)

    tenant_id: Mapped[UUID] = tenant_key()
    type: Mapped[str] = mapped_column(Text, primary_key=True)
    series: Mapped[str] = mapped_column(KEY, primary_key=True)
    next_value: Mapped[int] = mapped_column(BigInteger)
    last_on: Mapped[date | None] = mapped_column(Date)
