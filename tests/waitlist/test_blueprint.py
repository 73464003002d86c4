"""Waiting for a seat of a full class: join, look, accept, leave. The gym example."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.foundation.schemas import camel_case
from mbs.waitlist.schemas import WaitlistEntryView
from tests.factories.answers import made
from tests.factories.callers import Business
from tests.factories.catalog import create_staff
from tests.factories.customers import create, events_of
from tests.factories.group_sessions import (
    book_seat,
    fill,
    new_class_service,
    plan,
    seats_of,
    wait_for,
    waiting,
)
from tests.factories.teams import code_of, member_of


@pytest.fixture
def class_id(owner: Business) -> str:
    """A class of two seats, both of which are taken."""
    id_: str = plan(owner, new_class_service(owner, capacity=2))["id"]
    fill(owner, id_, 2)
    return id_


def raise_capacity(owner: Business, class_id: str, capacity: int) -> None:
    made(owner, f"/api/sessions/{class_id}", {"capacity": capacity}, "PATCH")


def book(owner: Business, class_id: str, **values: Any) -> Any:
    return owner.post("/api/bookings", {"sessionId": class_id, "customer": {"name": "Newcomer"}, **values})


class TestTheGym:
    def test_gives_the_tenth_seat_to_who_waited(self, owner: Business) -> None:
        class_id = plan(owner, new_class_service(owner, capacity=10))["id"]
        bookings = fill(owner, class_id, 10)
        jane = create(owner)["id"]
        assert code_of(book(owner, class_id)) == (409, "SESSION_FULL")
        entry = wait_for(owner, class_id, customerId=jane)
        assert (entry["position"], entry["status"]) == (1, "waiting")

        cancelled = owner.post(f"/api/bookings/{bookings[3]['id']}/cancel", {})
        assert cancelled.status_code == 200, cancelled.get_data(as_text=True)

        (offered,) = waiting(owner, class_id)
        assert (offered["id"], offered["status"]) == (entry["id"], "offered")
        assert seats_of(owner, class_id) == (10, 0)
        assert code_of(book(owner, class_id)) == (409, "SESSION_FULL")

        accepted = made(owner, f"/api/sessions/{class_id}/waitlist/{entry['id']}/accept", None)
        assert (accepted["status"], accepted["position"]) == ("accepted", None)
        booking = owner.get(f"/api/bookings/{accepted['bookingId']}").get_json()
        assert (booking["status"], booking["customerId"]) == ("confirmed", jane)
        assert (booking["amount"], booking["expiresAt"]) == ("500.00", None)
        assert seats_of(owner, class_id) == (10, 0)
        assert waiting(owner, class_id) == []


class TestJoin:
    def test_shows_the_place_in_the_list(self, owner: Business, class_id: str) -> None:
        customers = [create(owner)["id"] for _ in range(3)]
        bodies = [
            {"customerId": one, "partySize": size} for one, size in zip(customers, (1, 2, 1), strict=True)
        ]
        for position, body in enumerate(bodies, start=1):
            response = owner.post(f"/api/sessions/{class_id}/waitlist", body)
            found = response.get_json()
            assert response.status_code == 201, found
            assert response.headers["Location"] == f"/api/sessions/{class_id}/waitlist/{found['id']}"
            assert set(found) == {camel_case(name) for name in WaitlistEntryView().fields}
            assert found == {
                **found,
                **body,
                "sessionId": class_id,
                "position": position,
                "status": "waiting",
                "bookingId": None,
                "offerExpiresAt": None,
                "version": 1,
            }
            assert owner.get(response.headers["Location"]).get_json() == found
            assert [event.type for event in events_of(owner, found["id"])] == ["waitlist.joined"]
        assert [one["customerId"] for one in waiting(owner, class_id)] == customers

    def test_is_for_those_for_whom_there_is_no_seat(self, owner: Business) -> None:
        class_id = plan(owner, new_class_service(owner, capacity=3))["id"]
        fill(owner, class_id, 2)
        path, customer = f"/api/sessions/{class_id}/waitlist", create(owner)["id"]
        assert code_of(owner.post(path, {"customerId": customer})) == (409, "SEATS_AVAILABLE")
        assert owner.post(path, {"customerId": customer, "partySize": 2}).status_code == 201
        assert code_of(owner.post(path, {"customerId": customer, "partySize": 2})) == (409, "ALREADY_WAITING")

    def test_is_refused_where_no_seat_can_come(self, owner: Business, class_id: str) -> None:
        customer = create(owner)["id"]
        path = f"/api/sessions/{class_id}/waitlist"
        response = owner.post(path, {"customerId": customer, "partySize": 3})
        assert [fault["field"] for fault in response.get_json()["errors"]] == ["partySize"]
        over = plan(owner, new_class_service(owner), startAt="2020-03-03T18:00:00Z", capacity=1)["id"]
        response = owner.post(f"/api/sessions/{over}/waitlist", {"customerId": customer})
        assert code_of(response) == (409, "INVALID_STATE")
        made(owner, f"/api/sessions/{class_id}/cancel", {})
        assert code_of(owner.post(path, {"customerId": customer})) == (409, "INVALID_STATE")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "customerId"),
            ({"customerId": "jane"}, "customerId"),
            ({"customerId": str(uuid4())}, "customerId"),
            ({"partySize": 0}, "partySize"),
            ({"partySize": 10**9}, "partySize"),
            ({"partySize": 1.5}, "partySize"),
            ({"position": 1}, "position"),
        ],
    )
    def test_names_the_faulty_field(
        self, owner: Business, class_id: str, body: dict[str, Any], field: str
    ) -> None:
        response = owner.post(f"/api/sessions/{class_id}/waitlist", body)
        assert response.status_code == 400
        assert field in [fault["field"] for fault in response.get_json()["errors"]]


class TestAccept:
    def test_needs_an_offer(self, owner: Business, class_id: str) -> None:
        entry = wait_for(owner, class_id)
        path = f"/api/sessions/{class_id}/waitlist/{entry['id']}"
        assert code_of(owner.post(f"{path}/accept")) == (409, "INVALID_STATE")
        assert owner.post(f"{path}/accept", headers={"If-Match": '"9"'}).status_code == 412
        assert owner.delete(path).status_code == 204
        assert code_of(owner.post(f"{path}/accept")) == (409, "INVALID_STATE")

    def test_changes_nothing_twice(self, owner: Business, class_id: str) -> None:
        entry = wait_for(owner, class_id)
        raise_capacity(owner, class_id, 3)
        path = f"/api/sessions/{class_id}/waitlist/{entry['id']}"
        first, second = (made(owner, f"{path}/accept", None) for _ in range(2))
        assert first == second
        types = [event.type for event in events_of(owner, entry["id"])]
        assert types == ["waitlist.joined", "waitlist.offered", "waitlist.accepted"]
        types = [event.type for event in events_of(owner, first["bookingId"])]
        assert types == ["booking.held", "booking.confirmed"]
        assert code_of(owner.delete(path)) == (409, "INVALID_STATE")

    def test_follows_the_booking_that_was_confirmed_as_any_other(
        self, owner: Business, class_id: str
    ) -> None:
        entry = wait_for(owner, class_id)
        raise_capacity(owner, class_id, 3)
        (offered,) = waiting(owner, class_id)
        made(owner, f"/api/bookings/{offered['bookingId']}/convert", None)
        path = f"/api/sessions/{class_id}/waitlist/{entry['id']}"
        assert made(owner, f"{path}/accept", None)["status"] == "accepted"


class TestOffers:
    def test_go_to_all_for_whom_there_are_seats_in_their_order(self, owner: Business, class_id: str) -> None:
        large, small, last = (wait_for(owner, class_id, partySize=size) for size in (2, 1, 1))

        raise_capacity(owner, class_id, 3)
        assert [one["status"] for one in waiting(owner, class_id)] == ["waiting", "offered", "waiting"]

        raise_capacity(owner, class_id, 5)
        states = {one["id"]: (one["position"], one["status"]) for one in waiting(owner, class_id)}
        assert states == {
            large["id"]: (1, "offered"),
            small["id"]: (2, "offered"),
            last["id"]: (3, "waiting"),
        }
        assert seats_of(owner, class_id) == (5, 0)

    def test_are_held_bookings_which_nobody_else_gets(self, owner: Business, class_id: str) -> None:
        wait_for(owner, class_id)
        raise_capacity(owner, class_id, 3)
        (offered,) = waiting(owner, class_id)
        booking = owner.get(f"/api/bookings/{offered['bookingId']}").get_json()
        assert (booking["status"], booking["expiresAt"]) == ("held", offered["offerExpiresAt"])
        assert code_of(book(owner, class_id)) == (409, "SESSION_FULL")

    def test_go_on_when_who_has_one_leaves(self, owner: Business, class_id: str) -> None:
        first, second = wait_for(owner, class_id), wait_for(owner, class_id)
        raise_capacity(owner, class_id, 3)
        (held, _) = waiting(owner, class_id)

        path = f"/api/sessions/{class_id}/waitlist/{first['id']}"
        assert owner.delete(path).status_code == 204
        assert owner.delete(path).status_code == 204

        (next_,) = waiting(owner, class_id)
        assert (next_["id"], next_["status"], next_["position"]) == (second["id"], "offered", 1)
        assert [event.type for event in events_of(owner, held["bookingId"])] == [
            "booking.held",
            "booking.expired",
        ]
        types = [event.type for event in events_of(owner, first["id"])]
        assert types == ["waitlist.joined", "waitlist.offered", "waitlist.left"]
        (left,) = waiting(owner, class_id, "?status=left")
        assert (left["id"], left["position"]) == (first["id"], None)

    def test_come_when_somebody_moves_to_another_class(self, owner: Business) -> None:
        service = new_class_service(owner, capacity=1)
        class_id = plan(owner, service)["id"]
        booked = book_seat(owner, class_id)
        wait_for(owner, class_id)
        other = plan(owner, service, date="2031-03-04", startTime="18:00")["id"]
        made(owner, f"/api/bookings/{booked['id']}/reschedule", {"sessionId": other})
        assert [one["status"] for one in waiting(owner, class_id)] == ["offered"]


class TestWho:
    def test_gives_a_class_keeps_its_list(self, owner: Business) -> None:
        teacher = owner.colleague("staff")
        own = create_staff(owner, memberId=member_of(owner, teacher).rpartition("/")[2])["id"]
        service = new_class_service(owner, capacity=1)
        mine = plan(owner, service, staffId=own)["id"]
        other = plan(owner, service)["id"]
        for class_id in (mine, other):
            fill(owner, class_id, 1)
        body = {"customerId": create(owner)["id"]}
        entry = wait_for(owner, other)["id"]

        assert teacher.post(f"/api/sessions/{mine}/waitlist", body).status_code == 201
        assert len(waiting(teacher, mine)) == 1
        path = f"/api/sessions/{other}/waitlist"
        assert teacher.get(path).status_code == 404
        assert teacher.post(path, body).status_code == 404
        assert teacher.get(f"{path}/{entry}").status_code == 404
        assert teacher.post(f"{path}/{entry}/accept").status_code == 404
        assert teacher.delete(f"{path}/{entry}").status_code == 404

    def test_is_of_another_business_finds_nothing(
        self, owner: Business, business: Callable[..., Business], class_id: str
    ) -> None:
        stranger, entry = business(), wait_for(owner, class_id)["id"]
        path = f"/api/sessions/{class_id}/waitlist"
        assert stranger.get(path).status_code == 404
        assert stranger.post(path, {"customerId": create(stranger)["id"]}).status_code == 404
        assert stranger.get(f"{path}/{entry}").status_code == 404
        assert stranger.post(f"{path}/{entry}/accept").status_code == 404
        assert stranger.delete(f"{path}/{entry}").status_code == 404
        body = {"customerId": create(stranger)["id"]}
        assert code_of(owner.post(path, body)) == (400, "INVALID_REFERENCE")

    def test_waits_for_one_class_is_not_in_another_s_list(self, owner: Business, class_id: str) -> None:
        entry = wait_for(owner, class_id)["id"]
        other = plan(owner, new_class_service(owner))["id"]
        for method, path in (("GET", ""), ("POST", "/accept"), ("DELETE", "")):
            response = owner.call(method, f"/api/sessions/{other}/waitlist/{entry}{path}")
            assert response.status_code == 404
            assert UUID(entry)
