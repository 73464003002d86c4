"""Bookings of seats: who comes, who gets a seat that is free again, what a cancelled class does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from mbs.bookings.repository.of_sessions import cancel_bookings
from tests.factories.bookings import book, new_customer
from tests.factories.callers import Business
from tests.factories.group_sessions import book_seat, new_class, new_class_service, wait_for
from tests.factories.salons import day, problem

STATES = text("SELECT state FROM allocations WHERE booking_id = :id")


@pytest.fixture
def service(owner: Business) -> UUID:
    return new_class_service(owner)


@pytest.fixture
def course(owner: Business, service: UUID) -> UUID:
    return new_class(owner, service, day())


def seat(owner: Business, service: UUID, course: UUID, number: int, **values: Any) -> UUID:
    usual: dict[str, Any] = {"mode": "session", "session_id": course, "takes": {course: number}}
    return book(owner, new_customer(owner), [service], day(), **{**usual, **values})


def attendees(owner: Business, course: UUID, query: str = "") -> list[dict[str, Any]]:
    listed = owner.get(f"/api/sessions/{course}/attendees?{query}").get_json()
    found: list[dict[str, Any]] = listed["data"]
    return found


class TestAttendees:
    def test_are_whoever_has_a_seat_came_or_did_not_come(
        self, owner: Business, service: UUID, course: UUID
    ) -> None:
        now = datetime.now(UTC)
        here = [seat(owner, service, course, number + 1) for number in range(3)]
        gone = seat(owner, service, course, 4, status="cancelled", cancelled_at=now, takes=None)
        seat(owner, service, course, 5, status="held", expires_at=now - timedelta(hours=1), takes=None)
        assert owner.post(f"/api/bookings/{here[1]}/no-show").status_code == 200
        assert owner.post(f"/api/bookings/{here[2]}/check-in").status_code == 200
        shown = attendees(owner, course, "expand=customer")
        assert [(one["id"], one["status"]) for one in shown] == [
            (str(here[0]), "confirmed"),
            (str(here[1]), "no_show"),
            (str(here[2]), "checked_in"),
        ]
        assert {one["customer"]["name"] for one in shown} == {"Jane Smith"}
        assert [one["id"] for one in attendees(owner, course, "status=cancelled")] == [str(gone)]

    def test_are_those_of_a_class_that_there_is(self, owner: Business, service: UUID, course: UUID) -> None:
        assert attendees(owner, course) == []
        problem(owner.get(f"/api/sessions/{service}/attendees"), 404, "NOT_FOUND")
        problem(
            owner.get(f"/api/sessions/{course}/attendees?from=2031-01-01T00:00:00Z"), 400, "VALIDATION_ERROR"
        )


class TestASeat:
    def test_that_is_given_up_goes_to_who_waits(self, owner: Business, service: UUID) -> None:
        course = new_class(owner, service, day(), capacity=1)
        first = book_seat(owner, course)
        entry = wait_for(owner, course)
        assert owner.delete(f"/api/bookings/{first['id']}").status_code == 204
        waiting = owner.get(f"/api/sessions/{course}/waitlist/{entry['id']}").get_json()
        assert waiting["status"] == "offered"

    def test_is_not_taken_back_in_a_class_that_is_cancelled(
        self, owner: Business, service: UUID, course: UUID
    ) -> None:
        id_ = seat(owner, service, course, 1)
        assert owner.post(f"/api/bookings/{id_}/no-show").status_code == 200
        assert owner.post(f"/api/sessions/{course}/cancel", {}).status_code == 200
        problem(owner.post(f"/api/bookings/{id_}/confirm"), 409, "INVALID_STATE")

    def test_is_taken_back_in_one_that_is_not(self, owner: Business, service: UUID, course: UUID) -> None:
        id_ = seat(owner, service, course, 1)
        for action in ("no-show", "confirm"):
            assert owner.post(f"/api/bookings/{id_}/{action}").status_code == 200


class TestACancelledClass:
    def test_cancels_what_was_agreed_and_lets_the_rest_expire(
        self, owner: Business, service: UUID, course: UUID
    ) -> None:
        soon, past = (datetime.now(UTC) + timedelta(hours=hours) for hours in (1, -1))
        expected = {
            seat(owner, service, course, 1): ("cancelled", ["booking.cancelled"]),
            seat(owner, service, course, 2, status="checked_in"): ("cancelled", ["booking.cancelled"]),
            seat(owner, service, course, 3, status="pending", expires_at=soon): (
                "cancelled",
                ["booking.cancelled"],
            ),
            seat(owner, service, course, 4, status="held", expires_at=soon): ("expired", ["booking.expired"]),
            seat(owner, service, course, 5, status="pending", expires_at=past): (
                "expired",
                ["booking.expired"],
            ),
            seat(owner, service, course, 6, status="completed", takes=None): ("completed", []),
        }
        for _ in range(2):
            with owner.database.transaction(owner.scope) as transaction:
                at = datetime.now(UTC)
                cancel_bookings(transaction, course, at=at, reason="The teacher is ill")
        for id_, (status, events) in expected.items():
            view = owner.get(f"/api/bookings/{id_}").get_json()
            assert view["status"] == status
            if status == "cancelled":
                assert (view["cancelledBy"], view["cancelReason"]) == ("business", "The teacher is ill")
            told = owner.get(f"/api/events?objectId={id_}").get_json()["data"]
            assert [event["type"] for event in told] == events
            with owner.database.transaction(owner.scope) as transaction:
                assert set(transaction.execute(STATES, {"id": id_}).scalars()) <= {"released"}
