"""Changing, cancelling and completing a class, and what that means for those who have a seat."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from mbs.allocations.repository import AllocationRepository
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.catalog import create_resource, create_staff
from tests.factories.customers import events_of
from tests.factories.group_sessions import (
    book_seat,
    fill,
    new_class_service,
    plan,
    seats_of,
    wait_for,
    waiting,
)
from tests.factories.teams import code_of


@pytest.fixture
def service(owner: Business) -> UUID:
    return new_class_service(owner)


def change(owner: Business, id_: str, **values: Any) -> dict[str, Any]:
    return made(owner, f"/api/sessions/{id_}", values, "PATCH")


def booking(owner: Business, id_: str) -> Any:
    return owner.get(f"/api/bookings/{id_}").get_json()


class TestChange:
    def test_changes_what_it_names_and_tells_the_trail(self, owner: Business, service: UUID) -> None:
        found = plan(owner, service, notes="Bring a mat")
        changed = change(owner, found["id"], name="Yin Yoga", notes=None, capacity=12)

        expected = {"name": "Yin Yoga", "notes": None, "capacity": 12, "remaining": 12, "version": 2}
        assert changed == {**found, **expected, "updatedAt": changed["updatedAt"]}
        event = events_of(owner, found["id"])[-1]
        assert event.type == "session.updated"
        assert event.data["previous"] == {"name": "Yoga", "notes": "Bring a mat", "capacity": 10}

    def test_leaves_nobody_without_a_seat(self, owner: Business, service: UUID) -> None:
        id_ = plan(owner, service)["id"]
        bookings = fill(owner, id_, 3)
        assert code_of(owner.patch(f"/api/sessions/{id_}", {"capacity": 2})) == (409, "CAPACITY_IN_USE")
        assert change(owner, id_, capacity=3)["remaining"] == 0
        body = {"sessionId": id_, "customerId": bookings[0]["customerId"]}
        assert code_of(owner.post("/api/bookings", body)) == (409, "SESSION_FULL")

    def test_moves_whoever_has_a_seat(self, owner: Business, service: UUID) -> None:
        staff = create_staff(owner)["id"]
        id_ = plan(owner, service, staffId=staff)["id"]
        booked = book_seat(owner, id_)

        moved = change(owner, id_, date="2031-03-04", startTime="19:30")

        assert (moved["startAt"], moved["endAt"]) == ("2031-03-04T14:00:00Z", "2031-03-04T15:00:00Z")
        assert moved["taken"] == 1
        event = events_of(owner, booked["id"])[-1]
        assert (event.type, event.data["object"]["start_at"]) == (
            "booking.rescheduled",
            "2031-03-04T14:00:00.000000Z",
        )
        assert event.data["object"]["items"][0]["start_at"].startswith("2031-03-04T14:00:00")
        assert event.data["object"]["reschedule_count"] == 0
        with owner.database.transaction(owner.scope) as transaction:
            (seat,) = AllocationRepository(transaction).of_booking(UUID(booked["id"]))
        assert (seat.starts_at, seat.ends_at) == tuple(
            datetime(2031, 3, 4, hour, tzinfo=UTC) for hour in (14, 15)
        )
        # The person is free at the former time, and taken at the new one.
        plan(owner, service, staffId=staff)
        body = {"serviceId": str(service), "staffId": staff, "date": "2031-03-04", "startTime": "20:00"}
        assert code_of(owner.post("/api/sessions", body)) == (409, "SLOT_UNAVAILABLE")

    def test_may_overlap_the_time_that_it_had(self, owner: Business, service: UUID) -> None:
        staff = create_staff(owner)["id"]
        id_ = plan(owner, service, staffId=staff)["id"]
        fill(owner, id_, 2)
        assert change(owner, id_, date="2031-03-03", startTime="18:30")["taken"] == 2

    def test_gives_the_class_to_somebody_else_or_nobody(self, owner: Business, service: UUID) -> None:
        one, other = (create_staff(owner)["id"] for _ in range(2))
        room = create_resource(owner)["id"]
        id_ = plan(owner, service, staffId=one)["id"]
        second = plan(owner, service, staffId=other)["id"]

        refused = owner.patch(f"/api/sessions/{id_}", {"staffId": other})
        assert code_of(refused) == (409, "SLOT_UNAVAILABLE")
        assert owner.get(f"/api/sessions/{id_}").get_json()["staffId"] == one

        assert change(owner, second, staffId=None)["staffId"] is None
        changed = change(owner, id_, staffId=other, roomId=room)
        assert (changed["staffId"], changed["roomId"]) == (other, room)
        assert plan(owner, service, staffId=one)["staffId"] == one

    def test_heeds_the_version(self, owner: Business, service: UUID) -> None:
        id_ = plan(owner, service)["id"]
        response = owner.patch(f"/api/sessions/{id_}", {"name": "A"}, headers={"If-Match": '"7"'})
        assert response.status_code == 412
        response = owner.patch(f"/api/sessions/{id_}", {"name": "A"}, headers={"If-Match": '"1"'})
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
        assert owner.delete(f"/api/sessions/{id_}", headers={"If-Match": '"1"'}).status_code == 412

    def test_ends_with_the_class(self, owner: Business, service: UUID) -> None:
        id_ = plan(owner, service)["id"]
        made(owner, f"/api/sessions/{id_}/cancel", {})
        assert code_of(owner.patch(f"/api/sessions/{id_}", {"name": "A"})) == (409, "INVALID_STATE")


class TestCancel:
    def test_cancels_all_bookings_and_frees_everybody(self, owner: Business, service: UUID) -> None:
        staff, room = create_staff(owner)["id"], create_resource(owner)["id"]
        id_ = plan(owner, service, staffId=staff, roomId=room, capacity=2)["id"]
        confirmed, held = book_seat(owner, id_), book_seat(owner, id_, hold={"minutes": 5})
        entry = wait_for(owner, id_)

        cancelled = made(owner, f"/api/sessions/{id_}/cancel", {"reason": "The teacher is ill"})

        assert (cancelled["status"], cancelled["taken"], cancelled["version"]) == ("cancelled", 0, 2)
        assert (cancelled["staffId"], cancelled["roomId"]) == (staff, room)
        told = {one["id"]: events_of(owner, one["id"])[-1] for one in (confirmed, held, entry, cancelled)}
        assert [event.type for event in told.values()] == [
            "booking.cancelled",
            "booking.expired",
            "waitlist.expired",
            "session.cancelled",
        ]
        ended = told[confirmed["id"]].data["object"]
        assert (ended["cancelled_by"], ended["cancel_reason"]) == ("business", "The teacher is ill")
        assert told[id_].data["reason"] == "The teacher is ill"
        assert waiting(owner, id_) == []
        plan(owner, service, staffId=staff, roomId=room)

    def test_changes_nothing_twice(self, owner: Business, service: UUID) -> None:
        id_ = plan(owner, service)["id"]
        assert owner.delete(f"/api/sessions/{id_}").status_code == 204
        assert owner.delete(f"/api/sessions/{id_}").status_code == 204
        again = made(owner, f"/api/sessions/{id_}/cancel", {"reason": "Once more"})
        assert (again["status"], again["version"]) == ("cancelled", 2)
        assert [event.type for event in events_of(owner, id_)] == ["session.created", "session.cancelled"]
        assert [one["id"] for one in listed(owner, "/api/sessions?status=cancelled")] == [id_]

    def test_leaves_nothing_to_book(self, owner: Business, service: UUID) -> None:
        id_ = plan(owner, service)["id"]
        made(owner, f"/api/sessions/{id_}/cancel", {})
        body = {"sessionId": id_, "customer": {"name": "Jane"}}
        assert code_of(owner.post("/api/bookings", body)) == (409, "INVALID_STATE")


class TestComplete:
    def test_is_of_what_has_begun(self, owner: Business, service: UUID) -> None:
        future, past = plan(owner, service)["id"], plan(owner, service, startAt="2020-03-03T18:00:00Z")["id"]
        assert code_of(owner.post(f"/api/sessions/{future}/complete")) == (409, "INVALID_STATE")
        for _ in range(2):
            completed = made(owner, f"/api/sessions/{past}/complete", None)
            assert (completed["status"], completed["version"]) == ("completed", 2)
        assert [event.type for event in events_of(owner, past)] == ["session.created", "session.completed"]
        assert code_of(owner.post(f"/api/sessions/{past}/cancel", {})) == (409, "INVALID_STATE")

    def test_leaves_its_bookings_as_they_are(self, owner: Business, service: UUID) -> None:
        past = plan(owner, service, startAt="2020-03-03T18:00:00Z")["id"]
        booked = book_seat(owner, past, override={"notice": True})
        made(owner, f"/api/sessions/{past}/complete", None)
        assert [event.type for event in events_of(owner, booked["id"])] == ["booking.created"]
        assert seats_of(owner, past) == (1, 9)
