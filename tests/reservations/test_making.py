"""New bookings: who does them, what they cost, what is written."""

from datetime import timedelta
from decimal import Decimal

from tests.factories.callers import Business
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.salons import day, new_dorm, new_salon, problem, wire


class TestABooking:
    def test_is_answered_as_it_is_read_later(self, owner: Business) -> None:
        salon = new_salon(owner, rooms=1, bufferBefore=5, bufferAfter=10)
        response = salon.post(notes="first visit", internalNotes="likes tea")
        booking = response.get_json()
        assert response.status_code == 201, booking
        assert response.headers["Location"] == f"/api/bookings/{booking['id']}"
        assert response.headers["ETag"] == '"1"'
        assert booking["status"] == "confirmed" and booking["source"] == "staff"
        assert booking["startAt"] == wire(day()) and booking["endAt"] == wire(day(hour=11))
        assert booking["amount"] == "500.00" and booking["staffId"] == salon.staff[0]
        assert booking["bookingDate"] == day().date().isoformat() and booking["startTime"] == "15:30"
        taken = [(one.starts_at, one.ends_at) for one in salon.allocations(booking)]
        assert taken == [(day() - timedelta(minutes=5), day(hour=11) + timedelta(minutes=10))] * 2
        read = owner.get(f"/api/bookings/{booking['id']}")
        assert read.get_json() == booking
        (event,) = salon.events("booking.created")
        assert event["object"]["reference"] == booking["reference"] and event["previous"] == {}
        assert event["object"]["amount"] == "500.00" and "overrides" not in event

    def test_takes_a_local_time_of_the_location(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book(bookingDate=day().date().isoformat(), startTime="15:30")
        assert booking["startAt"] == wire(day())
