"""Availability is three questions to the database, each a message, however much there is; classes are two."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from tests.availability.worlds import World, week
from tests.contract.round_trips import Counter
from tests.factories.callers import Caller, new_business

DAY = "2027-03-02"


@pytest.fixture(scope="module")
def counted_app(environ: dict[str, str]) -> Iterator[Flask]:
    app = create_app(Config.load(environ))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture(scope="module")
def counter(counted_app: Flask) -> Counter:
    return Counter(counted_app)


@pytest.fixture(scope="module")
def world(counted_app: Flask) -> World:
    world = World(new_business(Caller(counted_app)))
    world.owner.get("/api/services")
    return world


class TestMessages:
    @pytest.mark.parametrize(
        ("mode", "query", "messages"),
        [
            ("appointment", {"from": DAY, "to": DAY}, 3),
            ("appointment", {"from": DAY, "to": "2027-04-01", "explain": "true"}, 3),
            ("stay", {"checkIn": DAY, "checkOut": "2027-03-05"}, 3),
            ("session", {"from": DAY, "to": DAY, "explain": "true"}, 2),
        ],
    )
    def test_are_as_few_as_written_here(
        self, world: World, counter: Counter, mode: str, query: dict[str, Any], messages: int
    ) -> None:
        rooms = [world.resource("room", "Attic", capacity=2) for _ in range(3)]
        world.schedule(rooms[0], week(("09:00", "17:00")))
        service = world.service(*rooms, mode=mode)
        asked = {"serviceId": str(service), **query}
        counted = counter.count(lambda: world.owner.get("/api/availability", query_string=asked))
        assert counted.own == messages
