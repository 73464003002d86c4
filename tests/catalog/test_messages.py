"""How many messages services and resources cost PostgreSQL, beside the one that knows the caller."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.catalog.test_needs import COLOR
from tests.contract.round_trips import Counter
from tests.factories.callers import Business
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.members import new_tenant_with

Send = Callable[[Business, Mapping[str, Any]], TestResponse]


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
    (owner,) = new_tenant_with(counted_app, "salon", ("owner",))
    return owner


MESSAGES: Mapping[str, tuple[int, Send]] = {
    "list services": (1, lambda own, made: own.get("/api/services?category=Hair")),
    "read a service": (1, lambda own, made: own.get(f"/api/services/{made['service']}")),
    "read who does it": (2, lambda own, made: own.get(f"/api/services/{made['service']}/resources")),
    # The currency, the row, and the event with COMMIT.
    "create a service": (
        3,
        lambda own, made: own.post("/api/services", {"name": "Cut", "price": "1", "duration": 5}),
    ),
    "rename a service": (
        3,
        lambda own, made: own.patch(f"/api/services/{made['service']}", {"name": "Cut"}),
    ),
    "price a service": (4, lambda own, made: own.patch(f"/api/services/{made['service']}", {"price": "1"})),
    "part a service": (
        4,
        lambda own, made: own.patch(
            f"/api/services/{made['service']}", {"duration": 90, "segments": list(COLOR)}
        ),
    ),
    # The lock, the resources held, the old ones, the new ones, the version, the list, the event.
    "assign two": (7, lambda own, made: assign(own, made["service"], [made["staff"], made["room"]])),
    "archive a service": (3, lambda own, made: own.delete(f"/api/services/{made['service']}")),
    "remove a service": (3, lambda own, made: own.delete(f"/api/services/{made['service']}?purge=true")),
    "list resources": (1, lambda own, made: own.get(f"/api/staff?serviceId={made['service']}")),
    "read a resource": (1, lambda own, made: own.get(f"/api/staff/{made['staff']}")),
    "create a resource": (3, lambda own, made: own.post("/api/staff", {"name": "Asha"})),
    "create a part": (
        4,
        lambda own, made: own.post("/api/staff", {"name": "Asha", "parentId": made["room"]}),
    ),
    "change a capacity": (3, lambda own, made: own.patch(f"/api/staff/{made['staff']}", {"capacity": 2})),
    # The lock, what has ended, holds that are over, the row, the event.
    "lower a capacity": (
        5,
        lambda own, made: own.patch(f"/api/resources/{made['room']}", {"capacity": 1}),
    ),
    # The business's lock, the resource's, what is above, the parent, the row, the event.
    "make it a part": (
        6,
        lambda own, made: own.patch(f"/api/staff/{made['staff']}", {"parentId": made["room"]}),
    ),
    "archive a resource": (3, lambda own, made: own.delete(f"/api/staff/{made['staff']}")),
    "remove a resource": (3, lambda own, made: own.delete(f"/api/staff/{made['staff']}?purge=true")),
}


class TestMessages:
    @pytest.mark.parametrize("name", MESSAGES)
    def test_are_as_few_as_written_here(self, salon: Business, counter: Counter, name: str) -> None:
        expected, send = MESSAGES[name]
        made = {
            "staff": create_staff(salon)["id"],
            "room": create_resource(salon, capacity=2)["id"],
            "service": create_service(salon)["id"],
        }

        assert counter.count(lambda: send(salon, made)).own == expected

    def test_do_not_grow_with_the_list(self, salon: Business, counter: Counter) -> None:
        staff = [create_staff(salon)["id"] for _ in range(8)]
        id_ = create_service(salon)["id"]
        assert counter.count(lambda: assign(salon, id_, staff)).own == MESSAGES["assign two"][0]
