"""How many messages hours cost PostgreSQL, beside the one that knows the caller."""

from collections.abc import Callable, Iterator, Mapping

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.contract.round_trips import Counter
from tests.factories.callers import Business, Caller, new_business
from tests.schedules.hours import TUESDAY, add, made

WEEK = {"startAt": "2026-08-03T00:00:00Z", "endAt": "2026-08-10T00:00:00Z"}
NEXT = {"endAt": "2026-08-11T00:00:00Z"}
CHRISTMAS = {"date": "2026-12-25", "windows": []}

Send = Callable[[Business, Mapping[str, str]], TestResponse]


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def counter(counted_app: Flask) -> Counter:
    return Counter(counted_app)


@pytest.fixture
def salon(counted_app: Flask) -> Business:
    owner = new_business(Caller(counted_app))
    owner.get("/api/staff")
    return owner


MESSAGES: Mapping[str, tuple[int, Send]] = {
    # The owner, and what it has.
    "read a week": (2, lambda own, at: own.get(f"{at['person']}/schedule")),
    "list exceptions": (2, lambda own, at: own.get(f"{at['person']}/exceptions?from=2026-01-01")),
    "read an exception": (2, lambda own, at: own.get(at["exception"])),
    "list time off": (2, lambda own, at: own.get(f"{at['person']}/time-off")),
    "read time off": (2, lambda own, at: own.get(at["time off"])),
    # The owner, the lock, the row, and the event with COMMIT.
    "give a week": (4, lambda own, at: own.call("PUT", f"{at['person']}/schedule", {"week": TUESDAY})),
    "remove no week": (3, lambda own, at: own.delete(f"{at['person']}/schedule")),
    "create an exception": (
        3,
        lambda own, at: own.post(f"{at['person']}/exceptions", {**CHRISTMAS, "date": "2026-12-26"}),
    ),
    "change an exception": (4, lambda own, at: own.patch(at["exception"], {"reason": "Christmas"})),
    "remove an exception": (4, lambda own, at: own.delete(at["exception"])),
    # The owner, the resources' lock, what is taken, the row, and the event with COMMIT.
    "create time off": (5, lambda own, at: own.post(f"{at['person']}/time-off", WEEK)),
    "close a place": (5, lambda own, at: own.post(f"{at['place']}/time-off", WEEK)),
    "explain time off": (4, lambda own, at: own.patch(at["time off"], {"reason": "Leave"})),
    "lengthen time off": (6, lambda own, at: own.patch(at["time off"], NEXT)),
    "remove time off": (4, lambda own, at: own.delete(at["time off"])),
}


class TestMessages:
    @pytest.mark.parametrize("name", MESSAGES)
    def test_are_as_few_as_written_here(self, salon: Business, counter: Counter, name: str) -> None:
        expected, send = MESSAGES[name]
        person = made(salon, "staff")
        exception = add(salon, f"{person}/exceptions", CHRISTMAS)["id"]
        time_off = add(salon, f"{person}/time-off", WEEK)["id"]
        addresses = {
            "person": person,
            "place": made(salon, "locations"),
            "exception": f"{person}/exceptions/{exception}",
            "time off": f"{person}/time-off/{time_off}",
        }
        assert counter.count(lambda: send(salon, addresses)).own == expected
