"""A business with people who do things, booked over HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.factories.callers import Business, Caller
from tests.factories.catalog import create_resource, create_service, create_staff

TABLES = (
    *("customers", "bookings", "booking_items", "allocations", "events", "idempotency_keys"),
    *("waitlist_entries", "sessions"),
)


def day(days: int = 10, hour: float = 10) -> datetime:
    """Return an hour of a day that is near enough to be booked by anybody."""
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today + timedelta(days=days, hours=hour)


def wire(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Salon:
    """One service, one hour long, that `staff` do."""

    owner: Business
    customer_id: str
    staff: list[str]
    service: dict[str, Any]

    def asked(self, **body: Any) -> dict[str, Any]:
        usual = {"customerId": self.customer_id, "serviceId": self.service["id"], "startAt": wire(day())}
        if body.keys() & {"bookingDate", "checkIn", "items", "sessionId"}:
            del usual["startAt"]
        if body.keys() & {"items", "sessionId"}:
            del usual["serviceId"]
        return {name: value for name, value in {**usual, **body}.items() if value is not None}

    def post(self, *, by: Any = None, headers: Any = None, **body: Any) -> TestResponse:
        asker: Caller = by or self.owner
        return asker.post("/api/bookings", self.asked(**body), headers=headers)

    def book(self, **body: Any) -> dict[str, Any]:
        response = self.post(**body)
        assert response.status_code == 201, response.get_data(as_text=True)
        made: dict[str, Any] = response.get_json()
        return made

    def move(self, booking: Mapping[str, Any], *, by: Any = None, **body: Any) -> TestResponse:
        asker: Caller = by or self.owner
        return asker.post(f"/api/bookings/{booking['id']}/reschedule", body)

    def read(self, booking: Mapping[str, Any]) -> dict[str, Any]:
        rows = text(
            "SELECT status, start_at, reschedule_count, expires_at FROM bookings"
            " WHERE tenant_id = :tenant AND id = :id"
        )
        with self.owner.database.transaction(self.owner.scope) as transaction:
            found = transaction.execute(rows, {"tenant": self.owner.tenant_id, "id": booking["id"]}).one()
            return found._asdict()

    def events(self, type_: str) -> list[dict[str, Any]]:
        listed = self.owner.get(f"/api/events?types={type_}").get_json()["data"]
        return [event["data"] for event in listed]

    def rows(self) -> dict[str, int]:
        """Count what is stored."""
        with self.owner.database.transaction(self.owner.scope) as transaction:
            return {
                table: transaction.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
                for table in TABLES
            }

    def allocations(self, booking: Mapping[str, Any] | None = None) -> list[Any]:
        statement = text(
            "SELECT resource_id::text, slot_no, starts_at, ends_at, state FROM allocations"
            " WHERE booking_id = coalesce(CAST(:id AS uuid), booking_id) ORDER BY starts_at, slot_no"
        )
        with self.owner.database.transaction(self.owner.scope) as transaction:
            found = transaction.execute(statement, {"id": booking["id"] if booking else None})
            return list(found.all())


def new_salon(owner: Business, *, staff: int = 1, rooms: int = 0, **service: Any) -> Salon:
    """Open a business with so many people and rooms, all of whom one service may take."""
    customer = owner.post("/api/customers", {"name": "Jane Smith"}).get_json()
    people = [create_staff(owner, name=f"Stylist {number}")["id"] for number in range(staff)]
    cabins = [create_resource(owner, "room", name=f"Cabin {number}")["id"] for number in range(rooms)]
    offered = create_service(owner, resources=[*people, *cabins], **service)
    return Salon(owner, customer["id"], people, offered)


def new_dorm(owner: Business, *, beds: int = 6, bookable: int | None = None, **service: Any) -> Salon:
    """Open a hostel with one room; `staff` is that room."""
    customer = owner.post("/api/customers", {"name": "Jane Smith"}).get_json()
    capacity = {"capacity": beds, **({"bookableCapacity": bookable} if bookable is not None else {})}
    room = create_resource(owner, "room", name="Dormitory", **capacity)["id"]
    usual = {"mode": "stay", "priceUnit": "night", "maxCapacity": beds, "name": "Bed"}
    offered = create_service(owner, resources=[room], **{**usual, **service})
    return Salon(owner, customer["id"], [room], offered)


def problem(response: TestResponse, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """Return a refusal, which must be this one."""
    assert response.status_code == status, response.get_data(as_text=True)
    body: dict[str, Any] = response.get_json()
    assert body["code"] == code, body
    if field is not None:
        assert field in [one["field"] for one in body.get("errors", ())], body
    return body
