"""What a request about the calendar needs to be accepted, where the document's example does not do."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.factories.answers import made
from tests.factories.bookings import book as write_booking
from tests.factories.calendar_objects import (
    class_service,
    entry,
    full_class,
    in_days,
    new_customer,
    offered,
    service,
    staff,
    wish,
)
from tests.factories.callers import Business
from tests.factories.group_sessions import new_class


@dataclass(frozen=True)
class Prepared:
    """The ids of the path, what the body says otherwise than the example, and the query."""

    ids: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] = field(default_factory=dict)
    query: str = ""


def assign_resources(owner: Business) -> Prepared:
    return Prepared(service(owner), {"resources": [{"resourceId": staff(owner)["staff_id"]}]})


def report(owner: Business) -> Prepared:
    return Prepared(query="?from=2026-03-01&to=2026-03-31")


def ask_for_slots(owner: Business) -> Prepared:
    day = in_days(1)[:10]
    return Prepared(query=f"?serviceId={offered(owner)['service_id']}&from={day}&to={day}")


def book(owner: Business) -> Prepared:
    return Prepared(body=wish(owner))


def convert(owner: Business) -> Prepared:
    held = made(owner, "/api/bookings", {**wish(owner), "hold": {"minutes": 10}})
    return Prepared({"booking_id": held["id"]})


def reschedule(owner: Business) -> Prepared:
    return Prepared({"booking_id": made(owner, "/api/bookings", wish(owner))["id"]}, {"startAt": in_days(2)})


def answer_request(owner: Business) -> Prepared:
    """Prepare what a member decides about, which only a program asks for."""
    asked = wish(owner)
    customer, service_id = uuid.UUID(asked["customerId"]), uuid.UUID(asked["serviceId"])
    start = datetime.fromisoformat(asked["startAt"])
    takes = {uuid.UUID(asked["staffId"]): 1}
    booking_id = write_booking(owner, customer, [service_id], start, takes=takes, status="pending")
    return Prepared({"booking_id": str(booking_id)})


def plan_class(owner: Business) -> Prepared:
    return Prepared(body={"serviceId": class_service(owner), "staffId": None})


def complete_class(owner: Business) -> Prepared:
    begun = datetime.now(UTC) - timedelta(minutes=30)
    return Prepared({"session_id": str(new_class(owner, uuid.UUID(class_service(owner)), begun))})


def wait(owner: Business) -> Prepared:
    return Prepared(full_class(owner), {"customerId": new_customer(owner)})


def accept_seat(owner: Business) -> Prepared:
    ids = entry(owner)
    made(owner, f"/api/sessions/{ids['session_id']}", {"capacity": 2}, "PATCH")
    return Prepared(ids)


PREPARED: Mapping[str, Callable[[Business], Prepared]] = {
    "PUT /api/services/{service_id}/resources": assign_resources,
    "GET /api/analytics/bookings": report,
    "GET /api/analytics/utilisation": report,
    "GET /api/analytics/customers": report,
    **{f"GET /api/analytics/{name}": report for name in ("revenue", "collected", "tax", "invoices")},
    "GET /api/availability": ask_for_slots,
    "POST /api/bookings": book,
    "POST /api/bookings/{booking_id}/convert": convert,
    "POST /api/bookings/{booking_id}/reschedule": reschedule,
    "POST /api/bookings/{booking_id}/confirm": answer_request,
    "POST /api/bookings/{booking_id}/decline": answer_request,
    "POST /api/sessions": plan_class,
    "POST /api/session-series": plan_class,
    "POST /api/sessions/{session_id}/complete": complete_class,
    "POST /api/sessions/{session_id}/waitlist": wait,
    "POST /api/sessions/{session_id}/waitlist/{entry_id}/accept": accept_seat,
}
"""By the operation's name."""
