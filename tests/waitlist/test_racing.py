"""Seats of a class under racers who cancel, accept, leave, join and book: never more than there are."""

import random
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from tests.factories.answers import made
from tests.factories.callers import Business, Caller, new_business
from tests.factories.customers import create
from tests.factories.group_sessions import fill, let_offers_end, new_class_service, plan, wait_for, waiting
from tests.factories.teams import code_of

SEATS = 5

REFUSALS = {
    *("SESSION_FULL", "CAPACITY_IN_USE", "SEATS_AVAILABLE", "ALREADY_WAITING"),
    *("INVALID_STATE", "OFFER_EXPIRED", "BUSY"),
}

TAKEN = text("SELECT slot_no, capacity FROM allocations WHERE resource_id = :id AND state <> 'released'")
BOOKED = text("""
SELECT b.status, b.party_size, count(a.id) AS seats
FROM bookings AS b LEFT JOIN allocations AS a
  ON a.tenant_id = b.tenant_id AND a.booking_id = b.id AND a.state <> 'released'
WHERE b.session_id = :id GROUP BY b.id, b.status, b.party_size
""")
BROKEN = text("""
SELECT e.id, e.status, b.status FROM waitlist_entries AS e
LEFT JOIN bookings AS b ON b.tenant_id = e.tenant_id AND b.id = e.booking_id
WHERE e.session_id = :id AND CASE e.status
  WHEN 'waiting' THEN b.id IS NOT NULL
  WHEN 'offered' THEN b.status IS DISTINCT FROM 'held'
  WHEN 'accepted' THEN b.status NOT IN ('confirmed', 'cancelled')
  ELSE b.status <> 'expired' END
UNION ALL
SELECT b.id, 'nobody', b.status FROM bookings AS b
WHERE b.session_id = :id AND b.status = 'held' AND NOT EXISTS (
  SELECT FROM waitlist_entries AS e WHERE e.tenant_id = b.tenant_id AND e.booking_id = b.id)
""")

Act = Callable[[Caller], TestResponse]


@pytest.fixture
def racer(wide_app: Flask) -> Business:
    """A business that is not counted, so that it may try often."""
    return new_business(Caller(wide_app))


def at_once(racer: Business, acts: list[Act]) -> list[TestResponse]:
    """Do all at the same moment."""
    start = Barrier(len(acts))

    def make(act: Act) -> TestResponse:
        caller = Caller(racer.app, token=racer.token, address=racer.address)
        start.wait()
        return act(caller)

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(make, acts))


def post(path: str, body: Any, caller: Caller) -> TestResponse:
    return caller.post(path, body)


def remove(path: str, caller: Caller) -> TestResponse:
    return caller.delete(path)


def change(path: str, body: Any, caller: Caller) -> TestResponse:
    return caller.patch(path, body)


def rows(racer: Business, statement: Any, class_id: str) -> list[Mapping[str, Any]]:
    with racer.database.transaction(racer.scope) as transaction:
        return [dict(row._mapping) for row in transaction.execute(statement, {"id": class_id})]


def check(racer: Business, class_id: str) -> None:
    """Hold seats, bookings and waiting list against each other."""
    taken = rows(racer, TAKEN, class_id)
    assert len({one["slot_no"] for one in taken}) == len(taken)
    assert all(one["slot_no"] <= one["capacity"] for one in taken)
    for one in rows(racer, BOOKED, class_id):
        blocks = one["status"] in ("held", "pending", "confirmed", "checked_in")
        assert one["seats"] == (one["party_size"] if blocks else 0), one
    assert rows(racer, BROKEN, class_id) == []


def refused(answers: list[TestResponse]) -> set[str | None]:
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {200, 201, 204, 409}, statuses
    return {code_of(answer)[1] for answer in answers if answer.status_code == 409}


class TestTwentyRacers:
    @pytest.mark.parametrize("rounds", [1, pytest.param(20, marks=pytest.mark.slow)])
    def test_never_oversell_a_class(self, racer: Business, rounds: int) -> None:
        service = new_class_service(racer, capacity=SEATS)
        for number in range(rounds):
            class_id = plan(racer, service)["id"]
            path = f"/api/sessions/{class_id}"
            bookings = fill(racer, class_id, SEATS)
            entries = [wait_for(racer, class_id, partySize=size)["id"] for size in (1, 2, 1, 1, 2, 1)]
            acts: list[Act] = [
                *(partial(post, f"/api/bookings/{one['id']}/cancel", {}) for one in bookings[:4]),
                *(partial(post, f"{path}/waitlist/{id_}/accept", None) for id_ in entries),
                *(partial(remove, f"{path}/waitlist/{id_}") for id_ in entries[:2]),
                *[partial(post, "/api/bookings", {"sessionId": class_id, "customer": {"name": "New"}})] * 5,
                *(partial(change, path, {"capacity": SEATS + more}) for more in (1, -1)),
                partial(post, f"{path}/waitlist", {"customerId": create(racer)["id"]}),
            ]
            random.Random(number).shuffle(acts)
            for again in range(2):
                assert refused(at_once(racer, acts)) <= REFUSALS
                check(racer, class_id)
                if again == 0:
                    let_offers_end(racer, class_id)

    def test_accept_one_offer_once(self, racer: Business) -> None:
        class_id = plan(racer, new_class_service(racer, capacity=1))["id"]
        fill(racer, class_id, 1)
        entry = wait_for(racer, class_id)["id"]
        made(racer, f"/api/sessions/{class_id}", {"capacity": 2}, "PATCH")
        accept = partial(post, f"/api/sessions/{class_id}/waitlist/{entry}/accept", None)

        answers = at_once(racer, [accept] * 20)

        assert refused(answers) <= {"BUSY"}
        accepted = [answer.get_data(as_text=True) for answer in answers if answer.status_code == 200]
        assert len(set(accepted)) == 1
        check(racer, class_id)

    def test_give_one_seat_to_the_one_who_waited(self, racer: Business) -> None:
        class_id = plan(racer, new_class_service(racer, capacity=1))["id"]
        (booked,) = fill(racer, class_id, 1)
        entry = wait_for(racer, class_id)
        newcomer = partial(post, "/api/bookings", {"sessionId": class_id, "customer": {"name": "New"}})
        cancel = partial(post, f"/api/bookings/{booked['id']}/cancel", {})

        answers = at_once(racer, [cancel, *[newcomer] * 19])

        assert [answer.status_code for answer in answers[1:]] == [409] * 19
        if code_of(answers[0]) == (409, "BUSY"):
            assert cancel(racer).status_code == 200
        (offered,) = waiting(racer, class_id)
        assert (offered["id"], offered["status"]) == (entry["id"], "offered")
        check(racer, class_id)
