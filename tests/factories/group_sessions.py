"""Group classes and what they stand on, as rows for tests of what stands below the API, and over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.allocations.repository import AllocationRepository
from mbs.sessions.repository import SessionRepository
from tests.factories.answers import listed, made
from tests.factories.calendars import new_booking
from tests.factories.callers import Business
from tests.factories.customers import create

NEW_SERVICE = text("""
INSERT INTO catalog_items (id, mode, name, name_key, price, currency, price_unit, duration_min, max_capacity,
  buffer_before_min, buffer_after_min, policy, created_by)
SELECT :id, 'session', :name, :name, :price, currency, :price_unit, :duration, :capacity, :before, :after,
  CAST(:policy AS jsonb), :actor
FROM tenants WHERE id = :tenant
""")
DEFAULT_LOCATION = text("SELECT id FROM locations WHERE tenant_id = :tenant AND is_default")


def new_class_service(owner: Business, **values: Any) -> UUID:
    """Write a service of mode `session`: Yoga, an hour, 500.00 a head, ten seats."""
    row = {
        "id": uuid7(),
        "name": "Yoga",
        "price": "500.00",
        "price_unit": "person",
        "duration": 60,
        "capacity": 10,
        "before": 0,
        "after": 0,
        "policy": "{}",
        "tenant": owner.tenant_id,
        "actor": owner.user_id,
        **values,
    }
    with owner.database.transaction(owner.scope) as transaction:
        transaction.execute(NEW_SERVICE, row)
    id_: UUID = row["id"]
    return id_


def default_location(owner: Business) -> UUID:
    with owner.database.transaction(owner.scope, read_only=True) as transaction:
        id_: UUID = transaction.execute(DEFAULT_LOCATION, {"tenant": owner.tenant_id}).scalar_one()
    return id_


def new_class(owner: Business, service_id: UUID, start: datetime, **values: Any) -> UUID:
    """Write a class of an hour with ten seats and nobody to give it."""
    row = {
        "id": uuid7(),
        "catalog_item_id": service_id,
        "location_id": default_location(owner),
        "start_at": start,
        "end_at": start + timedelta(hours=1),
        "name": "Yoga",
        "capacity": 10,
        **values,
    }
    with owner.database.transaction(owner.scope) as transaction:
        id_: UUID = SessionRepository(transaction).add(row).id
    return id_


def take(owner: Business, values: dict[str, Any]) -> None:
    """Write that a slot is taken."""
    row = {"id": uuid7(), "item_no": 1, "segment_no": 1, "slot_no": 1, "state": "active", "expires_at": None}
    with owner.database.transaction(owner.scope) as transaction:
        AllocationRepository(transaction).add_all([{**row, **values}])


def take_seat(
    owner: Business, class_id: UUID, customer_id: str, seat: int, *, until: datetime | None = None
) -> UUID:
    """Write a booking of a seat, held if it is one that is over at some time."""
    with owner.database.transaction(owner.scope) as transaction:
        found = SessionRepository(transaction).lock(class_id)
    booking = new_booking(owner, customer_id, found.start_at, status="held" if until else "confirmed")
    values = {"booking_id": booking, "resource_id": class_id, "kind": "session", "capacity": found.capacity}
    times = {"starts_at": found.start_at, "ends_at": found.end_at}
    state = {"state": "held" if until else "active", "expires_at": until}
    take(owner, {**values, **times, **state, "slot_no": seat})
    return booking


def plan(owner: Business, service_id: Any, **values: Any) -> dict[str, Any]:
    """Plan a class over HTTP, by default at 18:00 on a Monday, and return it as the answer shows it."""
    when = {} if "startAt" in values else {"date": "2031-03-03", "startTime": "18:00"}
    return made(owner, "/api/sessions", {"serviceId": str(service_id), **when, **values})


def book_seat(owner: Business, class_id: Any, **values: Any) -> dict[str, Any]:
    """Book seats of a class over HTTP, for a new customer unless one is named."""
    who = {} if "customerId" in values else {"customer": {"name": "Jane"}}
    return made(owner, "/api/bookings", {"sessionId": str(class_id), **who, **values})


def fill(owner: Business, class_id: Any, seats: int) -> list[dict[str, Any]]:
    """Book so many seats, one at a time."""
    return [book_seat(owner, class_id) for _ in range(seats)]


def wait_for(owner: Business, class_id: Any, **values: Any) -> dict[str, Any]:
    """Let a customer wait for seats over HTTP, a new one unless one is named."""
    values = {**values, "customerId": values.get("customerId") or create(owner)["id"]}
    return made(owner, f"/api/sessions/{class_id}/waitlist", values)


def waiting(owner: Business, class_id: Any, query: str = "") -> list[dict[str, Any]]:
    return listed(owner, f"/api/sessions/{class_id}/waitlist{query}")


def seats_of(owner: Business, class_id: Any) -> tuple[int, int]:
    """Return how many seats of a class are taken, and how many remain."""
    found = owner.get(f"/api/sessions/{class_id}").get_json()
    return found["taken"], found["remaining"]


OFFERS_END = (
    text(
        "UPDATE waitlist_entries SET offer_expires_at = :then WHERE session_id = :id AND status = 'offered'"
    ),
    text("UPDATE bookings SET expires_at = :then WHERE session_id = :id AND status = 'held'"),
    text("UPDATE allocations SET expires_at = :then WHERE resource_id = :id AND state = 'held'"),
)


def let_offers_end(owner: Business, class_id: Any) -> None:
    """Let the time be over for which seats of a class are held."""
    values = {"id": str(class_id), "then": datetime.now(UTC) - timedelta(seconds=1)}
    with owner.database.transaction(owner.scope) as transaction:
        for statement in OFFERS_END:
            transaction.execute(statement, values)
