"""Ways around the rules that bind customers' programs, each of which was open once."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from zoneinfo import ZoneInfo

import pytest

from tests.factories.api_keys import program
from tests.factories.callers import Business, Caller
from tests.factories.catalog import create_service, create_staff
from tests.factories.salons import Salon, day, new_salon, problem, wire

KOLKATA = ZoneInfo("Asia/Kolkata")


@pytest.fixture
def shop(owner: Business) -> Caller:
    return program(owner, "bookings:write")


class TestAServiceThatFollowsAnother:
    @pytest.mark.parametrize(
        ("rule", "refusal"),
        [({"minNoticeMin": 20_000}, "NOTICE_TOO_SHORT"), ({"maxAdvanceDays": 5}, "TOO_FAR_AHEAD")],
    )
    def test_is_under_its_own_rules(
        self, owner: Business, shop: Caller, rule: dict[str, int], refusal: str
    ) -> None:
        salon = new_salon(owner)
        strict = create_service(owner, resources=salon.staff, policy=rule)
        both = [{"serviceId": salon.service["id"], "startAt": wire(day())}, {"serviceId": strict["id"]}]
        problem(salon.post(by=shop, items=both), 409, refusal)
        salon.book(items=both)


class TestALocalTime:
    def test_is_that_of_the_place_that_is_found(self, owner: Business, shop: Caller) -> None:
        place = owner.post("/api/locations", {"name": "Auckland", "timezone": "Pacific/Auckland"}).get_json()
        near, far = create_staff(owner, name="A"), create_staff(owner, name="B", locationId=place["id"])
        service = create_service(owner, resources=[near["id"], far["id"]], policy={"minNoticeMin": 0})
        salon = Salon(owner, owner.post("/api/customers", {"name": "Jane"}).get_json()["id"], [], service)
        start = (datetime.now(KOLKATA) + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
        salon.book(staffId=near["id"], startAt=wire(start.astimezone(UTC)))
        local = {"bookingDate": f"{start:%Y-%m-%d}", "startTime": f"{start:%H:%M}"}
        # Over there that time of day was hours ago.
        problem(salon.post(by=shop, **local), 409, "NOTICE_TOO_SHORT")


class TestTheLimitOfADay:
    def test_binds_who_moves_a_booking(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner, policy={"maxPerCustomerPerDay": 1})
        salon.book(by=shop, startAt=wire(day(10, 5)))
        other = salon.book(by=shop, startAt=wire(day(11, 5)))
        problem(salon.move(other, by=shop, startAt=wire(day(10, 8))), 409, "CUSTOMER_LIMIT")
        assert salon.read(other)["start_at"] == day(11, 5)
        assert salon.move(other, by=shop, startAt=wire(day(11, 8))).status_code == 200
        assert salon.move(other, startAt=wire(day(10, 8))).status_code == 200
        assert salon.move(other, by=shop, startAt=wire(day(10, 11))).status_code == 200

    def test_is_that_of_the_earliest_service(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner, policy={"maxPerCustomerPerDay": 1})
        salon.book(by=shop, startAt=wire(day(10, 5)))
        later_first = [
            {"serviceId": salon.service["id"], "startAt": wire(start)} for start in (day(12, 5), day(10, 8))
        ]
        problem(salon.post(by=shop, items=later_first), 409, "CUSTOMER_LIMIT")


class TestApproval:
    RULE: ClassVar[Mapping[str, bool]] = {"requiresApproval": True}

    def test_is_not_given_by_who_asks_for_it(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner, policy=self.RULE)
        booking = salon.book(by=shop)
        problem(shop.post(f"/api/bookings/{booking['id']}/confirm"), 403, "FORBIDDEN")
        assert salon.read(booking)["status"] == "pending"

    def test_is_asked_of_a_seat_that_comes_from_another_service(self, owner: Business, shop: Caller) -> None:
        salon, classes = new_salon(owner), []
        for rules in ({}, self.RULE):
            service = create_service(owner, mode="session", maxCapacity=4, policy=rules)
            planned = owner.post("/api/sessions", {"serviceId": service["id"], "startAt": wire(day())})
            classes.append(planned.get_json()["id"])
        seat = salon.book(by=shop, sessionId=classes[0])
        problem(salon.move(seat, by=shop, sessionId=classes[1]), 409, "INVALID_STATE")
        assert salon.move(seat, sessionId=classes[1]).status_code == 200

    def test_is_asked_of_who_accepts_an_offer(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner)
        service = create_service(owner, mode="session", maxCapacity=1, policy=self.RULE)
        yoga = owner.post("/api/sessions", {"serviceId": service["id"], "startAt": wire(day())}).get_json()
        seat = salon.book(sessionId=yoga["id"])
        waiting = f"/api/sessions/{yoga['id']}/waitlist"
        entry = shop.post(waiting, {"customerId": salon.customer_id}).get_json()
        assert owner.post(f"/api/bookings/{seat['id']}/cancel").status_code == 200
        accepted = shop.post(f"{waiting}/{entry['id']}/accept").get_json()
        assert accepted["status"] == "accepted"
        booking = owner.get(f"/api/bookings/{accepted['bookingId']}").get_json()
        assert booking["status"] == "pending"
        problem(salon.post(sessionId=yoga["id"]), 409, "SESSION_FULL")
        assert owner.post(f"/api/bookings/{booking['id']}/confirm").get_json()["expiresAt"] is None


class TestAHoldOfAProgram:
    def test_is_no_longer_than_the_business_says(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner, policy={"holdMin": 10})
        held = salon.book(by=shop, hold={"minutes": 1440})
        left = datetime.fromisoformat(held["expiresAt"]) - datetime.now(UTC)
        assert left <= timedelta(minutes=10)


class TestALateFee:
    def test_is_not_escaped_by_naming_the_business(self, owner: Business, shop: Caller) -> None:
        rules = {
            "minNoticeMin": 0,
            "cancelNoticeMin": 1440,
            "lateCancelFee": {"type": "percent", "value": "50"},
        }
        salon = new_salon(owner, policy=rules)
        booking = salon.book(by=shop, startAt=wire(datetime.now(UTC) + timedelta(hours=2)))
        path = f"/api/bookings/{booking['id']}/cancel"
        problem(shop.post(path, {"cancelledBy": "business"}), 403, "FORBIDDEN")
        assert shop.post(path, {"cancelledBy": "customer"}).get_json()["fee"] == "250.00"


class TestANoShowFee:
    def test_is_owed_by_nobody_before_the_booking_begins(self, owner: Business, shop: Caller) -> None:
        salon = new_salon(owner, policy={"noShowFee": {"type": "percent", "value": "100"}})
        booking = salon.book()
        problem(shop.post(f"/api/bookings/{booking['id']}/no-show"), 409, "INVALID_STATE")
        assert salon.read(booking)["status"] == "confirmed"


class TestAHeldSeat:
    def test_stays_one_of_its_class(self, owner: Business) -> None:
        salon = new_salon(owner)
        service = create_service(owner, mode="session", maxCapacity=2)
        here, there = (
            owner.post("/api/sessions", {"serviceId": service["id"], "startAt": wire(day(hour))}).get_json()
            for hour in (10, 12)
        )
        held = salon.book(sessionId=here["id"], hold={"minutes": 5})
        problem(salon.move(held, sessionId=there["id"]), 409, "INVALID_STATE")
        assert owner.post(f"/api/bookings/{held['id']}/convert").status_code == 200
        assert salon.move(held, sessionId=there["id"]).status_code == 200
