"""New bookings: who does them, what they cost, and what is written."""

from datetime import UTC, datetime, timedelta

import pytest

from mbs.foundation.local_time import local
from tests.factories.callers import Business
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.salons import day, new_dorm, new_salon, problem, wire


def minutes(number: int) -> timedelta:
    return timedelta(minutes=number)


class TestABooking:
    def test_takes_its_resources_with_the_buffers_and_shows_them_without(self, owner: Business) -> None:
        salon = new_salon(owner, rooms=1, bufferBefore=5, bufferAfter=10)
        booking = salon.book(notes="first visit", internalNotes="likes tea")
        expected = {
            "status": "confirmed",
            "source": "staff",
            "startAt": wire(day()),
            "endAt": wire(day(hour=11)),
            "bookingDate": day().date().isoformat(),
            "startTime": "15:30",
            "amount": "500.00",
            "staffId": salon.staff[0],
            "notes": "first visit",
            "internalNotes": "likes tea",
            "version": 1,
        }
        assert {name: booking[name] for name in expected} == expected
        taken = [(one.starts_at, one.ends_at) for one in salon.allocations(booking)]
        assert taken == [(day() - minutes(5), day(hour=11) + minutes(10))] * 2

    @pytest.mark.parametrize("kind", ["segments", "stay"])
    def test_is_answered_as_it_is_read_later(self, owner: Business, kind: str) -> None:
        if kind == "stay":
            salon = new_dorm(owner)
            nights = {"checkIn": f"{day():%Y-%m-%d}", "checkOut": f"{day(13):%Y-%m-%d}"}
            response = salon.post(**nights, partySize=3)
        else:
            both = {"minutes": 20, "needs": ["staff", "room"]}
            segments = [both, {"minutes": 30, "needs": ["room"]}, {"minutes": 10, "needs": ["staff"]}]
            salon = new_salon(owner, rooms=1, segments=segments)
            response = salon.post()
        booking = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/bookings/{booking['id']}"
        assert response.headers["ETag"] == '"1"'
        read = owner.get(response.headers["Location"])
        assert read.headers["ETag"] == '"1"'
        assert read.get_json() == booking

    def test_tells_the_trail_what_it_is(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book()
        (event,) = salon.events("booking.created")
        assert event["object"]["id"] == booking["id"]
        assert event["object"]["amount"] == "500.00"
        assert event["object"]["items"][0]["unit_price"] == "500.00"
        assert event["previous"] == {}
        assert "overrides" not in event

    def test_takes_a_local_time_of_the_location(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book(bookingDate=day().date().isoformat(), startTime="15:30")
        assert booking["startAt"] == wire(day())

    def test_brings_its_customer_along(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book(customerId=None, customer={"name": "Asha", "phone": "+919876543210"})
        customer = owner.get(f"/api/customers/{booking['customerId']}").get_json()
        assert (customer["name"], customer["phone"]) == ("Asha", "+919876543210")
        (event,) = [e for e in salon.events("customer.created") if e["object"]["name"] == "Asha"]
        assert event["object"]["id"] == customer["id"]

    def test_happens_once_for_one_key(self, owner: Business) -> None:
        salon = new_salon(owner)
        first, again = (salon.post(headers={"Idempotency-Key": "k1"}) for _ in range(2))
        assert (first.status_code, again.status_code) == (201, 201)
        assert first.data == again.data
        refused = salon.post(headers={"Idempotency-Key": "k2"})
        assert len(problem(refused, 409, "SLOT_UNAVAILABLE")["alternatives"]) == 3
        assert salon.rows()["bookings"] == 1

    def test_can_be_rehearsed(self, owner: Business) -> None:
        salon = new_salon(owner)
        before = salon.rows()
        rehearsed = owner.post("/api/bookings?dryRun=true", salon.asked())
        assert rehearsed.status_code == 201
        assert rehearsed.get_json()["amount"] == "500.00"
        assert salon.rows() == before


class TestWhoeverDoesIt:
    def test_is_the_first_who_is_free(self, owner: Business) -> None:
        salon = new_salon(owner, staff=3)
        assert [salon.book()["staffId"] for _ in range(3)] == salon.staff
        problem(salon.post(), 409, "SLOT_UNAVAILABLE")

    def test_is_the_least_busy_that_day(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2, policy={"assignment": "least_busy"})
        salon.book(staffId=salon.staff[0], startAt=wire(day(hour=5)))
        assert salon.book()["staffId"] == salon.staff[1]
        salon.book(staffId=salon.staff[1], startAt=wire(day(hour=7)))
        assert salon.book(startAt=wire(day(hour=12)))["staffId"] == salon.staff[0]
        # Another day counts anew.
        assert salon.book(startAt=wire(day(12)))["staffId"] == salon.staff[0]

    def test_is_named_where_the_business_wants_that(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2, policy={"assignment": "requested"})
        problem(salon.post(), 400, "VALIDATION_ERROR", "staffId")
        assert salon.book(staffId=salon.staff[1])["staffId"] == salon.staff[1]
        assert salon.book(resourceId=salon.staff[0])["staffId"] == salon.staff[0]

    def test_has_a_price_and_a_duration_of_their_own(self, owner: Business) -> None:
        salon = new_salon(owner)
        senior = {"resourceId": salon.staff[0], "price": "800.00", "duration": 45}
        assign(owner, salon.service["id"], [senior])
        booking = salon.book()
        assert (booking["amount"], booking["endAt"]) == ("800.00", wire(day() + minutes(45)))

    def test_is_free_while_the_color_works(self, owner: Business) -> None:
        both = {"minutes": 30, "needs": ["staff", "room"]}
        segments = [both, {"minutes": 40, "needs": ["room"]}, {"minutes": 20, "needs": ["staff", "room"]}]
        salon = new_salon(owner, rooms=1, segments=segments, duration=90)
        salon.book()
        cut = create_service(owner, name="Cut", duration=40, resources=salon.staff)["id"]
        salon.book(serviceId=cut, startAt=wire(day() + minutes(30)))
        problem(salon.post(serviceId=cut, startAt=wire(day() + minutes(31))), 409, "SLOT_UNAVAILABLE")
        problem(salon.post(startAt=wire(day() + minutes(30))), 409, "SLOT_UNAVAILABLE")

    def test_works_where_the_room_is(self, owner: Business) -> None:
        salon = new_salon(owner, staff=1)
        elsewhere = owner.post("/api/locations", {"name": "Bandra"}).get_json()["id"]
        far = create_resource(owner, "room", name="Far", locationId=elsewhere)["id"]
        assign(owner, salon.service["id"], [*salon.staff, far])
        problem(salon.post(), 409, "SLOT_UNAVAILABLE")
        there = create_staff(owner, name="There", locationId=elsewhere)["id"]
        assign(owner, salon.service["id"], [*salon.staff, far, there])
        booking = salon.book()
        assert (booking["staffId"], booking["locationId"]) == (there, elsewhere)


class TestSeveralServices:
    def test_follow_one_another(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        cut = create_service(owner, name="Cut", duration=30, price="300.00", resources=salon.staff)["id"]
        items = [{"serviceId": cut}, {"serviceId": salon.service["id"], "staffId": salon.staff[1]}]
        booking = salon.book(items=items, startAt=wire(day()))
        starts = [(one["startAt"], one["endAt"]) for one in booking["items"]]
        assert starts == [
            (wire(day()), wire(day() + minutes(30))),
            (wire(day() + minutes(30)), wire(day() + minutes(90))),
        ]
        assert (booking["amount"], booking["endAt"]) == ("800.00", wire(day() + minutes(90)))
        assert [one["resourceId"] for one in booking["resources"]] == salon.staff
        assert owner.get(f"/api/bookings/{booking['id']}").get_json() == booking

    def test_happen_at_once_when_they_say_so(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        both = [{"serviceId": salon.service["id"], "startAt": wire(day())}] * 2
        booking = salon.book(items=both)
        assert sorted(one["resourceId"] for one in booking["resources"]) == sorted(salon.staff)
        assert booking["endAt"] == wire(day(hour=11))
        problem(salon.post(items=both[:1]), 409, "SLOT_UNAVAILABLE")

    def test_are_shared_out_so_that_all_can_be_done(self, owner: Business) -> None:
        """The first could be done by either, the second by one alone."""
        salon = new_salon(owner, staff=2)
        only = create_service(owner, name="Color", resources=salon.staff[:1])["id"]
        items = [{"serviceId": one, "startAt": wire(day())} for one in (salon.service["id"], only)]
        booking = salon.book(items=items)
        assert [one["resourceId"] for one in booking["resources"]] == salon.staff[::-1]

    def test_are_all_made_or_none(self, owner: Business) -> None:
        salon = new_salon(owner)
        before = salon.rows()
        items = [{"serviceId": salon.service["id"], "startAt": wire(day())}] * 2
        problem(salon.post(items=items), 409, "SLOT_UNAVAILABLE")
        assert salon.rows() == before


class TestAStay:
    def test_takes_a_bed_for_each_guest_and_costs_each_of_them_each_night(self, owner: Business) -> None:
        hostel = new_dorm(owner)
        nights = {"checkIn": f"{day():%Y-%m-%d}", "checkOut": f"{day(13):%Y-%m-%d}"}
        booking = hostel.book(**nights, partySize=2)
        assert (booking["checkIn"], booking["checkOut"]) == (nights["checkIn"], nights["checkOut"])
        assert (booking["startTime"], booking["endTime"]) == ("14:00", "11:00")
        assert (booking["amount"], booking["items"][0]["quantity"]) == ("3000.00", "6.000")
        assert [one.slot_no for one in hostel.allocations(booking)] == [1, 2]

    def test_follows_another_in_its_bed_on_the_day_it_ends(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=1)
        for first in (10, 12, 14):
            hostel.book(checkIn=f"{day(first):%Y-%m-%d}", checkOut=f"{day(first + 2):%Y-%m-%d}")
        asked = {"checkIn": f"{day(11):%Y-%m-%d}", "checkOut": f"{day(13):%Y-%m-%d}"}
        problem(hostel.post(**asked), 409, "SLOT_UNAVAILABLE")

    def test_does_not_count_guests_who_share_a_bed_one_after_the_other(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=2)
        for first in (10, 12):
            hostel.book(checkIn=f"{day(first):%Y-%m-%d}", checkOut=f"{day(first + 2):%Y-%m-%d}")
        booking = hostel.book(checkIn=f"{day(10):%Y-%m-%d}", checkOut=f"{day(14):%Y-%m-%d}")
        assert [one["slotNo"] for one in booking["resources"]] == [2]

    def test_that_has_no_bed_is_told_of_others(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=1)
        other = create_resource(owner, "room", name="Attic")["id"]
        dear = {"resourceId": other, "price": "900.00"}
        assign(owner, hostel.service["id"], [hostel.staff[0], dear])
        nights = {"checkIn": f"{day(10):%Y-%m-%d}", "checkOut": f"{day(12):%Y-%m-%d}"}
        hostel.book(**nights, resourceId=hostel.staff[0])
        asked = {**nights, "resourceId": hostel.staff[0]}
        refused = problem(hostel.post(**asked), 409, "SLOT_UNAVAILABLE")
        assert [one["resourceId"] for one in refused["alternatives"]] == [other]
        assert hostel.book(**nights)["amount"] == "1800.00"

    def test_may_begin_today_though_beds_are_given_out_since_midnight(self, owner: Business) -> None:
        hostel = new_dorm(owner, policy={"checkInTime": "00:00"})
        today = local(datetime.now(UTC), "Asia/Kolkata").date()
        over = {"checkIn": str(today - timedelta(days=1)), "checkOut": str(today + timedelta(days=2))}
        problem(hostel.post(**over), 409, "NOTICE_TOO_SHORT")
        hostel.book(checkIn=str(today), checkOut=str(today + timedelta(days=2)))
