"""The counters in PostgreSQL: exact, moving, by the server's clock."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta

import psycopg2
import pytest
import time_machine
from limits import RateLimitItem, RateLimitItemPerMinute, RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter

from mbs.foundation.db import Database
from mbs.foundation.limits_postgres import DURABLE, PostgresStorage
from mbs.operations.embedded_postgres import Server
from tests.limits.conftest import Age, Sql, stored_key

LOGIN = RateLimitItemPerMinute(5, 15, namespace=DURABLE)
API = RateLimitItemPerMinute(100)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    database = Database(database_url, pool_size=16, lock_ms=10_000, statement_ms=20_000)
    yield database
    database.dispose()


@pytest.fixture
def limiter(database: Database) -> MovingWindowRateLimiter:
    return MovingWindowRateLimiter(PostgresStorage("mbs+postgresql://", database=database))


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    """A key that no other test counts under."""
    return request.node.nodeid


def hits(limiter: MovingWindowRateLimiter, item: RateLimitItem, name: str, count: int) -> list[bool]:
    return [limiter.hit(item, name) for _ in range(count)]


class TestWindow:
    def test_admits_exactly_its_number(self, limiter: MovingWindowRateLimiter, name: str) -> None:
        assert hits(limiter, LOGIN, name, 8) == [True] * 5 + [False] * 3

    def test_moves_instead_of_starting_anew(
        self, limiter: MovingWindowRateLimiter, name: str, age: Age
    ) -> None:
        # One at 0:00, four just before 15:00. A fixed window would admit five more just after 15:00.
        assert hits(limiter, LOGIN, name, 1) == [True]
        age(880, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 5) == [True] * 4 + [False]
        age(40, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 5) == [True] + [False] * 4
        age(840, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 5) == [False] * 5
        age(40, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 5) == [True] * 4 + [False]

    def test_is_not_prolonged_by_refusals(
        self, limiter: MovingWindowRateLimiter, name: str, age: Age
    ) -> None:
        hits(limiter, LOGIN, name, 5)
        age(880, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 20) == [False] * 20
        age(40, LOGIN.key_for(name))
        assert hits(limiter, LOGIN, name, 6) == [True] * 5 + [False]

    def test_tells_what_is_left_and_when_its_oldest_hit_ends(
        self, limiter: MovingWindowRateLimiter, name: str, age: Age, sql: Sql
    ) -> None:
        for remaining in (4, 3, 2, 1, 0, 0):
            limiter.hit(LOGIN, name)
            assert limiter.get_window_stats(LOGIN, name).remaining == remaining
        age(300, LOGIN.key_for(name))
        assert not limiter.hit(LOGIN, name)
        ((now,),) = sql("SELECT extract(epoch FROM clock_timestamp())::float8")
        assert limiter.get_window_stats(LOGIN, name).reset_time == pytest.approx(now + 600, abs=5)

    def test_that_nobody_asked_for_is_whole(self, limiter: MovingWindowRateLimiter, name: str) -> None:
        assert limiter.get_window_stats(LOGIN, name).remaining == 5

    def test_tells_the_same_whether_it_has_just_counted_or_is_asked_again(
        self, limiter: MovingWindowRateLimiter, name: str
    ) -> None:
        hits(limiter, LOGIN, name, 3)
        remembered, asked = (limiter.get_window_stats(LOGIN, name) for _ in range(2))
        assert asked.remaining == remembered.remaining == 2
        assert asked.reset_time == pytest.approx(remembered.reset_time, abs=0.001)

    def test_is_each_keys_own(self, limiter: MovingWindowRateLimiter, name: str) -> None:
        hits(limiter, LOGIN, name, 6)
        assert limiter.hit(LOGIN, f"{name} other")
        assert limiter.hit(API, name)

    def test_can_be_forgotten(self, limiter: MovingWindowRateLimiter, name: str) -> None:
        hits(limiter, LOGIN, name, 6)
        limiter.clear(LOGIN, name)
        assert limiter.get_window_stats(LOGIN, name).remaining == 5
        assert limiter.hit(LOGIN, name)

    def test_is_kept_by_the_servers_clock(self, limiter: MovingWindowRateLimiter, name: str) -> None:
        assert hits(limiter, LOGIN, name, 6)[-1] is False
        for shift in (timedelta(days=1), timedelta(days=-1)):
            with time_machine.travel(shift):
                assert not limiter.hit(LOGIN, name)


class TestRace:
    def test_of_sixteen_connections_admits_exactly_the_number(
        self, limiter: MovingWindowRateLimiter, name: str
    ) -> None:
        barrier = threading.Barrier(16)

        def storm(_: int) -> int:
            barrier.wait(30)
            return sum(hits(limiter, LOGIN, name, 25))

        with ThreadPoolExecutor(16) as pool:
            assert sum(pool.map(storm, range(16))) == 5

    def test_reads_the_time_after_it_has_waited(
        self, limiter: MovingWindowRateLimiter, name: str, age: Age, server: Server, database_name: str
    ) -> None:
        item = RateLimitItemPerSecond(2, 60)
        assert hits(limiter, item, name, 3) == [True, True, False]
        age(59, item.key_for(name))
        with closing(psycopg2.connect(server.url(database_name))) as other, ThreadPoolExecutor(1) as pool:
            with other.cursor() as cursor:
                cursor.execute(
                    "SELECT 1 FROM rate_limits WHERE key = %s FOR UPDATE", [stored_key(item.key_for(name))]
                )
                waiting = pool.submit(limiter.hit, item, name)
                # Both hits leave the window while the third one waits for the row.
                cursor.execute("SELECT pg_sleep(1.5)")
            other.commit()
            assert waiting.result() is True


class TestTables:
    def test_of_logins_survive_a_crash_of_the_server(self, sql: Sql) -> None:
        rows = sql(
            "SELECT relname, relpersistence FROM pg_class WHERE relname IN ('login_attempts', 'rate_limits')"
        )
        assert dict(rows) == {"login_attempts": "p", "rate_limits": "u"}

    def test_hold_digests_instead_of_addresses(self, limiter: MovingWindowRateLimiter, sql: Sql) -> None:
        limiter.hit(LOGIN, "account:asha@example.com")
        limiter.hit(API, "ip:198.51.100.7" * 1000)
        keys = [
            key for table in ("login_attempts", "rate_limits") for (key,) in sql(f"SELECT key FROM {table}")
        ]
        assert len(keys) >= 2
        assert all(len(key) == 32 and set(key) <= set("0123456789abcdef") for key in keys)

    @pytest.mark.parametrize(("item", "table"), [(LOGIN, "login_attempts"), (API, "rate_limits")])
    def test_are_swept_ten_rows_at_each_new_key(
        self, limiter: MovingWindowRateLimiter, sql: Sql, name: str, item: RateLimitItem, table: str
    ) -> None:
        def expired() -> int:
            ((count,),) = sql(f"SELECT count(*) FROM {table} WHERE key LIKE 'old-%%'")
            return int(count)

        sql(f"DELETE FROM {table} WHERE expires_at < clock_timestamp()")
        sql(
            f"INSERT INTO {table} (key, hits, expires_at)"
            " SELECT 'old-' || n, ARRAY[now() - interval '1 hour'], now() - interval '1 minute'"
            " FROM generate_series(1, 25) AS n"
        )
        limiter.hit(item, f"{name} first")
        assert expired() == 15
        limiter.hit(item, f"{name} first")
        assert expired() == 15
        for number in range(2):
            limiter.hit(item, f"{name} {number}")
        assert expired() == 0
        assert limiter.get_window_stats(item, f"{name} first").remaining == item.amount - 2


class TestStorage:
    def test_counts_moving_windows_only(self, database: Database, name: str) -> None:
        fixed = FixedWindowRateLimiter(PostgresStorage("mbs+postgresql://", database=database))
        for use in (fixed.hit, fixed.test, fixed.get_window_stats):
            asked: Callable[..., object] = use
            with pytest.raises(NotImplementedError, match="moving windows only"):
                asked(LOGIN, name)
