"""Bulkheads between health probes, signing in and everything else, in front of the application (ADR 0007).

`slots` API requests run at a time, as many as there are database connections; twice as many wait a
moment; the rest is shed at once with 503. One thread always stays free, so a liveness probe is never
starved by slow requests and Kubernetes never kills a busy pod. Signing in hashes passwords, which is slow on
purpose: it gets half of the slots and half of the places to wait, so that it cannot take them from the rest.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from mbs.foundation.http import ARRIVED_KEY, SHED_KEY, correlation_id, is_health
from mbs.foundation.response_headers import CORRELATION_HEADER

access_log = logging.getLogger("mbs.request")

WAITING_PER_SLOT = 2
WAIT_SECONDS = 1.0
SIGNING_IN = tuple(
    f"/api/auth/{name}"
    for name in ("login", "register", "step-up", "reset-password", "change-password", "invites/")
)
"""Where a password may be hashed. A refresh is not among them: nobody who works should wait for it."""


def thread_count(slots: int) -> int:
    """Return how many threads a worker needs: those that run, those that wait, and the free one."""
    return slots * (1 + WAITING_PER_SLOT) + 1


class Compartment:
    """So many run at a time, twice as many wait a moment, nobody else comes in."""

    def __init__(self, slots: int) -> None:
        self._running = threading.BoundedSemaphore(slots)
        self._admitted = threading.BoundedSemaphore(slots * (1 + WAITING_PER_SLOT))

    def enter(self) -> bool:
        """Take a slot, or tell that there is none; whoever gets one gives it back with `leave`."""
        if not self._admitted.acquire(blocking=False):
            return False
        if not self._running.acquire(timeout=WAIT_SECONDS):
            self._admitted.release()
            return False
        return True

    def leave(self) -> None:
        self._running.release()
        self._admitted.release()


class Bulkhead:
    """WSGI middleware; one per process. The application itself refuses what is marked as shed."""

    def __init__(self, application: Callable[..., Iterable[bytes]], slots: int) -> None:
        self._application = application
        self._everything = Compartment(slots)
        self._signing_in = Compartment(max(1, slots // 2))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if is_health(path):
            return self._application(environ, start_response)
        # The waits below count against the request's deadline.
        environ[ARRIVED_KEY] = time.monotonic()
        if path.startswith(SIGNING_IN) and environ["REQUEST_METHOD"] == "POST":
            if not self._signing_in.enter():
                return self._shed(environ, start_response)
            try:
                return self._serve(environ, start_response)
            finally:
                self._signing_in.leave()
        return self._serve(environ, start_response)

    def _serve(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not self._everything.enter():
            return self._shed(environ, start_response)
        try:
            # Bodies are complete byte strings, so nothing runs after this returns.
            return self._application(environ, start_response)
        finally:
            self._everything.leave()

    def _shed(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[SHED_KEY] = True
        return self._application(environ, start_response)


class Liveness:
    """WSGI middleware that answers a plain GET /health with what the application answered to the first one.

    Liveness depends on nothing but the process, so the answer never changes; only the correlation id does.
    A prober that wants another media type, and a log at debug level, still get the application itself.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self._application = application
        self._recorded: tuple[str, list[tuple[str, str]], bytes] | None = None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if (
            environ.get("PATH_INFO") != "/health"
            or environ["REQUEST_METHOD"] != "GET"
            or environ.get("QUERY_STRING")
            or environ.get("HTTP_ACCEPT", "*/*") != "*/*"
            or access_log.isEnabledFor(logging.DEBUG)
        ):
            return self._application(environ, start_response)
        if self._recorded is None:
            return self._record(environ, start_response)
        status, headers, body = self._recorded
        start_response(status, [*headers, (CORRELATION_HEADER, correlation_id(environ))])
        return [body]

    def _record(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            started.append((status, [one for one in headers if one[0] != CORRELATION_HEADER]))
            return start_response(status, headers, *rest)

        body = b"".join(self._application(environ, start))
        status, headers = started[-1]
        if status.startswith("200 "):
            self._recorded = (status, headers, body)
        return [body]
