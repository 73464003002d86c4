"""An object of the calendar for each id that a path of the API can name."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.factories.answers import made
from tests.factories.callers import Business

Maker = Callable[[Business], dict[str, str]]


def in_days(days: float) -> str:
    """Return a full hour so many days from now, as text."""
    at = datetime.now(UTC) + timedelta(days=days)
    return f"{at:%Y-%m-%dT%H:00:00Z}"


def new_customer(owner: Business) -> str:
    return str(made(owner, "/api/customers", {"name": "Jane Smith"})["id"])


def service(owner: Business) -> dict[str, str]:
    body = {"name": "Haircut", "price": "999.00", "duration": 60}
    return {"service_id": made(owner, "/api/services", body)["id"]}


def resource(owner: Business) -> dict[str, str]:
    return {"resource_id": made(owner, "/api/resources", {"kind": "room", "name": "Cabin"})["id"]}


def staff(owner: Business) -> dict[str, str]:
    return {"staff_id": made(owner, "/api/staff", {"name": "Meera"})["id"]}


def location(owner: Business) -> dict[str, str]:
    return {"location_id": made(owner, "/api/locations", {"name": "Bandra"})["id"]}


def exception(path: str, make: Maker) -> Maker:
    """Return a maker of a date that differs from the week, of one kind of owner."""

    def of(owner: Business) -> dict[str, str]:
        ids = make(owner)
        body = {"date": "2026-12-25", "windows": []}
        return {**ids, "exception_id": made(owner, f"{path.format_map(ids)}/exceptions", body)["id"]}

    return of


def time_off(path: str, make: Maker) -> Maker:
    """Return a maker of time off, of one kind of owner."""

    def of(owner: Business) -> dict[str, str]:
        ids = make(owner)
        body = {"startAt": "2026-08-03T00:00:00Z", "endAt": "2026-08-10T00:00:00Z"}
        return {**ids, "time_off_id": made(owner, f"{path.format_map(ids)}/time-off", body)["id"]}

    return of


def offered(owner: Business) -> dict[str, str]:
    """Make a service and somebody who does it."""
    ids = {**service(owner), **staff(owner)}
    body = {"resources": [{"resourceId": ids["staff_id"]}]}
    made(owner, f"/api/services/{ids['service_id']}/resources", body, "PUT")
    return ids


def wish(owner: Business, days: float = 1) -> dict[str, Any]:
    """Return what books a service that is made for it."""
    ids = offered(owner)
    return {
        "customerId": new_customer(owner),
        "serviceId": ids["service_id"],
        "staffId": ids["staff_id"],
        "startAt": in_days(days),
    }


def booking(owner: Business) -> dict[str, str]:
    return {"booking_id": made(owner, "/api/bookings", wish(owner))["id"]}


def class_service(owner: Business) -> str:
    body = {"name": "Yoga", "mode": "session", "price": "500.00", "duration": 60, "maxCapacity": 10}
    return str(made(owner, "/api/services", body)["id"])


def group_class(owner: Business, capacity: int = 10) -> dict[str, str]:
    body = {"serviceId": class_service(owner), "startAt": in_days(1), "capacity": capacity}
    return {"session_id": made(owner, "/api/sessions", body)["id"]}


def full_class(owner: Business) -> dict[str, str]:
    ids = group_class(owner, capacity=1)
    made(owner, "/api/bookings", {"customerId": new_customer(owner), "sessionId": ids["session_id"]})
    return ids


def entry(owner: Business) -> dict[str, str]:
    ids = full_class(owner)
    path = f"/api/sessions/{ids['session_id']}/waitlist"
    return {**ids, "entry_id": made(owner, path, {"customerId": new_customer(owner)})["id"]}


def whole_calendar(owner: Business) -> dict[str, str]:
    """Make a row in every table of the calendar; return the ids by what a path calls them."""
    wanted = wish(owner)
    ids = {"service_id": str(wanted["serviceId"]), "staff_id": str(wanted["staffId"])}
    place = f"/api/staff/{ids['staff_id']}"
    made(owner, f"{place}/schedule", {"week": {"sun": [["01:00", "02:00"]]}}, "PUT")
    ids["exception_id"] = made(owner, f"{place}/exceptions", {"date": "2026-12-25", "windows": []})["id"]
    off = {"startAt": "2026-08-03T00:00:00Z", "endAt": "2026-08-10T00:00:00Z"}
    ids["time_off_id"] = made(owner, f"{place}/time-off", off)["id"]
    ids["booking_id"] = made(owner, "/api/bookings", {**wanted, "override": {"hours": True}})["id"]
    return {**ids, **entry(owner), "customer_id": wanted["customerId"]}


OWNERS: Mapping[str, Maker] = {
    "/api/staff/{staff_id}": staff,
    "/api/resources/{resource_id}": resource,
    "/api/locations/{location_id}": location,
}
"""Those that have hours."""

MAKERS: Mapping[str, Maker] = {
    "/api/seed/{preset}": lambda owner: {"preset": "consultancy"},
    "/api/services/{service_id}": service,
    "/api/bookings/{booking_id}": booking,
    "/api/sessions/{session_id}": group_class,
    "/api/sessions/{session_id}/waitlist/{entry_id}": entry,
    **OWNERS,
    **{f"{path}/exceptions/{{exception_id}}": exception(path, make) for path, make in OWNERS.items()},
    **{f"{path}/time-off/{{time_off_id}}": time_off(path, make) for path, make in OWNERS.items()},
}
