"""Nothing is missed and nothing done twice, while many write and several follow."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from uuid import UUID

import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.events.repository import EventRepository
from mbs.foundation.db import Database
from tests.conftest import SECRETS
from tests.factories.callers import Business, Caller, new_business
from tests.outbox.conftest import Following, Sql

WRITERS, EACH, REPLICAS = 16, 625, 3
PATIENCE = 240.0
POLL_SECONDS = 0.05


@pytest.fixture
def businesses(outbox_url: str, sql: Sql) -> list[Business]:
    """The owners of two businesses whose events wait in this folder's own queue."""
    environ = {"APP_ENV": "test", "DATABASE_URL": outbox_url, "SKIP_RATE_LIMIT": "true", **SECRETS}
    app = create_app(Config.load(environ))
    return [new_business(Caller(app)) for _ in range(2)]


@pytest.fixture
def wide(outbox_url: str) -> Iterator[Database]:
    """A pool with a connection for each of many writers, who all wait for a lock of two."""
    database = Database(outbox_url, pool_size=WRITERS, lock_ms=20_000, statement_ms=20_000)
    yield database
    database.dispose()


def write(database: Database, business: Business) -> None:
    for _ in range(EACH):
        with database.transaction(business.scope) as transaction:
            EventRepository(transaction).append(
                type_="customer.updated",
                object_type="customer",
                object_id=UUID(int=1),
                at=datetime.now(UTC),
                data={"object": {}, "previous": {}},
            )


def read_feed(business: Business, written: threading.Event) -> list[int]:
    """Return the numbers of the events that a program sees which polls the feed until nobody writes."""
    seen: list[int] = []
    while True:
        last = written.is_set()
        page = business.get(f"/api/events?limit=100&after={seen[-1] if seen else 0}").get_json()
        seen += [event["seq"] for event in page["data"]]
        if not page["pagination"]["hasMore"]:
            if last:
                return seen
            time.sleep(POLL_SECONDS)


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(POLL_SECONDS)


@pytest.mark.slow
class TestFollowersUnderSixteenWriters:
    def test_miss_none_of_ten_thousand_events_and_see_none_twice(
        self, businesses: list[Business], wide: Database, following: Following, outbox_url: str, sql: Sql
    ) -> None:
        written, stop = threading.Event(), threading.Event()
        before = sum(seq for (seq,) in sql("SELECT seq FROM event_heads"))

        def follow(database: Database) -> None:
            service = following(database=database)
            while not stop.is_set():
                if not service.follow_next():
                    time.sleep(POLL_SECONDS)

        with ThreadPoolExecutor(WRITERS + REPLICAS + len(businesses)) as pool, ExitStack() as opened:
            for _ in range(REPLICAS):
                database = Database(outbox_url, pool_size=1)
                opened.callback(database.dispose)
                pool.submit(follow, database)
            opened.callback(stop.set)
            readers = [pool.submit(read_feed, business, written) for business in businesses]
            for writer in [pool.submit(write, wide, businesses[n % 2]) for n in range(WRITERS)]:
                writer.result(PATIENCE)
            written.set()
            until(lambda: not sql("SELECT 1 FROM event_heads WHERE pending"))
            feeds = [reader.result(PATIENCE) for reader in readers]

        assert sum(map(len, feeds)) == WRITERS * EACH + before
        for business, feed in zip(businesses, feeds, strict=True):
            followed = sql(
                "SELECT seq FROM effects WHERE tenant_id = %s ORDER BY place", (str(business.tenant_id),)
            )
            assert feed == [seq for (seq,) in followed] == list(range(1, len(feed) + 1))
        assert sql("SELECT 1 FROM event_failures") == []
