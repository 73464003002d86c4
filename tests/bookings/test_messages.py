"""How many messages bookings cost PostgreSQL, beside the one that knows the caller."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, NamedTuple

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.contract.round_trips import Counter
from tests.factories.bookings import book, new_customer, new_service
from tests.factories.calendars import new_resource
from tests.factories.callers import Business, Caller, new_business
from tests.factories.group_sessions import new_class, new_class_service
from tests.factories.salons import day

LATE = '{"lateCancelFee": {"type": "percent", "value": "50"}, "cancelNoticeMin": 500000}'


class Made(NamedTuple):
    own: Business
    customer: Any
    service: Any
    stylist: Any

    def book(self, status: str = "confirmed", **values: Any) -> str:
        takes = {self.stylist: 1}
        return str(book(self.own, self.customer, [self.service], day(), takes=takes, status=status, **values))

    def act(self, action: str, status: str = "confirmed", body: Any = None) -> Callable[[], TestResponse]:
        id_ = self.book(status)
        return lambda: self.own.post(f"/api/bookings/{id_}/{action}", body)


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def counter(counted_app: Flask) -> Counter:
    return Counter(counted_app)


@pytest.fixture
def made(counted_app: Flask) -> Made:
    owner = new_business(Caller(counted_app))
    owner.get("/api/bookings")
    service = new_service(owner, policy=LATE)
    return Made(owner, new_customer(owner), service, new_resource(owner))


# A decision: what there is, the locks of resources and of the booking, what it frees or takes, its row,
# and the event with COMMIT.
MESSAGES: Mapping[str, tuple[int, Callable[[Made], Callable[[], TestResponse]]]] = {
    "list": (1, lambda made: lambda: made.own.get("/api/bookings?expand=customer")),
    "list upcoming": (1, lambda made: lambda: made.own.get("/api/bookings/upcoming")),
    "count": (2, lambda made: lambda: made.own.get("/api/bookings?includeTotal=true")),
    "list a customer's that has none": (
        2,
        lambda made: lambda: made.own.get(f"/api/customers/{made.customer}/bookings"),
    ),
    "confirm": (6, lambda made: made.act("confirm", "pending")),
    "decline": (6, lambda made: made.act("decline", "pending")),
    "check in": (4, lambda made: made.act("check-in")),
    "complete": (6, lambda made: made.act("complete")),
    "not come": (7, lambda made: made.act("no-show")),
    "cancel": (6, lambda made: made.act("cancel")),
    # The rules, besides.
    "cancel late": (7, lambda made: made.act("cancel", body={"cancelledBy": "customer"})),
}


class TestMessages:
    @pytest.mark.parametrize("name", MESSAGES)
    def test_are_as_few_as_written_here(self, made: Made, counter: Counter, name: str) -> None:
        expected, prepare = MESSAGES[name]
        assert counter.count(prepare(made)).own == expected

    def test_of_one_booking_are_few(self, made: Made, counter: Counter) -> None:
        path = f"/api/bookings/{made.book()}"
        assert counter.count(lambda: made.own.get(path)).own == 1
        assert counter.count(lambda: made.own.patch(path, {"notes": "Tea"})).own == 3
        assert counter.count(lambda: made.own.delete(path)).own == 6
        # What is reached is read and nothing else, but for the end of the transaction.
        assert counter.count(lambda: made.own.delete(path)).own == 2

    def test_do_not_grow_with_what_is_listed(self, made: Made, counter: Counter) -> None:
        for number in range(5):
            start = day() + timedelta(hours=number)
            book(made.own, made.customer, [made.service, made.service], start)
        assert counter.count(lambda: made.own.get("/api/bookings?expand=customer")).own == 1
        assert counter.count(lambda: made.own.get(f"/api/customers/{made.customer}/bookings")).own == 1

    def test_of_a_seat_are_those_of_its_class_besides(self, made: Made, counter: Counter) -> None:
        service = new_class_service(made.own)
        course = new_class(made.own, service, day())
        seat: dict[str, Any] = {"mode": "session", "session_id": course, "takes": {course: 1}}
        id_ = book(made.own, made.customer, [service], day(), **seat)
        attendees = f"/api/sessions/{course}/attendees"
        assert counter.count(lambda: made.own.get(attendees)).own == 1
        # The class's lock, and who waits for a seat.
        assert counter.count(lambda: made.own.delete(f"/api/bookings/{id_}")).own == 8
        assert made.own.get(attendees).get_json()["data"] == []
