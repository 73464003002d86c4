"""Requests that start at the same moment."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

R = TypeVar("R")

PATIENCE_SECONDS = 60.0


def together(count: int, work: Callable[[int], R]) -> list[R]:
    """Call `work(0)` to `work(count - 1)` in a thread each, released at once; return the results."""
    results: dict[int, R] = {}
    barrier = threading.Barrier(count)

    def run(number: int) -> None:
        barrier.wait(PATIENCE_SECONDS)
        results[number] = work(number)

    threads = [threading.Thread(target=run, args=(number,), daemon=True) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_SECONDS)
    assert len(results) == count, "some requests have no answer"
    return [results[number] for number in range(count)]


def insist(request: Callable[[], "Answer"]) -> "Answer":
    """Send a request until the service is not too busy for it, as its Retry-After asks of every client."""
    for _ in range(5):
        answer = request()
        if answer.status != 503:
            return answer
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any


def send(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    *,
    token: str | None = None,
    address: str = "127.0.0.1",
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """Send one request to a service on this machine that believes one proxy; return its answer.

    :param address: where the request pretends to come from.
    """
    sent = {"X-Forwarded-For": address, **(headers or {})}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    if body is not None:
        sent["Content-Type"] = "application/json"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        response = connection.getresponse()
        text = response.read()
        return Answer(response.status, dict(response.getheaders()), json.loads(text) if text else None)
