"""Ways around the rules that bind customers' programs, each of which was open once."""

from datetime import UTC, datetime, timedelta
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
