"""The bulkhead in front of the application: who runs, who waits, who is shed (ADR 0007)."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import create_environ, run_wsgi_app

from mbs.foundation.bulkhead import WAIT_SECONDS, WAITING_PER_SLOT, Bulkhead, thread_count
from mbs.foundation.http import ARRIVED_KEY, SHED_KEY
from tests.factories.callers import Business, Caller

SLOTS = 2


class Held:
    """A WSGI application whose requests, probes apart, stay until they are let go."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.let_go = threading.Event()
        self._lock = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if SHED_KEY in environ:
            start_response("503 Shed", [])
            return [b"shed"]
        if "/health" not in environ["PATH_INFO"]:
            with self._lock:
                self.running += 1
                self.most = max(self.most, self.running)
            self.let_go.wait(30)
            with self._lock:
                self.running -= 1
        start_response("200 OK", [])
        return [b"done"]


@pytest.fixture
def held() -> Iterator[Held]:
    application = Held()
    yield application
    application.let_go.set()


def ask(application: Any, path: str = "/api/customers") -> tuple[int, float]:
    """Send one request; return its status and how long it took."""
    start = time.monotonic()
    return ask_with(application, create_environ(path)), time.monotonic() - start


def ask_with(application: Any, environ: dict[str, Any]) -> int:
    _, status, _ = run_wsgi_app(application, environ, buffered=True)
    return int(status.split()[0])


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class TestBulkhead:
    def test_runs_so_many_at_a_time_and_sheds_those_who_wait_in_vain(self, held: Held) -> None:
        bulkhead = Bulkhead(held, SLOTS)
        with ThreadPoolExecutor(20) as pool:
            running = [pool.submit(ask, bulkhead) for _ in range(SLOTS)]
            wait_for(lambda: held.running == SLOTS)
            waiting = [pool.submit(ask, bulkhead) for _ in range(SLOTS * WAITING_PER_SLOT)]
            shed = [one.result() for one in waiting]
            assert {status for status, _ in shed} == {503}
            assert all(WAIT_SECONDS * 0.9 <= seconds <= WAIT_SECONDS + 2 for _, seconds in shed)
            held.let_go.set()
            assert {one.result()[0] for one in running} == {200}
        assert held.most == SLOTS
        assert ask(bulkhead)[0] == 200

    def test_lets_those_run_who_waited_for_a_slot(self, held: Held) -> None:
        bulkhead = Bulkhead(held, SLOTS)
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(ask, bulkhead) for _ in range(SLOTS * (1 + WAITING_PER_SLOT))]
            wait_for(lambda: held.running == SLOTS)
            held.let_go.set()
            assert {one.result()[0] for one in asked} == {200}
        assert held.most == SLOTS

    def test_never_holds_up_a_probe(self, held: Held) -> None:
        bulkhead = Bulkhead(held, SLOTS)
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(ask, bulkhead) for _ in range(thread_count(SLOTS) - 1)]
            wait_for(lambda: held.running == SLOTS)
            for path in ("/health", "/health/ready", "/api/health/db"):
                assert ask(bulkhead, path)[0] == 200
            held.let_go.set()
            assert all(one.result()[0] for one in asked)


class TestApplication:
    def test_refuses_what_is_shed_like_anything_else(self, app: Flask) -> None:
        caller = Caller(app)
        response = caller.get("/api/customers", environ_overrides={SHED_KEY: True})
        assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
        assert response.json is not None
        assert response.json["code"] == "OVERLOADED"
        refused = caller.get("/api/customers")
        assert set(refused.headers.keys()) - set(response.headers.keys()) <= {
            "WWW-Authenticate",
            "RateLimit",
            "RateLimit-Policy",
            "X-RateLimit-Limit",
            "X-RateLimit-Remaining",
            "X-RateLimit-Reset",
        }

    def test_counts_the_wait_against_the_deadline(self, owner: Business) -> None:
        bulkhead = owner.app.wsgi_app
        assert isinstance(bulkhead, Bulkhead)
        for arrived, expected in ((time.monotonic() - 10, 503), (time.monotonic(), 200)):
            environ = create_environ("/api/customers", headers={"Authorization": f"Bearer {owner.token}"})
            environ[ARRIVED_KEY] = arrived
            assert ask_with(bulkhead._application, environ) == expected
