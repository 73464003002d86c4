"""What a business offers, who can do it, and for how long each of them is needed."""

import re
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

from mbs.catalog.errors import InvalidSegments
from mbs.foundation.db import Base, tenant_key
from mbs.foundation.errors import FieldFault, Invalid

INSTANT = TIMESTAMP(timezone=True)
KEY = Text(collation="C")
MONEY = Numeric(19, 4)

MODES = ("appointment", "session", "stay")
PRICE_UNITS = ("booking", "person", "hour", "day", "night", "week", "month", "unit")

PRICE_UNITS_OF: Mapping[str, Sequence[str]] = {
    "appointment": ("booking", "person", "hour"),
    "session": ("person", "booking"),
    "stay": ("night", "day", "week", "month", "booking"),
}
"""What a price may be for, by mode; the first is what it is for unless somebody says."""

MOST_SEGMENTS = 20
MOST_RESOURCES = 200
"""How many can be assigned to one service."""

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
    tax_category: Mapped[str] = mapped_column(Text)
    sac_hsn: Mapped[str | None] = mapped_column(Text)
    supply_rule: Mapped[str | None] = mapped_column(Text)
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


def last_segment_start(segments: Sequence[Mapping[str, Any]]) -> int:
    """Return after how many minutes the last segment starts; 0 if there are none."""
    return sum(segment["minutes"] for segment in segments[:-1])


def check_time(
    *, mode: str, duration: int | None, segments: Sequence[Mapping[str, Any]], changed: str = "segments"
) -> None:
    """Refuse a duration and segments that do not fit each other, or the mode.

    :param changed: the field of the wire to name where the two disagree.
    :raises Invalid: if a stay has a duration, or anything else has none.
    :raises InvalidSegments: if the segments do not last as long as the service, or it can have none.
    """
    if mode == "stay" and duration is not None:
        raise _invalid("duration", "A stay lasts as long as its guest wants.")
    if mode != "stay" and duration is None:
        message = "Say how many minutes it lasts; only a stay lasts as long as its guest wants."
        raise Invalid(errors=[FieldFault("duration", "required", message)])
    if segments and mode != "appointment":
        raise InvalidSegments.of("segments", "Only an appointment has segments.")
    minutes = sum(segment["minutes"] for segment in segments)
    if segments and minutes != duration:
        message = f"The segments last {minutes} minutes and the service {duration}; both must be the same."
        raise InvalidSegments.of(changed, message)


def check_own_duration(
    duration: int | None, *, mode: str, segments: Sequence[Mapping[str, Any]], field: str
) -> None:
    """Refuse the minutes that somebody takes for a service, if they differ from the service's own.

    :param duration: None if they do not.
    :param field: the field of the wire to name.
    :raises Invalid: if the service is not an appointment.
    :raises InvalidSegments: if they are over before the last segment starts, which alone grows and shrinks.
    """
    if duration is None:
        return
    if mode != "appointment":
        raise _invalid(field, "Only an appointment lasts as long as whoever does it takes.")
    if segments and duration <= last_segment_start(segments):
        message = f"{duration} minutes are over before the last segment starts."
        raise InvalidSegments.of(field, message)


def price_unit(mode: str, wanted: str | None) -> str:
    """Return what a price is for: what is wanted, else what it usually is for in this mode.

    :raises Invalid: if nothing of this mode is priced so.
    """
    allowed = PRICE_UNITS_OF[mode]
    if wanted is not None and wanted not in allowed:
        raise _invalid("priceUnit", f"Must be one of: {', '.join(allowed)}; in the mode `{mode}`.")
    return wanted or allowed[0]


def check_sac_hsn(code: str | None, *, country: str) -> None:
    """Refuse a code of India that none of its invoices may show.

    Notification No. 78/2020-Central Tax: four to eight digits, by turnover.

    :raises Invalid: if it is not of that form.
    """
    if code is not None and country == "IN" and not re.fullmatch(r"[0-9]{4,8}", code):
        raise _invalid("sacHsn", "A SAC or HSN of India has 4 to 8 digits, like 999721.")


def merged_policy(kept: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service's rules after a change; a rule that is set to None is the business's again."""
    return {name: value for name, value in {**kept, **changes}.items() if value is not None}


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(errors=[FieldFault(field, "invalid", message)])
