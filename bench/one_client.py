"""One client asks a service, one request at a time, so that a latency is what one core takes."""

import http.client
import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Any
from uuid import UUID

from bench.measure import NotMeasurable
from bench.processes import Gunicorn, cpu_us
from bench.seed import Seeded, tokens_of
from mbs.operations.embedded_postgres import Server

REQUESTS, WARM_UP = 200, 30

Request = tuple[str, str, bytes | None]
"""Method, path, body."""

HEAD = f"{'one client, one request at a time':52}{'app us':>9}{'pg us':>8}{'p50 ms':>8}{'p95 ms':>8}"


@dataclass(frozen=True)
class Client:
    """Asks one service for one tenant's people, in turn."""

    service: Gunicorn
    connection: http.client.HTTPConnection
    tokens: Iterator[str]

    def ask(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {next(self.tokens)}", "Content-Type": "application/json"}
        self.connection.request(method, path, body=body, headers=headers)
        response = self.connection.getresponse()
        return response.status, response.read()


def client(tenant_id: UUID, service: Gunicorn, seeded: Seeded, environ: Mapping[str, str]) -> Client:
    """Return a client for one tenant's people."""
    tokens = zip(tokens_of(environ, seeded.people), seeded.people, strict=True)
    own = [token for token, person in tokens if person.tenant_id == tenant_id]
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=20)
    return Client(service, connection, itertools.cycle(own))


def timed(
    server: Server, asking: Client, requests: Sequence[Request], *, warm_up: int = WARM_UP
) -> dict[str, Any]:
    """Return what each request took behind those that warm the service up.

    :raises NotMeasurable: if an answer was no success.
    """
    postmaster = int((server.data_directory / "postmaster.pid").read_text().split("\n", 1)[0])
    taken: list[float] = []
    before = 0, 0
    for number, request in enumerate(requests):
        if number == warm_up:
            before = cpu_us(asking.service.pid), cpu_us(postmaster)
        began = time.perf_counter()
        status, answer = asking.ask(*request)
        taken.append((time.perf_counter() - began) * 1000)
        if status >= 300:
            complaints = asking.service.complaints()
            raise NotMeasurable(f"{request[0]} {request[1]}: {status} {answer[:500]!r}\n{complaints}")
    count = len(requests) - warm_up
    return {
        "application_us": (cpu_us(asking.service.pid) - before[0]) / count,
        "postgres_us": (cpu_us(postmaster) - before[1]) / count,
        "p50_ms": median(taken[warm_up:]),
        "p95_ms": quantiles(taken[warm_up:], n=20)[18],
        "bytes": len(answer),
    }


def shown(name: str, one: Mapping[str, Any], besides: str) -> str:
    """Return the figures of one kind of request for a reader, as `HEAD` names them."""
    return (
        f"{name:52}{one['application_us']:9.0f}{one['postgres_us']:8.0f}{one['p50_ms']:8.1f}"
        f"{one['p95_ms']:8.1f}  {besides}"
    )
