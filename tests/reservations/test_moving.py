"""The same booking at another time."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories.api_keys import program
from tests.factories.callers import Business
from tests.factories.catalog import create_service
from tests.factories.salons import day, new_dorm, new_salon, problem, wire

HALF = timedelta(minutes=30)


class TestAMove:
    def test_keeps_the_booking_and_says_where_it_was(self, owner: Business) -> None:
        salon = new_salon(owner, rooms=1, bufferAfter=10)
        booking = salon.book()
        response = salon.move(booking, startAt=wire(day(12)))
        moved = response.get_json()
        assert response.status_code == 200
        assert response.headers["ETag"] == '"2"'
        kept = ("id", "reference", "staffId", "amount", "status", "createdAt")
        assert [moved[name] for name in kept] == [booking[name] for name in kept]
        assert (moved["startAt"], moved["endAt"]) == (wire(day(12)), wire(day(12, 11)))
        assert moved["rescheduleCount"] == 1
        assert owner.get(f"/api/bookings/{booking['id']}").get_json() == moved
        assert {one.starts_at for one in salon.allocations(booking)} == {day(12)}
        (event,) = salon.events("booking.rescheduled")
        assert datetime.fromisoformat(event["previous"]["start_at"]) == day()
        assert datetime.fromisoformat(event["object"]["start_at"]) == day(12)
        salon.book()

    def test_may_overlap_its_own_former_time(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book()
        assert salon.move(booking, startAt=wire(day() + HALF)).status_code == 200
        assert [one.starts_at for one in salon.allocations(booking)] == [day() + HALF]

    def test_is_made_once(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book()
        first, again = (salon.move(booking, startAt=wire(day(12))) for _ in range(2))
        assert first.get_json() == again.get_json()
        assert len(salon.events("booking.rescheduled")) == 1

    def test_to_a_time_that_is_taken_leaves_it_where_it_was(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking, other = salon.book(), salon.book(startAt=wire(day(12)))
        before = salon.rows()
        refused = problem(salon.move(booking, startAt=wire(day(12) + HALF)), 409, "SLOT_UNAVAILABLE")
        assert refused["alternatives"][0] == {"startAt": wire(day(12, 11)), "staffId": salon.staff[0]}
        assert salon.rows() == before
        assert owner.get(f"/api/bookings/{booking['id']}").get_json() == booking
        assert owner.get(f"/api/bookings/{other['id']}").get_json() == other

    def test_goes_to_whoever_is_named_at_their_price(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        senior = [{"resourceId": salon.staff[0]}, {"resourceId": salon.staff[1], "price": "900.00"}]
        path = f"/api/services/{salon.service['id']}/resources"
        assert owner.call("PUT", path, {"resources": senior}).status_code == 200
        booking = salon.book(staffId=salon.staff[0])
        salon.book(staffId=salon.staff[0], startAt=wire(day(12)))
        problem(salon.move(booking, startAt=wire(day(12))), 409, "SLOT_UNAVAILABLE")
        moved = salon.move(booking, startAt=wire(day(12)), staffId=salon.staff[1]).get_json()
        assert (moved["staffId"], moved["amount"]) == (salon.staff[1], "900.00")

    def test_keeps_the_price_and_length_that_were_agreed(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book()
        path = f"/api/services/{salon.service['id']}"
        assert owner.patch(path, {"price": "700.00", "duration": 90}).status_code == 200
        moved = salon.move(booking, startAt=wire(day(12))).get_json()
        assert (moved["amount"], moved["endAt"]) == ("500.00", wire(day(12, 11)))

    def test_takes_all_services_along(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        cut = create_service(owner, name="Cut", duration=30, resources=salon.staff)["id"]
        items = [
            {"serviceId": cut, "startAt": wire(day())},
            {"serviceId": salon.service["id"], "startAt": wire(day(hour=11))},
        ]
        booking = salon.book(items=items)
        local = {"bookingDate": f"{day(12):%Y-%m-%d}", "startTime": "16:00"}
        moved = salon.move(booking, **local).get_json()
        starts = [one["startAt"] for one in moved["items"]]
        assert starts == [wire(day(12) + HALF), wire(day(12) + HALF + timedelta(hours=1))]
        problem(
            salon.move(booking, startAt=wire(day(13)), staffId=salon.staff[0]),
            400,
            "VALIDATION_ERROR",
            "staffId",
        )

    def test_of_a_hold_keeps_its_end(self, owner: Business) -> None:
        salon = new_salon(owner)
        held = salon.book(hold={})
        moved = salon.move(held, startAt=wire(day(12))).get_json()
        assert (moved["status"], moved["expiresAt"]) == ("held", held["expiresAt"])
        assert [one.state for one in salon.allocations(held)] == ["held"]

    @pytest.mark.parametrize("act", ["cancel", "complete"])
    def test_is_for_what_is_still_to_come(self, owner: Business, act: str) -> None:
        salon = new_salon(owner)
        booking = salon.book(startAt=wire(datetime.now(UTC)))
        done = owner.post(f"/api/bookings/{booking['id']}/{act}", {})
        assert done.status_code == 200, done.get_data(as_text=True)
        problem(salon.move(booking, startAt=wire(day())), 409, "INVALID_STATE")

    def test_respects_the_version_that_was_seen(self, owner: Business) -> None:
        salon = new_salon(owner)
        booking = salon.book()
        path = f"/api/bookings/{booking['id']}/reschedule"
        stale = owner.post(path, {"startAt": wire(day(12))}, headers={"If-Match": '"7"'})
        problem(stale, 412, "PRECONDITION_FAILED")


class TestAStay:
    def test_gets_longer_in_its_bed(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=2)
        nights = {"checkIn": f"{day(10):%Y-%m-%d}", "checkOut": f"{day(12):%Y-%m-%d}"}
        booking = hostel.book(**nights)
        longer = {**nights, "checkOut": f"{day(15):%Y-%m-%d}"}
        moved = hostel.move(booking, **longer).get_json()
        assert (moved["checkOut"], moved["amount"]) == (longer["checkOut"], "2500.00")
        assert moved["resources"] == booking["resources"]
        problem(hostel.move(booking, startAt=wire(day())), 400, "VALIDATION_ERROR", "checkIn")


class TestACustomer:
    def test_moves_early_enough_and_not_too_often(self, owner: Business) -> None:
        policy = {"maxReschedules": 2, "rescheduleNoticeMin": 240}
        salon, shop = new_salon(owner, policy=policy), program(owner, "bookings:write")
        booking = salon.book()
        for number in (11, 12):
            assert salon.move(booking, by=shop, startAt=wire(day(number))).status_code == 200
        problem(salon.move(booking, by=shop, startAt=wire(day(13))), 409, "RESCHEDULE_LIMIT")
        assert salon.move(booking, startAt=wire(day(13))).status_code == 200
        soon = datetime.now(UTC) + timedelta(hours=3)
        late = salon.book(startAt=wire(soon))
        problem(salon.move(late, by=shop, startAt=wire(day(14))), 409, "NOTICE_TOO_SHORT")
        assert salon.move(late, startAt=wire(day(14))).status_code == 200

    def test_moves_to_no_time_that_it_could_not_book(self, owner: Business) -> None:
        salon, shop = new_salon(owner, policy={"maxAdvanceDays": 30}), program(owner, "bookings:write")
        booking = salon.book()
        problem(salon.move(booking, by=shop, startAt=wire(day(40))), 409, "TOO_FAR_AHEAD")
        soon = datetime.now(UTC) + timedelta(minutes=10)
        problem(salon.move(booking, by=shop, startAt=wire(soon)), 409, "NOTICE_TOO_SHORT")
        assert salon.move(booking, startAt=wire(day(40))).status_code == 200
