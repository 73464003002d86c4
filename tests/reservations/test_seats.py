"""Seats of group classes."""

from datetime import timedelta
from typing import Any

import pytest

from tests.auth.racing import together
from tests.factories.api_keys import program
from tests.factories.callers import Business, Caller
from tests.factories.catalog import create_service, create_staff
from tests.factories.group_sessions import (
    book_seat,
    fill,
    new_class_service,
    plan,
    seats_of,
    wait_for,
    waiting,
)
from tests.factories.salons import Salon, day, new_salon, problem, wire
from tests.reservations.test_holds import let_pass


@pytest.fixture
def gym(owner: Business) -> Salon:
    return new_salon(owner)


def yoga(owner: Business, start: Any = None, **values: Any) -> dict[str, Any]:
    """Plan a class of four seats."""
    service = new_class_service(owner, policy=values.pop("policy", "{}"))
    return plan(owner, service, startAt=wire(start or day()), **{"capacity": 4, **values})


class TestSeats:
    def test_are_taken_for_each_of_a_party_at_the_class_s_time(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner)
        booking = gym.book(sessionId=group["id"], partySize=3)
        assert (booking["startAt"], booking["sessionId"]) == (wire(day()), group["id"])
        assert (booking["amount"], booking["mode"]) == ("1500.00", "session")
        assert [one["slotNo"] for one in booking["resources"]] == [1, 2, 3]
        assert seats_of(owner, group["id"]) == (3, 1)
        assert owner.get(f"/api/bookings/{booking['id']}").get_json() == booking

    def test_are_not_given_twice(self, owner: Business, gym: Salon) -> None:
        group, later = yoga(owner), None
        later = plan(owner, group["serviceId"], startAt=wire(day(12)), capacity=4)
        gym.book(sessionId=group["id"], partySize=3)
        before = gym.rows()
        refused = problem(gym.post(sessionId=group["id"], partySize=2), 409, "SESSION_FULL")
        assert [one["sessionId"] for one in refused["alternatives"]] == [later["id"]]
        assert gym.rows() == before
        gym.book(sessionId=group["id"], partySize=1)

    def test_have_as_many_winners_as_there_are(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner)
        callers = [Caller(owner.app, token=owner.token) for _ in range(10)]
        answers = together(10, lambda number: gym.post(by=callers[number], sessionId=group["id"]).status_code)
        assert sorted(answers) == [201] * 4 + [409] * 6
        assert seats_of(owner, group["id"]) == (4, 0)

    def test_are_free_again_when_a_hold_is_over(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner)
        held = gym.book(sessionId=group["id"], partySize=4, hold={"minutes": 5})
        problem(gym.post(sessionId=group["id"]), 409, "SESSION_FULL")
        let_pass(gym, held)
        gym.book(sessionId=group["id"])
        assert gym.read(held)["status"] == "expired"
        assert seats_of(owner, group["id"]) == (1, 3)

    def test_that_are_free_again_are_offered_to_who_waits(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner)
        held = gym.book(sessionId=group["id"], partySize=4, hold={"minutes": 5})
        wait_for(owner, group["id"])
        let_pass(gym, held)
        gym.book(sessionId=group["id"])
        assert [one["status"] for one in waiting(owner, group["id"])] == ["offered"]
        assert seats_of(owner, group["id"]) == (2, 2)

    @pytest.mark.parametrize("act", ["cancel", "complete"])
    def test_are_of_classes_that_take_place(self, owner: Business, gym: Salon, act: str) -> None:
        start = day() if act == "cancel" else day(0, 0) - timedelta(days=1)
        group = yoga(owner, start)
        assert owner.post(f"/api/sessions/{group['id']}/{act}", {}).status_code == 200
        problem(gym.post(sessionId=group["id"], override={"notice": True}), 409, "INVALID_STATE")

    def test_are_not_booked_when_the_class_has_begun(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner, day(0, 0) - timedelta(hours=30))
        problem(gym.post(sessionId=group["id"]), 409, "NOTICE_TOO_SHORT")
        gym.book(sessionId=group["id"], override={"notice": True})

    def test_follow_the_rules_for_customers(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner, policy='{"maxAdvanceDays": 5, "requiresApproval": true}')
        shop = program(owner, "bookings:write")
        problem(gym.post(by=shop, sessionId=group["id"]), 409, "TOO_FAR_AHEAD")
        soon = plan(owner, group["serviceId"], startAt=wire(day(3)), capacity=4)
        assert gym.post(by=shop, sessionId=soon["id"]).get_json()["status"] == "pending"

    def test_are_booked_by_whoever_gives_the_class(self, owner: Business, gym: Salon) -> None:
        colleague = owner.colleague("staff")
        members = owner.get("/api/members").get_json()["data"]
        me = next(one["id"] for one in members if one["user"]["email"] == colleague.email)
        teacher = create_staff(owner, name="Teacher", memberId=me)["id"]
        service = create_service(owner, name="Yoga", mode="session", maxCapacity=4, resources=[teacher])
        mine = plan(owner, service["id"], startAt=wire(day()), staffId=teacher)
        theirs = yoga(owner, day(12))
        assert gym.post(by=colleague, sessionId=mine["id"]).status_code == 201
        problem(gym.post(by=colleague, sessionId=theirs["id"]), 403, "FORBIDDEN")


class TestAMove:
    def test_to_another_class_frees_the_seat_for_who_waits(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner, capacity=1)
        later = plan(owner, group["serviceId"], startAt=wire(day(12)), capacity=1)
        booking = book_seat(owner, group["id"], customerId=gym.customer_id)
        wait_for(owner, group["id"])
        moved = gym.move(booking, sessionId=later["id"]).get_json()
        assert (moved["sessionId"], moved["startAt"]) == (later["id"], wire(day(12)))
        assert moved["id"] == booking["id"]
        assert seats_of(owner, later["id"]) == (1, 0)
        assert [one["status"] for one in waiting(owner, group["id"])] == ["offered"]
        assert gym.move(booking, sessionId=later["id"]).get_json() == moved
        (event,) = gym.events("booking.rescheduled")
        assert event["previous"]["session_id"] == group["id"]

    def test_to_a_full_class_changes_nothing(self, owner: Business, gym: Salon) -> None:
        group = yoga(owner)
        full = plan(owner, group["serviceId"], startAt=wire(day(12)), capacity=1)
        fill(owner, full["id"], 1)
        booking = book_seat(owner, group["id"])
        before = gym.rows()
        problem(gym.move(booking, sessionId=full["id"]), 409, "SESSION_FULL")
        assert gym.rows() == before
        problem(gym.move(booking, startAt=wire(day(12))), 400, "VALIDATION_ERROR", "startAt")
        problem(gym.move(gym.book(), sessionId=full["id"]), 400, "VALIDATION_ERROR", "sessionId")
