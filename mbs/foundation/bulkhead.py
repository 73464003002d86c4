"""A bulkhead between health probes and everything else, in front of the application (ADR 0007).

`slots` API requests run at a time, as many as there are database connections; twice as many wait a
moment; the rest is shed at once with 503. One thread always stays free, so a liveness probe is never
starved by slow requests and Kubernetes never kills a busy pod.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from mbs.foundation import problems
from mbs.foundation.errors import Overloaded
from mbs.foundation.http import CORRELATION_HEADER, SECURITY_HEADERS, correlation_id, is_health

WAITING_PER_SLOT = 2
WAIT_SECONDS = 1.0


def thread_count(slots: int) -> int:
    """Return how many threads a worker needs: those that run, those that wait, and the free one."""
    return slots * (1 + WAITING_PER_SLOT) + 1


class Bulkhead:
    """WSGI middleware; one per process."""

    def __init__(self, application: Callable[..., Iterable[bytes]], slots: int) -> None:
        self._application = application
        self._running = threading.BoundedSemaphore(slots)
        self._admitted = threading.BoundedSemaphore(slots * (1 + WAITING_PER_SLOT))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_health(environ.get("PATH_INFO", "")):
            return self._application(environ, start_response)
        if not self._admitted.acquire(blocking=False):
            return self._shed(environ, start_response)
        try:
            if not self._running.acquire(timeout=WAIT_SECONDS):
                return self._shed(environ, start_response)
            try:
                # Bodies are complete byte strings, so nothing runs after this returns.
                return self._application(environ, start_response)
            finally:
                self._running.release()
        finally:
            self._admitted.release()

    @staticmethod
    def _shed(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        identifier = correlation_id(environ)
        response = problems.respond(
            Overloaded(retry_after=1), instance=environ.get("PATH_INFO", ""), correlation_id=identifier
        )
        response.headers[CORRELATION_HEADER] = identifier
        response.headers.extend(SECURITY_HEADERS)
        return response(environ, start_response)
