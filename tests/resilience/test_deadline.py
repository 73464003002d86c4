"""One deadline for a whole request: a slow network adds up over its round trips, and is cut off."""

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from sqlalchemy import make_url

from mbs.app import create_app
from mbs.config import Config
from tests.factories.callers import Caller, new_business
from tests.resilience.load import ANSWER_SECONDS

pytestmark = pytest.mark.slow

DELAY_SECONDS = 1.4
"""Less than what one statement may take (3.5 s), more than a quarter of what a request may (4.5 s)."""


class SlowLink:
    """A relay in front of the database that holds each of its answers back for `delay` seconds."""

    def __init__(self, port: int) -> None:
        self.delay = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._to = port
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", self._to)) as server, suppress(OSError):
            while True:
                readable, _, _ = select.select([client, server], [], [])
                for source in readable:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is server:
                        time.sleep(self.delay)
                    (client if source is server else server).sendall(data)


@contextmanager
def slow_link(port: int) -> Iterator[SlowLink]:
    link = SlowLink(port)
    try:
        yield link
    finally:
        link.close()


class TestRequest:
    def test_ends_at_its_deadline_however_many_statements_are_left(self, environ: dict[str, str]) -> None:
        url = make_url(environ["DATABASE_URL"])
        assert url.port is not None
        with slow_link(url.port) as link:
            behind = url.set(port=link.port).render_as_string(hide_password=False)
            owner = new_business(Caller(create_app(Config.load({**environ, "DATABASE_URL": behind}))))
            created = owner.post("/api/customers", {"name": "Before"})
            assert created.status_code == 201
            link.delay = DELAY_SECONDS
            start = time.monotonic()
            key = {"Idempotency-Key": "late-1"}
            response = owner.post("/api/customers", {"name": "Late"}, headers=key)
            seconds = time.monotonic() - start
            link.delay = 0.0
            print(f"{response.status_code} after {seconds:.2f} s")
            assert (response.status_code, "Retry-After" in response.headers) == (503, True)
            assert 4 <= seconds <= ANSWER_SECONDS
            # The same key makes exactly one of it, whether or not the first try was committed.
            again = repeated(lambda: owner.post("/api/customers", {"name": "Late"}, headers=key).status_code)
            assert again == 201
            names = [row["name"] for row in (owner.get("/api/customers").json or {})["data"]]
            assert sorted(names) == ["Before", "Late"]


def repeated(send: Callable[[], int]) -> int:
    """Send until the answer is not one that says to try again, as a client with an idempotency key does."""
    for _ in range(20):
        status = send()
        if status not in (409, 503):
            return status
        time.sleep(0.2)
    raise AssertionError(f"{status} for ever")
