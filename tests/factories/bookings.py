"""Bookings with their items and what they take, at whatever time a test needs them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from mbs.bookings.models import new_reference
from mbs.bookings.repository.bookings import BookingRepository
from tests.factories.callers import Business

NEW_SERVICE = text("""
INSERT INTO catalog_items (id, type, mode, name, name_key, price, currency, price_unit, duration_min, policy,
  created_by)
VALUES (:id, 'service', :mode, :name, :name, 999, 'INR', 'booking', :minutes, CAST(:policy AS jsonb), :actor)
""")
PLACE = text("SELECT id, timezone FROM locations WHERE tenant_id = :tenant AND is_default")
CAPACITY = text("SELECT kind, capacity FROM resources WHERE tenant_id = :tenant AND id = :id")


def new_customer(owner: Business, name: str = "Jane Smith") -> UUID:
    response = owner.post("/api/customers", {"name": name})
    assert response.json is not None
    return UUID(response.json["id"])


def new_service(
    owner: Business, *, name: str = "Haircut", mode: str = "appointment", policy: str = "{}"
) -> UUID:
    id_ = uuid7()
    row: dict[str, Any] = {"id": id_, "name": name, "mode": mode, "policy": policy, "actor": owner.user_id}
    row["minutes"] = None if mode == "stay" else 60
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(NEW_SERVICE, row)
    return id_


def book(
    owner: Business,
    customer: UUID,
    services: Sequence[UUID],
    start: datetime,
    *,
    takes: Mapping[UUID, int] | None = None,
    minutes: int = 60,
    status: str = "confirmed",
    amount: Decimal = Decimal("999.00"),
    **values: Any,
) -> UUID:
    """Write a booking: the services one after another, each of the resources for all of the time.

    :param takes: the slot of each resource; None: nothing is taken.
    """
    id_, end = uuid7(), start + timedelta(minutes=minutes * len(services))
    expires = values.setdefault("expires_at", end if status in ("held", "pending") else None)
    with owner.database.transaction(owner.scope) as transaction:
        place = transaction.execute(PLACE, {"tenant": owner.tenant_id}).one()
        booking = {
            "id": id_,
            "reference": new_reference(),
            "customer_id": customer,
            "location_id": place.id,
            "mode": "appointment",
            "status": status,
            "start_at": start,
            "end_at": end,
            "timezone": place.timezone,
            "source": "staff",
            "amount": amount * len(services),
            "currency": "INR",
            **values,
        }
        items = [
            {
                "id": uuid7(),
                "catalog_item_id": service,
                "name": f"Service {number}",
                "quantity": Decimal(1),
                "unit_price": amount,
                "price_unit": "booking",
                "amount": amount,
                "start_at": start + timedelta(minutes=minutes * number),
                "end_at": start + timedelta(minutes=minutes * (number + 1)),
            }
            for number, service in enumerate(services)
        ]
        BookingRepository(transaction).add_with_items(booking, items)
        rows = []
        for resource, slot in (takes or {}).items():
            found = transaction.execute(CAPACITY, {"tenant": owner.tenant_id, "id": resource}).one()
            rows.append(
                {
                    "id": uuid7(),
                    "booking_id": id_,
                    "item_no": 1,
                    "segment_no": 1,
                    "resource_id": resource,
                    "kind": found.kind,
                    "capacity": found.capacity,
                    "slot_no": slot,
                    "starts_at": start,
                    "ends_at": end,
                    "state": "held" if expires else "active",
                    "expires_at": expires,
                }
            )
        if rows:
            AllocationRepository(transaction).add_all(rows)
    return id_
