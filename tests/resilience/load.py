"""Clients that call a running service without pause, and a record of every answer."""

import contextlib
import http.client
import itertools
import json
import select
import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

CLIENTS = 8
PAUSE_SECONDS = 0.05
LONGEST_SECONDS = 15.0
ANSWER_SECONDS = 5.0 + 1.0
HEALTH_SECONDS = 1.0 + 2.0
"""The promises are 5 s for any answer and 1 s for /health; the rest is for a machine busy with tests."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request; `status` 0 stands for a broken or silent connection."""

    path: str
    method: str
    at: float
    seconds: float
    status: int
    retry_after: str | None
    body: str


@dataclass
class Record:
    """All answers of a load, those of the probe on /health apart."""

    answers: list[Answer] = field(default_factory=list)
    probes: list[Answer] = field(default_factory=list)

    def statuses(self) -> Counter[int]:
        return Counter(answer.status for answer in self.answers)

    def slowest(self) -> float:
        return max(answer.seconds for answer in self.answers)

    def last_failure(self) -> float:
        """Return the instant at which the last request that did not succeed was answered."""
        return max((one.at + one.seconds for one in self.answers if one.status >= 300), default=0.0)

    def summary(self) -> str:
        """Say the figures in one line."""
        health = [answer.seconds * 1000 for answer in self.probes]
        return (
            f"{dict(sorted(self.statuses().items()))}, slowest {self.slowest():.2f} s; /health median "
            f"{statistics.median(health):.1f} ms, slowest {max(health):.0f} ms of {len(health)}"
        )

    def check(self) -> None:
        """Demand what holds whatever happens to the database: quick, honest answers, and a live /health."""
        bad = [one for one in self.answers if one.status // 100 != 2 and one.status != 503]
        assert not bad, bad[:3]
        silent = [one for one in self.answers if one.status == 503 and one.retry_after is None]
        assert not silent, silent[:3]
        assert self.slowest() <= ANSWER_SECONDS, max(self.answers, key=lambda one: one.seconds)
        assert {one.status for one in self.probes} == {200}
        assert max(one.seconds for one in self.probes) <= HEALTH_SECONDS


class Client:
    """One connection, kept open as long as the service keeps it."""

    def __init__(self, port: int, *, patience: float = LONGEST_SECONDS) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=patience)

    def send(self, method: str, path: str, token: str | None = None, body: object = None) -> Answer:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        start = time.monotonic()
        try:
            self._notice_close()
            self._connection.request(
                method, path, None if body is None else json.dumps(body), headers=headers
            )
            response = self._connection.getresponse()
            text = response.read().decode()
            status, retry_after = response.status, response.getheader("Retry-After")
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            status, retry_after, text = 0, None, repr(error)
        return Answer(path, method, start, time.monotonic() - start, status, retry_after, text[:500])

    def close(self) -> None:
        self._connection.close()

    def _notice_close(self) -> None:
        """Connect anew if the service has closed the idle connection, as any pool of connections does."""
        connection = self._connection.sock
        if connection is not None and select.select([connection], [], [], 0)[0]:
            self._connection.close()


@contextlib.contextmanager
def under_load(port: int, tokens: Sequence[str], *, clients: int = CLIENTS) -> Iterator[Record]:
    """Let clients read and write customers while the block runs; tokens take turns, as they are limited."""
    record, end = Record(), threading.Event()
    turns = itertools.cycle(tokens)

    def call(number: int) -> None:
        client = Client(port)
        for count in itertools.count():
            if end.is_set():
                break
            if count % 4 == 0:
                body = {"name": f"Client {number}, call {count}"}
                record.answers.append(client.send("POST", "/api/customers", next(turns), body))
            else:
                record.answers.append(client.send("GET", "/api/customers?limit=5", next(turns)))
            time.sleep(PAUSE_SECONDS)
        client.close()

    def probe() -> None:
        client = Client(port)
        while not end.is_set():
            record.probes.append(client.send("GET", "/health"))
            time.sleep(PAUSE_SECONDS)
        client.close()

    threads = [threading.Thread(target=call, args=(number,)) for number in range(clients)]
    threads.append(threading.Thread(target=probe))
    for thread in threads:
        thread.start()
    try:
        yield record
    finally:
        end.set()
        for thread in threads:
            thread.join(LONGEST_SECONDS * 2)
