"""Businesses whose trail is written by many, and the whole trail as a program reads it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mbs.foundation.db import Database
from tests.factories.callers import Business

Feed = Callable[[Business], list[dict[str, Any]]]
WRITERS = 16


@pytest.fixture
def feed() -> Feed:
    """Return a function that follows a business's events to their end."""

    def follow(business: Business) -> list[dict[str, Any]]:
        events: list[dict[str, Any]] = []
        more = True
        while more:
            page = business.get(f"/api/events?limit=100&after={len(events)}").get_json()
            events += page["data"]
            more = page["pagination"]["hasMore"]
        return events

    return follow


@pytest.fixture
def wide(database_url: str) -> Iterator[Database]:
    """A pool with a connection for each of many writers, who all wait for one lock."""
    database = Database(database_url, pool_size=WRITERS + 1, lock_ms=20_000, statement_ms=20_000)
    yield database
    database.dispose()
