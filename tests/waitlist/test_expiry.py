"""Offers that end: the seats go to whoever is next, and never to somebody who comes by."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.customers import create, events_of
from tests.factories.group_sessions import (
    book_seat,
    fill,
    let_offers_end,
    new_class_service,
    plan,
    seats_of,
    wait_for,
    waiting,
)
from tests.factories.teams import code_of

HALF_AN_HOUR = timedelta(minutes=30)


@pytest.fixture
def class_id(owner: Business) -> str:
    """A class of one seat, which is taken."""
    id_: str = plan(owner, new_class_service(owner, capacity=1))["id"]
    fill(owner, id_, 1)
    return id_


def offered_to(owner: Business, class_id: str, count: int) -> list[dict[str, Any]]:
    """Let customers wait, and offer a second seat to the first of them; return their entries."""
    entries = [wait_for(owner, class_id) for _ in range(count)]
    made(owner, f"/api/sessions/{class_id}", {"capacity": 2}, "PATCH")
    assert [one["status"] for one in waiting(owner, class_id)] == ["offered", *["waiting"] * (count - 1)]
    return entries


def accept(owner: Business, class_id: str, entry: dict[str, Any]) -> Any:
    return owner.post(f"/api/sessions/{class_id}/waitlist/{entry['id']}/accept")


class TestAnOffer:
    @pytest.mark.parametrize(("hold", "minutes"), [(None, 30), (45, 45)])
    def test_stands_for_half_an_hour_at_least(self, owner: Business, hold: int | None, minutes: int) -> None:
        policy = "{}" if hold is None else f'{{"holdMin": {hold}}}'
        class_id = plan(owner, new_class_service(owner, capacity=1, policy=policy))["id"]
        fill(owner, class_id, 1)
        offered_to(owner, class_id, 1)
        (entry,) = waiting(owner, class_id)
        left = datetime.fromisoformat(entry["offerExpiresAt"]) - datetime.now(UTC)
        assert timedelta(minutes=minutes - 1) < left <= timedelta(minutes=minutes)

    def test_ends_when_the_class_begins(self, owner: Business) -> None:
        soon = (datetime.now(UTC) + timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M:00Z")
        class_id = plan(owner, new_class_service(owner, capacity=1), startAt=soon)["id"]
        fill(owner, class_id, 1)
        offered_to(owner, class_id, 1)
        (entry,) = waiting(owner, class_id)
        assert entry["offerExpiresAt"] == soon

    def test_that_is_over_looks_so(self, owner: Business, class_id: str) -> None:
        first, second = offered_to(owner, class_id, 2)
        let_offers_end(owner, class_id)
        assert [(one["id"], one["position"]) for one in waiting(owner, class_id)] == [(second["id"], 1)]
        (over,) = waiting(owner, class_id, "?status=expired")
        assert (over["id"], over["position"]) == (first["id"], None)
        assert seats_of(owner, class_id) == (1, 1)

    def test_that_is_over_goes_to_the_next_even_though_it_is_refused(
        self, owner: Business, class_id: str
    ) -> None:
        first, second = offered_to(owner, class_id, 2)
        (held, _) = waiting(owner, class_id)
        let_offers_end(owner, class_id)

        assert code_of(accept(owner, class_id, first)) == (409, "OFFER_EXPIRED")

        (next_,) = waiting(owner, class_id)
        assert (next_["id"], next_["status"]) == (second["id"], "offered")
        types = [event.type for event in events_of(owner, first["id"])]
        assert types == ["waitlist.joined", "waitlist.offered", "waitlist.expired"]
        types = [event.type for event in events_of(owner, held["bookingId"])]
        assert types == ["booking.held", "booking.expired"]
        assert accept(owner, class_id, second).status_code == 200
        assert seats_of(owner, class_id) == (2, 0)

    def test_that_is_over_is_the_next_one_s_to_accept(self, owner: Business, class_id: str) -> None:
        _, second, third = offered_to(owner, class_id, 3)
        let_offers_end(owner, class_id)
        assert code_of(accept(owner, class_id, third)) == (409, "INVALID_STATE")
        assert accept(owner, class_id, second).get_json()["status"] == "accepted"

    def test_that_is_over_is_nobody_else_s(self, owner: Business, class_id: str) -> None:
        offered_to(owner, class_id, 2)
        let_offers_end(owner, class_id)
        body = {"sessionId": class_id, "customer": {"name": "Newcomer"}}
        assert code_of(owner.post("/api/bookings", body)) == (409, "SESSION_FULL")
        other = plan(owner, new_class_service(owner))["id"]
        booked = book_seat(owner, other)
        path = f"/api/bookings/{booked['id']}/reschedule"
        assert code_of(owner.post(path, {"sessionId": class_id})) == (409, "SESSION_FULL")

    def test_that_nobody_follows_frees_the_seat(self, owner: Business, class_id: str) -> None:
        offered_to(owner, class_id, 1)
        let_offers_end(owner, class_id)
        book_seat(owner, class_id)
        assert seats_of(owner, class_id) == (2, 0)
        assert waiting(owner, class_id, "?status=expired")[0]["position"] is None

    def test_that_is_over_lets_its_customer_join_again(self, owner: Business, class_id: str) -> None:
        first, _ = offered_to(owner, class_id, 2)
        let_offers_end(owner, class_id)
        again = wait_for(owner, class_id, customerId=first["customerId"])
        assert (again["position"], again["status"]) == (2, "waiting")

    def test_goes_with_what_else_ends_meanwhile(self, owner: Business, class_id: str) -> None:
        # A hold that nobody converted frees its seat for the list, too.
        service_class = plan(owner, new_class_service(owner, capacity=1))["id"]
        book_seat(owner, service_class, hold={"minutes": 5})
        first, second = wait_for(owner, service_class), wait_for(owner, service_class)
        let_offers_end(owner, service_class)
        assert code_of(accept(owner, service_class, second)) == (409, "INVALID_STATE")
        assert [one["status"] for one in waiting(owner, service_class)] == ["offered", "waiting"]
        assert accept(owner, service_class, first).status_code == 200


class TestAClassThatHasBegun:
    def test_offers_nothing_any_more(self, owner: Business, class_id: str) -> None:
        wait_for(owner, class_id)
        past = (datetime.now(UTC) - timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M:00Z")
        body = {"capacity": 2, "startAt": past}
        made(owner, f"/api/sessions/{class_id}", body, "PATCH")
        assert waiting(owner, class_id) == []
        assert [one["status"] for one in waiting(owner, class_id, "?status=expired")] == ["expired"]
        path = f"/api/sessions/{class_id}/waitlist"
        assert code_of(owner.post(path, {"customerId": create(owner)["id"]})) == (409, "INVALID_STATE")
