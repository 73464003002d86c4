"""What a storm of probes costs the database, and what a silent database costs the probes."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import psycopg2
import pytest

from mbs.health.service import CACHE_SECONDS, STALE_SECONDS, SingleFlight
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.servers import serve

PROBES = 200
SECONDS = 2.0
WORKERS = 4


class TestProbes:
    @pytest.mark.slow
    def test_share_their_questions(
        self, environ: dict[str, str], server: Server, new_database: Callable[[], str]
    ) -> None:
        name = new_database()
        run_as_superuser(server, f"ALTER DATABASE {name} SET log_statement = 'all'")
        log = server.data_directory / "server.log"
        with (
            serve({**environ, "DATABASE_URL": login_url(server, name)}, workers=WORKERS) as service,
            closing(psycopg2.connect(server.url("postgres"))) as connection,
            connection.cursor() as cursor,
            ThreadPoolExecutor(WORKERS * 4) as pool,
        ):
            connection.autocommit = True

            def ask(times: int) -> list[int]:
                return list(pool.map(lambda _: service.get("/health/db")[0], range(times)))

            def backends() -> set[str]:
                cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = %s", (name,))
                return {str(pid) for (pid,) in cursor.fetchall()}

            # Connecting, with its own first questions, is over before the count begins.
            while len(backends()) < WORKERS:
                ask(WORKERS * 4)
            time.sleep(CACHE_SECONDS)
            start, began = log.stat().st_size, time.monotonic()
            statuses: list[int] = []
            for batch in range(10):
                statuses += ask(PROBES // 10)
                time.sleep(max(0.0, began + (batch + 1) * SECONDS / 10 - time.monotonic()))
            elapsed = time.monotonic() - began
            known = backends()
        with log.open("rb") as file:
            file.seek(start)
            logged = file.read().decode()
        asked = [pid for pid in re.findall(r"\[(\d+)\] LOG:  statement: ", logged) if pid in known]
        assert statuses == [200] * PROBES
        print(f"{len(asked)} questions to the database for {PROBES} probes in {elapsed:.1f} s")
        # 12 in 2 s: each worker asks at the start and once a second.
        assert 1 <= len(asked) <= WORKERS * (1 + elapsed / CACHE_SECONDS)


class TestSingleFlight:
    def test_asks_once_for_all_who_come_together(self) -> None:
        asked = []

        def question() -> str:
            asked.append(1)
            time.sleep(0.2)
            return "answer"

        ask = SingleFlight(question)
        with ThreadPoolExecutor(16) as pool:
            assert set(pool.map(lambda _: ask(), range(64))) == {"answer"}
        assert len(asked) == 1

    def test_lets_nobody_wait_who_can_have_the_last_answer(self) -> None:
        asking, silent = threading.Event(), threading.Event()

        def question() -> str:
            if known.is_set():
                asking.set()
                silent.wait(30)
                return "new"
            return "old"

        known = threading.Event()
        ask = SingleFlight(question)
        assert ask() == "old"
        known.set()
        pass_time(ask, CACHE_SECONDS)
        with ThreadPoolExecutor(1) as pool:
            asker = pool.submit(ask)
            assert asking.wait(10)
            assert ask() == "old"
            silent.set()
            assert asker.result() == "new"

    def test_gives_out_nothing_that_is_too_old(self) -> None:
        answers = iter(["first", "second", "third"])
        ask = SingleFlight(lambda: next(answers))
        assert (ask(), ask()) == ("first", "first")
        pass_time(ask, CACHE_SECONDS)
        assert ask() == "second"
        pass_time(ask, STALE_SECONDS)
        assert ask() == "third"


def pass_time(flight: SingleFlight[str], seconds: float) -> None:
    """Make the last answer older, as if so many seconds had passed."""
    assert flight._answer is not None
    asked, answer = flight._answer
    flight._answer = (asked - seconds, answer)
