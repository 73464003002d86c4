"""The people, rooms and things that services take."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Boolean,
    ForeignKeyConstraint,
    Index,
    SmallInteger,
    Text,
    UniqueConstraint,
    Uuid,
)
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.errors import FieldFault, Invalid

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")

KINDS = ("staff", "room", "bed", "desk", "vehicle", "equipment")
"""What a caller may make. One more kind, `session`, is a group class, which mbs/sessions makes."""

SESSION = "session"

MOST_SLOTS = 500
"""How many a resource can serve at a time: beds of a dormitory, seats of a class."""

SORTS: Mapping[str, str] = {"name": "name_key"}


class Resource(Base):
    """One of them. Each of its `capacity` slots is taken by one allocation at a time."""

    __tablename__ = "resources"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["memberships.tenant_id", "memberships.id"],
            ondelete="SET NULL (member_id)",
        ),
        ForeignKeyConstraint(["tenant_id", "parent_id"], ["resources.tenant_id", "resources.id"]),
        UniqueConstraint("tenant_id", "id", "capacity"),
        Index("ix__resources__name_key", "tenant_id", "name_key", "id"),
        Index("ix__resources__location_id", "tenant_id", "location_id"),
        Index("uq__resources__member_id", "tenant_id", "member_id", unique=True),
        Index("ix__resources__parent_id", "tenant_id", "parent_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str] = mapped_column(Text)
    name: Mapped[str] = mapped_column(Text)
    name_key: Mapped[str] = mapped_column(KEY)
    location_id: Mapped[UUID] = mapped_column(Uuid)
    member_id: Mapped[UUID | None] = mapped_column(Uuid)
    parent_id: Mapped[UUID | None] = mapped_column(Uuid)
    capacity: Mapped[int] = mapped_column(SmallInteger)
    bookable_capacity: Mapped[int] = mapped_column(SmallInteger)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    color: Mapped[str | None] = mapped_column(Text)
    active: Mapped[bool] = mapped_column(Boolean)
    created_by: Mapped[UUID] = mapped_column(Uuid)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


def bookable(capacity: int, wanted: int | None, *, before: Any = None) -> int:
    """Return how much of a capacity is open to bookings: what is wanted, else as much as before, else all.

    :param before: the row of a resource that changes; if all of it was open, all of it stays so.
    :raises Invalid: if that is more than the capacity.
    """
    if wanted is None and before is not None and before.bookable_capacity != before.capacity:
        wanted = before.bookable_capacity
    if wanted is not None and wanted > capacity:
        message = f"Must be at most the capacity, {capacity}."
        raise Invalid(errors=[FieldFault("bookableCapacity", "invalid", message)])
    return capacity if wanted is None else wanted
