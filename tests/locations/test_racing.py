"""The default location under racers: at the end there is one, and it is active."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.apps import wide_app
from tests.factories.callers import Business, Caller, new_business

__all__ = ["wide_app"]

RACERS = 6
ROUNDS = 15


@pytest.fixture
def racer(wide_app: Flask) -> Business:
    """A business that is not counted, so that it may try often."""
    return new_business(Caller(wide_app))


def locations(business: Business) -> list[Any]:
    page = business.get("/api/locations?limit=200&status=active,archived").json
    assert page is not None
    return list(page["data"])


def at_once(racer: Business, calls: list[Callable[[Caller], TestResponse]]) -> set[int]:
    """Make all calls at the same moment and return their statuses."""
    start = Barrier(len(calls))

    def make(call: Callable[[Caller], TestResponse]) -> int:
        caller = Caller(racer.app, token=racer.token, address=racer.address)
        start.wait()
        return call(caller).status_code

    with ThreadPoolExecutor(len(calls)) as pool:
        return set(pool.map(make, calls))


class TestDefault:
    def test_is_one_whoever_claims_it(self, racer: Business) -> None:
        ids = [create(racer) for _ in range(RACERS)]
        claims = [partial(claim, id_) for id_ in ids]
        statuses = at_once(racer, [*claims, *claims, *[add_default] * RACERS])

        assert statuses <= {200, 201, 409}
        assert [one["status"] for one in locations(racer) if one["isDefault"]] == ["active"]

    @pytest.mark.parametrize("query", [{}, {"purge": "true"}])
    def test_is_never_one_that_goes_away_meanwhile(self, racer: Business, query: dict[str, str]) -> None:
        for _ in range(ROUNDS):
            id_ = create(racer)
            remove = partial(leave, id_, query)
            statuses = at_once(racer, [partial(claim, id_), remove] * (RACERS // 2))

            assert statuses <= {200, 204, 404, 409}
            assert [one["status"] for one in locations(racer) if one["isDefault"]] == ["active"]


def create(racer: Business) -> str:
    body = racer.post("/api/locations", {"name": "Bandra"}).json
    assert body is not None
    return str(body["id"])


def claim(id_: str, caller: Caller) -> TestResponse:
    return caller.patch(f"/api/locations/{id_}", {"isDefault": True})


def leave(id_: str, query: dict[str, str], caller: Caller) -> TestResponse:
    return caller.delete(f"/api/locations/{id_}", query_string=query)


def add_default(caller: Caller) -> TestResponse:
    return caller.post("/api/locations", {"name": "Racer", "isDefault": True})
