"""How much of a resource can be booked, and that it never falls below what bookings hold."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from uuid_utils.compat import uuid7
from werkzeug.test import TestResponse

from mbs.allocations.repository import AllocationRepository
from tests.factories.calendars import new_booking
from tests.factories.callers import Business, Caller, new_business
from tests.factories.catalog import create_resource
from tests.factories.customers import create, events_of

NOON = datetime(2030, 1, 7, 12, 0, tzinfo=UTC)
LONG_AGO = datetime(2020, 1, 7, 12, 0, tzinfo=UTC)
RACERS = 8
ROUNDS = 10


def take(
    business: Business, resource_id: str, slot_no: int, *, start: datetime = NOON, status: str = "confirmed"
) -> UUID:
    """Let a new booking take one place of a resource for an hour; one that is held is so until it starts."""
    customer = create(business)["id"]
    booking_id = new_booking(business, customer, start, status=status)
    with business.database.transaction(business.scope) as transaction:
        allocations = AllocationRepository(transaction)
        (resource,) = allocations.lock([UUID(resource_id)])
        held = {"state": "held", "expires_at": start} if status == "held" else {}
        allocations.add_all([{**place(resource, booking_id, slot_no, start), **held}])
    return booking_id


def place(resource: Any, booking_id: UUID, slot_no: int, start: datetime) -> dict[str, Any]:
    return {
        "id": uuid7(),
        "booking_id": booking_id,
        "item_no": 1,
        "segment_no": 1,
        "resource_id": resource.id,
        "kind": resource.kind,
        "capacity": resource.capacity,
        "slot_no": slot_no,
        "starts_at": start,
        "ends_at": start + timedelta(hours=1),
        "state": "active",
        "expires_at": None,
    }


def change(business: Caller, id_: str, **values: Any) -> TestResponse:
    return business.patch(f"/api/resources/{id_}", values)


class TestBookableCapacity:
    @pytest.fixture(scope="class")
    @classmethod
    def hostel(cls, app: Flask) -> Business:
        return new_business(Caller(app))

    @pytest.mark.parametrize(
        ("before", "body", "after"),
        [
            ((6, 6), {"capacity": 8}, (8, 8)),
            ((6, 6), {"capacity": 4}, (4, 4)),
            ((6, 4), {"capacity": 8}, (8, 4)),
            ((6, 4), {"capacity": 4}, (4, 4)),
            ((6, 4), {"bookableCapacity": 6}, (6, 6)),
            ((6, 6), {"bookableCapacity": 0}, (6, 0)),
            ((6, 4), {"capacity": 2, "bookableCapacity": 1}, (2, 1)),
            ((6, 0), {"capacity": 2}, (2, 0)),
            ((6, 4), {"capacity": 3}, None),
            ((6, 6), {"bookableCapacity": 7}, None),
            ((6, 6), {"capacity": 2, "bookableCapacity": 3}, None),
        ],
    )
    def test_stays_within_the_capacity(
        self,
        hostel: Business,
        before: tuple[int, int],
        body: dict[str, int],
        after: tuple[int, int] | None,
    ) -> None:
        id_ = create_resource(hostel, capacity=before[0], bookableCapacity=before[1])["id"]

        response = change(hostel, id_, **body)

        if after is None:
            (fault,) = response.get_json()["errors"]
            assert (response.status_code, fault["field"]) == (400, "bookableCapacity")
        stored = hostel.get(f"/api/resources/{id_}").get_json()
        assert (stored["capacity"], stored["bookableCapacity"]) == (after or before)


class TestLowering:
    def test_stops_at_what_bookings_hold(self, owner: Business) -> None:
        id_ = create_resource(owner, capacity=6)["id"]
        take(owner, id_, 4)

        refused = change(owner, id_, capacity=3)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "CAPACITY_IN_USE")
        assert owner.get(f"/api/resources/{id_}").get_json()["capacity"] == 6
        assert change(owner, id_, capacity=4).status_code == 200

    def test_minds_nothing_that_was_released(self, owner: Business) -> None:
        id_ = create_resource(owner, capacity=6)["id"]
        booking_id = take(owner, id_, 4)
        with owner.database.transaction(owner.scope) as transaction:
            AllocationRepository(transaction).release(booking_id=booking_id)

        assert change(owner, id_, capacity=1).status_code == 200

    def test_minds_nothing_that_is_over(self, owner: Business) -> None:
        id_ = create_resource(owner, capacity=6)["id"]
        take(owner, id_, 6, start=LONG_AGO)
        hold = take(owner, id_, 5, start=LONG_AGO, status="held")

        assert change(owner, id_, capacity=4).status_code == 200

        assert [event.type for event in events_of(owner, hold)] == ["booking.expired"]
        assert events_of(owner, id_)[-1].data["previous"]["capacity"] == 6

    def test_refused_leaves_what_is_over_as_it_is(self, owner: Business) -> None:
        id_ = create_resource(owner, capacity=6)["id"]
        take(owner, id_, 6)
        hold = take(owner, id_, 5, start=LONG_AGO, status="held")

        assert change(owner, id_, capacity=4).status_code == 409
        assert events_of(owner, hold) == []

    def test_keeps_what_was_booked_from_being_removed(self, owner: Business) -> None:
        id_ = create_resource(owner)["id"]
        take(owner, id_, 1)

        refused = owner.delete(f"/api/resources/{id_}?purge=true")

        assert (refused.status_code, refused.get_json()["code"]) == (409, "IN_USE")
        assert owner.delete(f"/api/resources/{id_}").status_code == 204


def at_once(calls: list[Callable[[], int]]) -> list[int]:
    """Make all calls at the same moment and return what they say."""
    start = Barrier(len(calls))

    def make(call: Callable[[], int]) -> int:
        start.wait()
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(make, calls))


class TestRacers:
    @pytest.fixture
    def racer(self, wide_app: Flask) -> Business:
        return new_business(Caller(wide_app))

    def test_never_find_a_booking_above_the_capacity(self, racer: Business) -> None:
        customer = create(racer)["id"]
        taken_in_all = 0
        for number in range(ROUNDS):
            start = NOON + timedelta(hours=number)
            id_ = create_resource(racer, capacity=RACERS)["id"]
            bookings = [new_booking(racer, customer, start) for _ in range(RACERS)]

            def book(id_: str = id_, start: datetime = start, bookings: list[UUID] = bookings) -> int:
                with racer.database.transaction(racer.scope) as transaction:
                    allocations = AllocationRepository(transaction)
                    (resource,) = allocations.lock([UUID(id_)])
                    rows = allocations.taken(
                        [resource.id], from_=start, to=start + timedelta(hours=1), at=NOON
                    )
                    if len(rows) >= resource.bookable_capacity:
                        return 409
                    allocations.add_all([place(resource, bookings.pop(), len(rows) + 1, start)])
                return 201

            def lower(id_: str = id_) -> int:
                caller = Caller(racer.app, token=racer.token, address=racer.address)
                return change(caller, id_, capacity=RACERS // 2).status_code

            answers = at_once([lower, *[book] * RACERS])

            assert set(answers) <= {200, 201, 409}
            stored = racer.get(f"/api/resources/{id_}").get_json()["capacity"]
            taken = RACERS - len(bookings)
            assert (answers[0], stored) in ((200, RACERS // 2), (409, RACERS))
            assert taken == stored
            taken_in_all += taken
        assert taken_in_all >= ROUNDS * RACERS // 2

    def test_never_become_parts_of_each_other(self, racer: Business) -> None:
        for _ in range(ROUNDS):
            one, two = (create_resource(racer)["id"] for _ in range(2))

            def put(part: str, whole: str) -> int:
                caller = Caller(racer.app, token=racer.token, address=racer.address)
                return change(caller, part, parentId=whole).status_code

            answers = at_once([lambda: put(one, two), lambda: put(two, one)])  # noqa: B023

            assert sorted(answers) == [200, 400]
