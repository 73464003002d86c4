"""Payments, what they are for, and refunds."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Computed,
    ForeignKeyConstraint,
    Index,
    Numeric,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")
MONEY = Numeric(19, 4)

METHODS = ("cash", "card", "upi", "bank_transfer", "netbanking", "wallet", "cheque", "gateway", "other")
IN_HAND = ("cash", "upi")
"""What staff may take from their own customers."""

STATUSES = ("succeeded", "partially_refunded", "refunded", "reversed")
REFUND_STATUSES = ("succeeded",)

MOST_ALLOCATIONS = 100

SORTS: Mapping[str, str] = {"receivedAt": "received_at", "amount": "amount"}
REFUND_SORTS: Mapping[str, str] = {"refundedAt": "refunded_at"}
"""The orders of lists: the word of `sortBy` and the column, which has an index."""


class Payment(Base):
    """Money that came in; what it is for stands in its allocations."""

    __tablename__ = "payments"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "booking_id"], ["bookings.tenant_id", "bookings.id"]),
        ForeignKeyConstraint(["tenant_id", "customer_id"], ["customers.tenant_id", "customers.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        UniqueConstraint("tenant_id", "id", "customer_id", "currency"),
        UniqueConstraint("tenant_id", "number"),
        UniqueConstraint("tenant_id", "series", "seq"),
        Index("ix__payments__amount", "tenant_id", "amount", "id"),
        Index("ix__payments__booking_id", "tenant_id", "booking_id"),
        Index("ix__payments__created_at", "tenant_id", "created_at", "id"),
        Index("ix__payments__customer_id", "tenant_id", "customer_id", "received_at", "id"),
        Index("ix__payments__location_id", "tenant_id", "location_id"),
        Index("ix__payments__received_at", "tenant_id", "received_at", "id"),
        Index(
            "ix__payments__unapplied",
            "tenant_id",
            "received_at",
            "id",
            postgresql_where=text("amount_unapplied > 0"),
        ),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    number: Mapped[str] = mapped_column(KEY)
    series: Mapped[str] = mapped_column(KEY)
    seq: Mapped[int] = mapped_column(BigInteger)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    booking_id: Mapped[UUID | None] = mapped_column(Uuid)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    method: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    received_at: Mapped[datetime] = mapped_column(INSTANT)
    amount_applied: Mapped[Decimal] = mapped_column(MONEY)
    amount_refunded: Mapped[Decimal] = mapped_column(MONEY)
    amount_unapplied: Mapped[Decimal] = mapped_column(
        MONEY,
        Computed(
            "CASE status WHEN 'reversed' THEN 0 ELSE amount - amount_applied - amount_refunded END",
            persisted=True,
        ),
    )
    notes: Mapped[str | None] = mapped_column(Text)
    reversed_at: Mapped[datetime | None] = mapped_column(INSTANT)
    reverse_reason: Mapped[str | None] = mapped_column(Text)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class PaymentAllocation(Base):
    """That part of a payment is for an invoice. Rows are added and taken away, never changed."""

    __tablename__ = "payment_allocations"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "document_id", "customer_id", "currency"],
            ["documents.tenant_id", "documents.id", "documents.customer_id", "documents.currency"],
            name="fk__payment_allocations__document",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "payment_id", "customer_id", "currency"],
            ["payments.tenant_id", "payments.id", "payments.customer_id", "payments.currency"],
            name="fk__payment_allocations__payment",
        ),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__payment_allocations__document_id", "tenant_id", "document_id", "id"),
        Index("ix__payment_allocations__payment_id", "tenant_id", "payment_id", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(Uuid)
    document_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class Refund(Base):
    """Money that went back. Rows are only added."""

    __tablename__ = "refunds"
    __table_args__ = (
        ForeignKeyConstraint(
            ["tenant_id", "credit_note_id", "customer_id", "currency"],
            ["documents.tenant_id", "documents.id", "documents.customer_id", "documents.currency"],
            name="fk__refunds__credit_note",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "payment_id", "customer_id", "currency"],
            ["payments.tenant_id", "payments.id", "payments.customer_id", "payments.currency"],
            name="fk__refunds__payment",
        ),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__refunds__credit_note_id", "tenant_id", "credit_note_id"),
        Index("ix__refunds__payment_id", "tenant_id", "payment_id", "id"),
        Index("ix__refunds__refunded_at", "tenant_id", "refunded_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    payment_id: Mapped[UUID] = mapped_column(Uuid)
    customer_id: Mapped[UUID] = mapped_column(Uuid)
    currency: Mapped[str] = mapped_column(Text)
    amount: Mapped[Decimal] = mapped_column(MONEY)
    method: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    reference: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str] = mapped_column(Text)
    credit_note_id: Mapped[UUID | None] = mapped_column(Uuid)
    refunded_at: Mapped[datetime] = mapped_column(INSTANT)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


def split_latest(
    allocations: Sequence[Any], amount: Decimal
) -> tuple[list[tuple[Any, Decimal]], tuple[Any, Decimal] | None]:
    """Divide an amount among allocations, in their order.

    :return: how much of each that is touched; the one that is not used up, with what is left of it, or None.
    :raises ValueError: if they hold less than the amount.
    """
    taken: list[tuple[Any, Decimal]] = []
    for one in allocations:
        if amount == 0:
            break
        part = min(one.amount, amount)
        amount -= part
        taken.append((one, part))
    if amount > 0:
        raise ValueError("the allocations hold less than is taken from them")
    if not taken or taken[-1][1] == taken[-1][0].amount:
        return taken, None
    one, part = taken[-1]
    return taken, (one, one.amount - part)
