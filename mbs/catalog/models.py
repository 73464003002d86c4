"""What a business offers, who can do it, and for how long each of them is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKeyConstraint,
    Index,
    Integer,
    Numeric,
    SmallInteger,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")
MONEY = Numeric(19, 4)

MODES = ("appointment", "session", "stay")
PRICE_UNITS = ("booking", "person", "hour", "day", "night", "week", "month", "unit")

SORTS: Mapping[str, str] = {"sortOrder": "sort_order", "name": "name_key", "price": "price"}


class CatalogItem(Base):
    """One service. `segments` and `policy` hold what `Segment` and the booking policy describe."""

    __tablename__ = "catalog_items"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__catalog_items__sort_order", "tenant_id", "sort_order", "id"),
        Index("ix__catalog_items__name_key", "tenant_id", "name_key", "id"),
        Index("ix__catalog_items__price", "tenant_id", "price", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    type: Mapped[str] = mapped_column(Text)
    mode: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    description: Mapped[str | None] = mapped_column(Text)
    category: Mapped[str | None] = mapped_column(Text)
    price: Mapped[Decimal] = mapped_column(MONEY)
    currency: Mapped[str] = mapped_column(Text)
    price_unit: Mapped[str] = mapped_column(Text)
    duration_min: Mapped[int | None] = mapped_column(Integer)
    buffer_before_min: Mapped[int] = mapped_column(Integer)
    buffer_after_min: Mapped[int] = mapped_column(Integer)
    slot_interval_min: Mapped[int | None] = mapped_column(Integer)
    segments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    max_capacity: Mapped[int] = mapped_column(SmallInteger)
    sort_order: Mapped[int] = mapped_column(Integer)
    active: Mapped[bool] = mapped_column(Boolean)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class ItemResource(Base):
    """That a resource can do a service, and at which price and duration if not at the service's own."""

    __tablename__ = "item_resources"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "catalog_item_id"],
            ["catalog_items.tenant_id", "catalog_items.id"],
            ondelete="CASCADE",
        ),
        ForeignKeyConstraint(
            ["tenant_id", "resource_id"], ["resources.tenant_id", "resources.id"], ondelete="CASCADE"
        ),
        Index("ix__item_resources__resource_id", "tenant_id", "resource_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    catalog_item_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    resource_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    price: Mapped[Decimal | None] = mapped_column(MONEY)
    duration_min: Mapped[int | None] = mapped_column(Integer)


@dataclass(frozen=True, slots=True)
class Need:
    """That a resource of a kind is taken from one minute of a service to another, buffers included.

    Minutes count from the start that the customer sees, so a buffer before it is negative.
    """

    kind: str
    start: int
    end: int
    segment_no: int


def needs(
    *,
    duration: int,
    buffer_before: int,
    buffer_after: int,
    segments: Sequence[Mapping[str, Any]],
    kinds: Sequence[str],
) -> tuple[Need, ...]:
    """Return what a service takes of which kind of resource, and for which of its minutes.

    Without segments each kind is needed all the time. With segments (`{"minutes": 30, "needs": ["staff",
    "equipment"]}`) each is needed in those that name it, and neighboring ones are one need, so that a person
    is free while the color works. The buffers belong to the first and the last segment and to whoever is
    needed there.

    :param duration: in minutes; of one who takes longer than the segments say, the last one grows or shrinks.
    :param kinds: the kinds of the resources that can do the service.
    """
    parts = [(segment["minutes"], segment["needs"]) for segment in segments] or [(duration, kinds)]
    found: list[Need] = []
    minute = 0
    for number, (minutes, wanted) in enumerate(parts, start=1):
        last = number == len(parts)
        start = minute - (buffer_before if number == 1 else 0)
        minute = duration if last else minute + minutes
        end = minute + (buffer_after if last else 0)
        for kind in wanted:
            before = next((one for one in found if one.kind == kind and one.end == start), None)
            if before is None:
                found.append(Need(kind, start, end, number))
            else:
                found[found.index(before)] = Need(kind, before.start, end, before.segment_no)
    return tuple(found)
