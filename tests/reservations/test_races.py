"""Racers for one time: as many win as there is room, the others are told so, and nobody waits in vain."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.allocations.repository import AllocationRepository
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource
from tests.auth.racing import Answer, send, together
from tests.factories.callers import Business, Caller, new_address
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.salons import Salon, day, new_dorm, new_salon, problem, wire
from tests.factories.servers import RunningService, serve

RACERS = 40
SECONDS = 2.0

Outcome = tuple[int, str | None]


@pytest.fixture(scope="module")
def hosts(environ: dict[str, str]) -> Iterator[tuple[RunningService, RunningService]]:
    """Two servers of one process each, on one database."""
    variables = {
        **environ,
        "TRUSTED_PROXY_COUNT": "1",
        "WEB_THREADS": "8",
        "SKIP_RATE_LIMIT": "true",
        "LOG_LEVEL": "warning",
    }
    with ExitStack() as stack:
        yield tuple(stack.enter_context(serve(variables, workers=1)) for _ in range(2))  # type: ignore[misc]


def told(answer: Answer) -> Outcome:
    return answer.status, None if answer.status == 201 else answer.body["code"]


def over_http(salon: Salon, hosts: tuple[RunningService, ...], number: int, body: dict[str, Any]) -> Answer:
    host = hosts[number % len(hosts)]
    return send(host.port, "POST", "/api/bookings", body, token=salon.owner.token, address=new_address())


@contextmanager
def in_time() -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < SECONDS


class TestRacersInOneProcess:
    def test_of_ten_one_gets_the_slot(self, owner: Business) -> None:
        salon = new_salon(owner)
        callers = [Caller(owner.app, token=owner.token) for _ in range(10)]
        answers = together(len(callers), lambda number: salon.post(by=callers[number]))
        assert sorted(one.status_code for one in answers) == [201] + [409] * 9
        refused = [one.get_json() for one in answers if one.status_code == 409]
        assert {one["code"] for one in refused} == {"SLOT_UNAVAILABLE"}
        assert all(len(one["alternatives"]) == 3 for one in refused)
        assert len(salon.allocations()) == 1


class TestRacersForOneSlot:
    @pytest.mark.parametrize("rounds", [3, pytest.param(50, marks=pytest.mark.slow)])
    def test_one_wins_and_all_others_are_told_in_two_seconds(
        self, owner: Business, hosts: tuple[RunningService, ...], rounds: int
    ) -> None:
        salon = new_salon(owner)
        for turn in range(rounds):
            body = salon.asked(startAt=wire(day(10 + turn)))
            with in_time():
                answers = together(RACERS, partial(over_http, salon, hosts, body=body))
            expected = {(201, None): 1, (409, "SLOT_UNAVAILABLE"): RACERS - 1}
            assert Counter(map(told, answers)) == expected, turn
        assert len(salon.allocations()) == rounds


class TestRacersForSlotsOfOneThing:
    def test_win_as_many_as_it_has(self, owner: Business, hosts: tuple[RunningService, ...]) -> None:
        salon = new_salon(owner, staff=0)
        room = create_resource(owner, "room", capacity=6)["id"]
        assign(owner, salon.service["id"], [room])
        with in_time():
            answers = together(RACERS, lambda number: over_http(salon, hosts, number, salon.asked()))
        expected = {(201, None): 6, (409, "SLOT_UNAVAILABLE"): RACERS - 6}
        assert Counter(map(told, answers)) == expected
        assert sorted(one.slot_no for one in salon.allocations()) == [1, 2, 3, 4, 5, 6]

    def test_find_beds_for_whole_parties_or_none(
        self, owner: Business, hosts: tuple[RunningService, ...]
    ) -> None:
        hostel = new_dorm(owner, beds=10)
        nights = {"checkIn": f"{day(20):%Y-%m-%d}", "checkOut": f"{day(23):%Y-%m-%d}", "partySize": 3}
        body = hostel.asked(**nights)
        with in_time():
            answers = together(20, partial(over_http, hostel, hosts, body=body))
        assert Counter(map(told, answers)) == {(201, None): 3, (409, "SLOT_UNAVAILABLE"): 17}
        assert sorted(one.slot_no for one in hostel.allocations()) == list(range(1, 10))

    @pytest.mark.slow
    def test_take_each_of_ten_slots_once_in_640_tries(
        self, owner: Business, hosts: tuple[RunningService, ...]
    ) -> None:
        salon = new_salon(owner)
        bodies = [salon.asked(startAt=wire(day() + timedelta(hours=number))) for number in range(10)]

        def tries(racer: int) -> list[Outcome]:
            order = [bodies[(racer + turn * 7) % 10] for turn in range(16)]
            return [told(over_http(salon, hosts, racer, body)) for body in order]

        outcomes = [outcome for racer in together(RACERS, tries) for outcome in racer]
        assert Counter(outcomes) == {(201, None): 10, (409, "SLOT_UNAVAILABLE"): 630}
        assert len({one.starts_at for one in salon.allocations()}) == 10


class TestRacersForOverlappingPairs:
    @pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.slow)])
    def test_wait_for_one_another_in_one_order(
        self, owner: Business, hosts: tuple[RunningService, ...], rounds: int
    ) -> None:
        """Twenty want two of five people each, named in either order: no two can wait for each other."""
        salon = new_salon(owner, staff=0)
        people = [create_staff(owner, name=f"Stylist {number}")["id"] for number in range(5)]
        service = create_service(owner, name="Duet", resources=people)["id"]
        for turn in range(rounds):
            start = wire(day(10 + turn))

            def race(number: int, start: str = start) -> Answer:
                both = (people[number % 5], people[(number + 1 + number // 5 % 4) % 5])
                items = [{"serviceId": service, "staffId": one, "startAt": start} for one in both]
                return over_http(salon, hosts, number, salon.asked(items=items[:: 1 - number % 2 * 2]))

            with in_time():
                answers = together(20, race)
            outcomes = Counter(map(told, answers))
            assert set(outcomes) == {(201, None), (409, "SLOT_UNAVAILABLE")}
            assert 1 <= outcomes[201, None] <= 2
        taken = [(one.resource_id, one.starts_at) for one in salon.allocations()]
        assert len(taken) == len(set(taken))


class TestRacersWhoMove:
    @pytest.mark.parametrize("rounds", [1, pytest.param(10, marks=pytest.mark.slow)])
    def test_pass_one_another_without_waiting_in_a_circle(
        self, owner: Business, hosts: tuple[RunningService, ...], rounds: int
    ) -> None:
        """Each of five goes to the next person while others cancel, book and move back."""
        salon = new_salon(owner, staff=5)
        for turn in range(rounds):
            start, later = wire(day(10 + turn)), wire(day(10 + turn, 14))
            booked = [salon.book(staffId=one, startAt=start) for one in salon.staff]

            def race(number: int, start: str = start, later: str = later, booked: Any = booked) -> Answer:
                path = f"/api/bookings/{booked[number % 5]['id']}"
                neighbor = salon.staff[(number + 1) % 5]
                acts: list[tuple[str, dict[str, Any]]] = [
                    (f"{path}/reschedule", {"startAt": later, "staffId": neighbor}),
                    (f"{path}/reschedule", {"startAt": later}),
                    (f"{path}/cancel", {}),
                    ("/api/bookings", salon.asked(startAt=later, staffId=neighbor)),
                ]
                act, body = acts[number // 5]
                host = hosts[number % 2]
                return send(host.port, "POST", act, body, token=owner.token, address=new_address())

            with in_time():
                answers = together(20, race)
            codes = {told(one)[1] if one.status >= 400 else None for one in answers}
            assert codes <= {None, "SLOT_UNAVAILABLE", "INVALID_STATE"}, codes
            found = [(one.resource_id, one.starts_at) for one in salon.allocations() if one.state == "active"]
            assert len(found) == len(set(found))


class TestWithoutTheLock:
    def test_the_constraint_alone_still_lets_one_have_the_slot(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Two read that a slot is free before either takes it."""
        salon = new_salon(owner)
        reading = threading.Barrier(2)
        taken = AllocationRepository.taken

        def without_lock(self: AllocationRepository, ids: Any) -> Any:
            return Unlocked(self._transaction).read(ids)

        def both_read(self: AllocationRepository, *args: Any, **options: Any) -> Any:
            found = taken(self, *args, **options)
            if options.get("with_expired"):
                reading.wait(5)
            return found

        monkeypatch.setattr(AllocationRepository, "lock", without_lock)
        monkeypatch.setattr(AllocationRepository, "taken", both_read)
        callers = [Caller(owner.app, token=owner.token) for _ in range(2)]
        answers: list[TestResponse] = together(2, lambda number: salon.post(by=callers[number]))
        assert sorted(one.status_code for one in answers) == [201, 409]
        (refused,) = (one for one in answers if one.status_code == 409)
        assert problem(refused, 409, "SLOT_UNAVAILABLE")["alternatives"] == []
        assert len(salon.allocations()) == 1
        assert salon.rows()["bookings"] == 1


class Unlocked(Repository):
    model = Resource
    columns = (Resource.id, Resource.capacity, Resource.bookable_capacity, Resource.active)

    def read(self, ids: Any) -> Any:
        return self._transaction.execute(self.select().where(Resource.id.in_(list(ids)))).all()
