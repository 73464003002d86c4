"""What places become in the tables, and how a booking looks when it has just been written there."""

from collections import namedtuple
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from mbs.foundation.money import rounded
from mbs.reservations.models.places import Place

THOUSANDTH = Decimal("0.001")
STORED = Decimal("0.0001")
"""The scale of amounts in the tables, whatever the currency."""


def booking_row(places: Sequence[Place]) -> dict[str, Any]:
    """Return what the places say of a booking's row."""
    first = places[0]
    return {
        "location_id": first.lead.location_id,
        "timezone": first.lead.timezone,
        "mode": first.offer.mode,
        "start_at": min(place.start for place in places),
        "end_at": max(place.end for place in places),
        "amount": sum((place.amount for place in places), Decimal(0)),
        "currency": first.offer.currency,
        "deposit_due": sum((deposit(place) for place in places), Decimal(0)),
    }


def deposit(place: Place) -> Decimal:
    """Return which part of a place's amount is to be paid in advance."""
    part = Decimal(place.offer.policy["depositPercent"]) / 100
    return rounded(place.amount * part, place.offer.currency)


def item_rows(places: Sequence[Place]) -> list[dict[str, Any]]:
    """Return the rows of a booking's items, in their order."""
    return [
        {
            "id": uuid7(),
            "catalog_item_id": place.offer.service_id,
            "name": place.offer.name,
            "quantity": place.quantity,
            "unit_price": place.unit_price,
            "price_unit": place.offer.price_unit,
            "amount": place.amount,
            "start_at": place.start,
            "end_at": place.end,
        }
        for place in places
    ]


def allocation_rows(
    places: Sequence[Place],
    booking_id: UUID,
    *,
    capacity: Mapping[UUID, int],
    expires_at: datetime | None,
) -> list[dict[str, Any]]:
    """Return the rows of what a booking takes, held until `expires_at` or, if that is None, for good.

    :param capacity: that of each resource, as it is while they are locked.
    """
    return [
        {
            "id": uuid7(),
            "booking_id": booking_id,
            "item_no": number,
            "segment_no": taking.span.segment_no,
            "resource_id": taking.resource.id,
            "kind": taking.resource.kind,
            "capacity": capacity[taking.resource.id],
            "slot_no": taking.slot_no,
            "starts_at": taking.starts_at,
            "ends_at": taking.ends_at,
            "state": "active" if expires_at is None else "held",
            "expires_at": expires_at,
        }
        for number, place in enumerate(places, start=1)
        for taking in place.takings
    ]


def view(booking: Any, places: Sequence[Place]) -> Any:
    """Return the view of a booking that was just written, as the repository of bookings would read it."""
    return view_of(booking, [_item(place) for place in places], _resources(places))


def view_of(booking: Any, items: Sequence[Any], resources: Sequence[Any]) -> Any:
    """Return the view of a booking whose items and resources are known."""
    return _view(tuple(booking._fields))(*booking, items, resources)


@lru_cache(maxsize=4)
def _view(columns: tuple[str, ...]) -> Any:
    return namedtuple("View", (*columns, "items", "resources"))


def _item(place: Place) -> dict[str, Any]:
    return {
        "service_id": str(place.offer.service_id),
        "name": place.offer.name,
        "quantity": str(place.quantity.quantize(THOUSANDTH)),
        "unit_price": str(place.unit_price.quantize(STORED)),
        "price_unit": place.offer.price_unit,
        "amount": str(place.amount.quantize(STORED)),
        "start_at": place.start.isoformat(),
        "end_at": place.end.isoformat(),
    }


def _resources(places: Sequence[Place]) -> list[dict[str, Any]]:
    found = []
    for number, place in enumerate(places, start=1):
        # Staff first within a segment, as bookings are read.
        ordered = sorted(place.takings, key=lambda one: (one.resource.id, one.slot_no))
        ordered.sort(key=lambda one: one.resource.kind, reverse=True)
        ordered.sort(key=lambda one: one.span.segment_no)
        for taking in ordered:
            found.append(
                {
                    "resource_id": str(taking.resource.id),
                    "kind": taking.resource.kind,
                    "name": taking.resource.name,
                    "slot_no": taking.slot_no,
                    "item_no": number,
                }
            )
    return found
