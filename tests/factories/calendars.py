"""Resources, services and bookings of a business, as rows: for tests of what stands below the API."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.bookings.models import BLOCKING
from tests.factories.callers import Business

NEW_RESOURCE = text("""
INSERT INTO resources (id, kind, name, name_key, location_id, capacity, bookable_capacity, created_by)
SELECT :id, :kind, :name, :name, id, :capacity, :bookable, :actor
FROM locations WHERE tenant_id = :tenant AND is_default
""")
NEW_BOOKING = text("""
INSERT INTO bookings (
  id, reference, customer_id, location_id, mode, status, start_at, end_at, timezone, source, amount, currency,
  expires_at, created_by)
SELECT :id, :reference, :customer, id, 'appointment', :status, :start, :end, timezone, 'staff', 0, 'INR',
  :expires, :actor
FROM locations WHERE tenant_id = :tenant AND is_default
""")


def new_resource(
    owner: Business,
    kind: str = "staff",
    *,
    name: str = "Meera",
    capacity: int = 1,
    bookable: int | None = None,
) -> UUID:
    id_ = uuid7()
    row = {"id": id_, "kind": kind, "name": name, "capacity": capacity, "bookable": bookable or capacity}
    _write(owner, NEW_RESOURCE, row)
    return id_


def new_booking(
    owner: Business, customer_id: str, start: datetime, *, status: str = "confirmed", minutes: int = 60
) -> UUID:
    """Write a booking that takes nothing yet; one that is held or pending stays so for ten minutes."""
    id_ = uuid7()
    row = {
        "id": id_,
        "reference": id_.hex[-8:],
        "customer": customer_id,
        "status": status,
        "start": start,
        "end": start + timedelta(minutes=minutes),
        "expires": start if status in BLOCKING[:2] else None,
    }
    _write(owner, NEW_BOOKING, row)
    return id_


def _write(owner: Business, statement: Any, row: dict[str, Any]) -> None:
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(statement, {**row, "tenant": owner.tenant_id, "actor": owner.user_id})
