"""Owners of hours, made over HTTP, and where their hours are."""

from typing import Any

from tests.factories.callers import Business

KINDS = ("staff", "resources", "locations")
TUESDAY = {"tue": [["10:00", "14:00"], ["15:00", "20:00"]]}
CLOSED: dict[str, list[list[str]]] = {day: [] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}

BODIES: dict[str, dict[str, Any]] = {
    "staff": {"name": "Meera"},
    "resources": {"name": "Room 1", "kind": "room"},
    "locations": {"name": "Bandra"},
}


def made(business: Business, kind: str, /, **values: Any) -> str:
    """Create an owner of hours and return its address."""
    response = business.post(f"/api/{kind}", {**BODIES[kind], **values})
    assert response.status_code == 201, response.get_data(as_text=True)
    return str(response.headers["Location"])


def add(business: Business, address: str, body: dict[str, Any]) -> Any:
    """Create an exception or time off and return the answer's body."""
    response = business.post(address, body)
    assert response.status_code == 201, response.get_data(as_text=True)
    return response.json
