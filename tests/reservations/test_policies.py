"""What binds customers' programs, and what members may set aside."""

from datetime import UTC, datetime, timedelta

import pytest

from tests.factories.api_keys import program
from tests.factories.callers import Business
from tests.factories.salons import day, new_dorm, new_salon, problem, wire

SCOPES = ("bookings:write", "customers:create")


def in_minutes(number: int) -> str:
    return wire(datetime.now(UTC) + timedelta(minutes=number))


class TestACustomer:
    def test_books_neither_too_late_nor_too_far_ahead(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"minNoticeMin": 120, "maxAdvanceDays": 20})
        shop = program(owner, *SCOPES)
        before = salon.rows()
        problem(salon.post(by=shop, startAt=in_minutes(110)), 409, "NOTICE_TOO_SHORT")
        problem(salon.post(by=shop, startAt=wire(day(22))), 409, "TOO_FAR_AHEAD")
        assert salon.rows() == before
        booking = salon.post(by=shop, startAt=wire(day(18))).get_json()
        assert (booking["source"], booking["status"]) == ("api", "confirmed")
        # Who works there may do both.
        salon.book(startAt=in_minutes(1))
        salon.book(startAt=wire(day(22)))

    def test_waits_for_approval_where_that_is_the_rule(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"requiresApproval": True, "pendingTtlMin": 30})
        booking = salon.post(by=program(owner, *SCOPES)).get_json()
        left = datetime.fromisoformat(booking["expiresAt"]) - datetime.now(UTC)
        assert booking["status"] == "pending"
        assert timedelta(minutes=29) < left <= timedelta(minutes=30)
        problem(salon.post(), 409, "SLOT_UNAVAILABLE")
        assert salon.book(startAt=wire(day(11)))["status"] == "confirmed"

    def test_has_no_more_on_a_day_than_is_allowed(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"maxPerCustomerPerDay": 2})
        shop = program(owner, *SCOPES)
        for hour in (5, 7):
            assert salon.post(by=shop, startAt=wire(day(hour=hour))).status_code == 201
        before = salon.rows()
        problem(salon.post(by=shop, startAt=wire(day(hour=9))), 409, "CUSTOMER_LIMIT")
        assert salon.rows() == before
        assert salon.post(by=shop, startAt=wire(day(11))).status_code == 201
        assert salon.post(startAt=wire(day(hour=9))).status_code == 201
        new = {"customerId": None, "customer": {"name": "New"}}
        assert salon.post(by=shop, **new, startAt=wire(day(hour=11))).status_code == 201

    def test_is_offered_only_what_it_may_book(self, owner: Business) -> None:
        salon = new_salon(owner, policy={"minNoticeMin": 60, "maxAdvanceDays": 10})
        shop = program(owner, *SCOPES)
        start = (datetime.now(UTC) + timedelta(hours=3)).replace(minute=0, second=0, microsecond=0)
        salon.book(startAt=wire(start))
        refused = problem(salon.post(by=shop, startAt=wire(start)), 409, "SLOT_UNAVAILABLE")
        later = [one["startAt"] for one in refused["alternatives"]]
        assert len(later) == 3
        assert later[0] == wire(start + timedelta(hours=1))

    def test_needs_a_permission_to_bring_somebody_new(self, owner: Business) -> None:
        salon = new_salon(owner)
        shop = program(owner, "bookings:write")
        new = {"customerId": None, "customer": {"name": "New"}}
        problem(salon.post(by=shop, **new), 403, "FORBIDDEN")
        assert salon.post(by=shop).status_code == 201


class TestSettingRulesAside:
    @pytest.mark.parametrize("rule", ["hours", "notice", "capacity"])
    def test_needs_a_permission(self, owner: Business, rule: str) -> None:
        salon = new_salon(owner)
        before = salon.rows()
        problem(salon.post(by=program(owner, *SCOPES), override={rule: True}), 403, "FORBIDDEN")
        assert salon.rows()["bookings"] == before["bookings"]
        shop = program(owner, *SCOPES, "bookings:override")
        assert salon.post(by=shop, override={rule: True}).status_code == 201

    def test_opens_what_is_kept_back_and_no_more(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=3, bookable=2)
        nights = {"checkIn": f"{day():%Y-%m-%d}", "checkOut": f"{day(12):%Y-%m-%d}"}
        hostel.book(**nights, partySize=2)
        problem(hostel.post(**nights), 409, "SLOT_UNAVAILABLE")
        over = hostel.book(**nights, override={"capacity": True})
        assert [one["slotNo"] for one in over["resources"]] == [3]
        problem(hostel.post(**nights, override={"capacity": True}), 409, "SLOT_UNAVAILABLE")
        assert [event.get("overrides") for event in hostel.events("booking.created")].count(
            {"capacity": True}
        ) == 1

    def test_takes_what_anybody_may_have_first(self, owner: Business) -> None:
        hostel = new_dorm(owner, beds=3, bookable=2)
        nights = {"checkIn": f"{day():%Y-%m-%d}", "checkOut": f"{day(12):%Y-%m-%d}"}
        booking = hostel.book(**nights, override={"capacity": True})
        assert [one["slotNo"] for one in booking["resources"]] == [1]


class TestAColleagueWhoBooksForThemselves:
    def test_is_booked_and_nobody_else(self, owner: Business) -> None:
        salon = new_salon(owner, staff=2)
        colleague = owner.colleague("staff")
        before = salon.rows()
        problem(salon.post(by=colleague), 403, "FORBIDDEN")
        members = owner.get("/api/members").get_json()["data"]
        me = next(one["id"] for one in members if one["user"]["email"] == colleague.email)
        path = f"/api/staff/{salon.staff[1]}"
        assert owner.patch(path, {"memberId": me}).status_code == 200
        problem(salon.post(by=colleague, staffId=salon.staff[0]), 403, "FORBIDDEN")
        assert salon.rows()["bookings"] == before["bookings"]
        mine = salon.post(by=colleague).get_json()
        assert mine["staffId"] == salon.staff[1]
        refused = problem(salon.post(by=colleague), 409, "SLOT_UNAVAILABLE")
        assert {one["staffId"] for one in refused["alternatives"]} == {salon.staff[1]}
        theirs = salon.book(staffId=salon.staff[0])
        later = wire(day(12))
        problem(salon.move(theirs, by=colleague, startAt=later), 404, "NOT_FOUND")
        problem(salon.move(mine, by=colleague, startAt=later, staffId=salon.staff[0]), 403, "FORBIDDEN")
        assert salon.move(mine, by=colleague, startAt=later).status_code == 200
