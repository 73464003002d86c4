"""A bulkhead between health probes and everything else, in front of the application (ADR 0007).

`slots` API requests run at a time, as many as there are database connections; twice as many wait a
moment; the rest is shed at once with 503. One thread always stays free, so a liveness probe is never
starved by slow requests and Kubernetes never kills a busy pod.
"""

import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from mbs.foundation.http import ARRIVED_KEY, SHED_KEY, is_health

WAITING_PER_SLOT = 2
WAIT_SECONDS = 1.0


def thread_count(slots: int) -> int:
    """Return how many threads a worker needs: those that run, those that wait, and the free one."""
    return slots * (1 + WAITING_PER_SLOT) + 1


class Bulkhead:
    """WSGI middleware; one per process. The application itself refuses what is marked as shed."""

    def __init__(self, application: Callable[..., Iterable[bytes]], slots: int) -> None:
        self._application = application
        self._running = threading.BoundedSemaphore(slots)
        self._admitted = threading.BoundedSemaphore(slots * (1 + WAITING_PER_SLOT))

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_health(environ.get("PATH_INFO", "")):
            return self._application(environ, start_response)
        # The wait below counts against the request's deadline.
        environ[ARRIVED_KEY] = time.monotonic()
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

    def _shed(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        environ[SHED_KEY] = True
        return self._application(environ, start_response)
