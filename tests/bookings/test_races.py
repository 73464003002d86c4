"""Two who decide about one booking at the same moment: one decision stands, and is told once."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from mbs.allocations.repository import AllocationRepository
from tests.auth.racing import together
from tests.factories.callers import Business, Caller
from tests.factories.salons import Salon, day, new_salon, wire

ROUNDS = 4
PATIENCE_SECONDS = 5.0


@contextmanager
def meeting() -> Iterator[None]:
    """Let nobody lock anything before two have read what they are about to change."""
    barrier, lock, met = threading.Barrier(2), AllocationRepository.lock, set()

    def wait_and_lock(self: AllocationRepository, ids: Iterable[UUID]) -> Any:
        if threading.get_ident() not in met:
            met.add(threading.get_ident())
            barrier.wait(PATIENCE_SECONDS)
        return lock(self, ids)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(AllocationRepository, "lock", wait_and_lock)
        yield


@pytest.fixture
def salon(owner: Business) -> Salon:
    return new_salon(owner)


def race(salon: Salon, booking: dict[str, Any], *requests: tuple[str, Any]) -> list[tuple[int, Any]]:
    def act(number: int) -> tuple[int, Any]:
        action, body = requests[number]
        caller = Caller(salon.owner.app, token=salon.owner.token)
        response = caller.post(f"/api/bookings/{booking['id']}/{action}", body)
        return response.status_code, response.get_json()

    with meeting():
        return together(len(requests), act)


def told(salon: Salon, booking: dict[str, Any]) -> list[str]:
    listed = salon.owner.get(f"/api/events?objectId={booking['id']}").get_json()["data"]
    return sorted(event["type"] for event in listed)


class TestTwoAtOnce:
    def test_who_cancel_do_it_once(self, salon: Salon) -> None:
        for number in range(ROUNDS):
            booking = salon.book(startAt=wire(day(hour=number)))
            (first, one), (second, other) = race(salon, booking, ("cancel", None), ("cancel", None))
            assert (first, second) == (200, 200)
            assert one == other
            assert told(salon, booking) == ["booking.cancelled", "booking.created"]

    def test_who_cancel_and_complete_do_one_of_it(self, salon: Salon) -> None:
        for number in range(ROUNDS):
            booking = salon.book(startAt=wire(day(hour=number)))
            answers = race(salon, booking, ("cancel", None), ("complete", None))
            assert sorted(status for status, _ in answers) == [200, 409]
            ((_, refusal),) = [answer for answer in answers if answer[0] == 409]
            ((_, view),) = [answer for answer in answers if answer[0] == 200]
            assert refusal["code"] == "INVALID_STATE"
            assert salon.read(booking)["status"] == view["status"]
            assert told(salon, booking) == sorted(["booking.created", f"booking.{view['status']}"])

    def test_who_cancel_and_move_leave_nothing_taken_behind(self, salon: Salon) -> None:
        for number in range(ROUNDS):
            start = day(days=5 + number)
            booking = salon.book(startAt=wire(start))
            to = wire(start + timedelta(hours=3))
            answers = race(salon, booking, ("cancel", None), ("reschedule", {"startAt": to}))
            # Moved first, it is cancelled at its new time; cancelled first, it is moved no more.
            assert answers[0][0] == 200
            assert answers[1][0] in (200, 409)
            assert salon.read(booking)["status"] == "cancelled"
            assert {row.state for row in salon.allocations(booking)} == {"released"}
            moved = ["booking.rescheduled"] if answers[1][0] == 200 else []
            assert told(salon, booking) == ["booking.cancelled", "booking.created", *moved]
            salon.book(startAt=wire(start))
            salon.book(startAt=to)

    def test_who_take_back_and_book_share_no_slot(self, salon: Salon) -> None:
        for number in range(ROUNDS):
            start = wire(day(days=5 + number))
            booking = salon.book(startAt=start)
            assert salon.owner.post(f"/api/bookings/{booking['id']}/no-show").status_code == 200

            def act(number: int, start: str = start, booking: dict[str, Any] = booking) -> int:
                caller = Caller(salon.owner.app, token=salon.owner.token)
                if number:
                    return caller.post("/api/bookings", salon.asked(startAt=start)).status_code
                return caller.post(f"/api/bookings/{booking['id']}/confirm").status_code

            assert sorted(together(2, act)) in ([200, 409], [201, 409])
