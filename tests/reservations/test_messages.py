"""How many messages making and moving bookings cost PostgreSQL, beside the one that knows the caller."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.contract.round_trips import Counter
from tests.factories.callers import Caller, new_business
from tests.factories.group_sessions import new_class_service, plan
from tests.factories.salons import Salon, day, new_salon, wire

Made = Mapping[str, Any]
Send = Callable[[Salon, Made], TestResponse]


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def counter(counted_app: Flask) -> Counter:
    return Counter(counted_app)


@pytest.fixture(scope="module")
def salon(counted_app: Flask) -> Salon:
    return new_salon(new_business(Caller(counted_app)), staff=8, rooms=8)


def convert(salon: Salon, made: Made) -> TestResponse:
    return salon.owner.post(f"/api/bookings/{made['held']['id']}/convert")


MESSAGES: Mapping[str, tuple[int, Send]] = {
    # The service, the lock, what is taken, the hours, the booking, its items, its slots, the event.
    "book": (8, lambda salon, made: salon.post(startAt=wire(day(30)))),
    # The same, and the customer.
    "book for somebody new": (
        9,
        lambda salon, made: salon.post(customerId=None, customer={"name": "New"}, startAt=wire(day(31))),
    ),
    "book two of a service": (
        8,
        lambda salon, made: salon.post(items=[{"serviceId": salon.service["id"]}] * 2, startAt=wire(day(32))),
    ),
    # The lock of the seats and that of the class, the service, what is taken, then as above.
    "book a seat": (8, lambda salon, made: salon.post(sessionId=made["class"]["id"])),
    # The booking, the lock of what it takes and its own, the row, its slots, the event.
    "convert a hold": (6, convert),
    # The booking, the service, the lock, what is taken, the hours, the booking's lock; the slots and the
    # items each removed and written anew, the row, the event.
    "move": (12, lambda salon, made: salon.move(made["booking"], startAt=wire(day(33)))),
}


class TestMessages:
    @pytest.mark.parametrize("name", MESSAGES)
    def test_are_as_few_as_written_here(self, salon: Salon, counter: Counter, name: str) -> None:
        expected, send = MESSAGES[name]
        service = new_class_service(salon.owner)
        made = {
            "class": plan(salon.owner, service, startAt=wire(day(34))),
            "booking": salon.book(startAt=wire(day(35))),
            "held": salon.book(startAt=wire(day(36)), hold={}),
        }
        assert counter.count(lambda: send(salon, made)).own == expected
