"""Offers as the repository reads them."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from mbs.availability.models.offer import Candidate, Offer
from mbs.foundation.policies import booking_policy


def read_offer(row: Any) -> Offer:
    """Return a service with all active resources that can do it.

    :param row: columns of the service; `price` as text, `booking` the business's own rules, `timezone` the
        business's, `assigned` a list of what `_candidate` takes and whether it is active, `locations` of id
        and time zone.
    """
    policy = booking_policy({"booking": row.booking or {}}, row.policy)
    return Offer(
        service_id=row.id,
        name=row.name,
        mode=row.mode,
        active=row.active,
        price=Decimal(row.price),
        currency=row.currency,
        price_unit=row.price_unit,
        duration_min=row.duration_min,
        buffer_before_min=row.buffer_before_min,
        buffer_after_min=row.buffer_after_min,
        slot_interval_min=row.slot_interval_min or policy["slotIntervalMin"],
        segments=row.segments,
        max_capacity=row.max_capacity,
        policy=policy,
        timezone=row.timezone,
        locations={UUID(id_): timezone for id_, timezone in row.locations or ()},
        kinds=sorted({values[1] for values in row.assigned or ()}),
        candidates=[_candidate(*values) for *values, active in row.assigned or () if active],
    )


def _candidate(
    id_: str,
    kind: str,
    name: str,
    location_id: str,
    timezone: str,
    parent_id: str | None,
    capacity: int,
    bookable_capacity: int,
    tags: list[str],
    price: str | None,
    duration_min: int | None,
) -> Candidate:
    return Candidate(
        id=UUID(id_),
        kind=kind,
        name=name,
        location_id=UUID(location_id),
        timezone=timezone,
        parent_id=UUID(parent_id) if parent_id is not None else None,
        capacity=capacity,
        bookable_capacity=bookable_capacity,
        tags=frozenset(tags),
        price=Decimal(price) if price is not None else None,
        duration_min=duration_min,
    )
