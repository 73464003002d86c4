"""One measurement: load on one service, CPU of its processes and of PostgreSQL's apart."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bench import load
from bench.load import Target
from bench.processes import Gunicorn, cpu_us
from bench.seed import Seeded, tokens_of
from mbs.operations.embedded_postgres import Server

WORKERS, THREADS = 2, 4
WARM_UP_SECONDS = 1
PAGE_PATH = "/api/customers?limit=50"
INVOICES_PATH = "/api/invoices?limit=50"
REQUESTS = {
    "R1": "GET /health",
    "R2": f"GET {PAGE_PATH}",
    "R3": "GET /api/customers/<id>",
    "R4": "POST /api/customers",
    "R5": f"GET {INVOICES_PATH}",
}


class NotMeasurable(Exception):
    """An answer was not the one that is measured, so its cost says nothing."""


@dataclass(frozen=True)
class Cost:
    """CPU-microseconds per request of one measurement; `rate` in requests per second."""

    application: float
    postgres: float
    rate: float
    p99_ms: float

    @property
    def total(self) -> float:
        return self.application + self.postgres


def new_secrets() -> dict[str, str]:
    names = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")
    return {name: secrets.token_urlsafe(48) for name in names}


def service_environ(url: str, signing: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of a production service.

    A worker is not replaced while it is measured (MAX_REQUESTS); what a start costs is measured apart.
    """
    return {
        "APP_ENV": "production",
        "DATABASE_URL": url,
        "BASE_URL": "https://bench.example.com",
        "ALLOWED_HOSTS": "127.0.0.1",
        "CORS_ORIGINS": "https://bench.example.com",
        "WEB_CONCURRENCY": str(WORKERS),
        "WEB_THREADS": str(THREADS),
        "JWT_ACCESS_TTL": "1h",
        "MAX_REQUESTS": "0",
        **signing,
    }


def targets(seeded: Seeded, environ: Mapping[str, str]) -> dict[str, Target]:
    """Return what is asked for; in R3 each person asks for one customer of their own business."""
    tokens, count = tokens_of(environ, seeded.people), len(seeded.people)
    of_people = [seeded.customers[person.tenant_id] for person in seeded.people]
    customers = [ids[number * 7919 % len(ids)] for number, ids in enumerate(of_people)]
    return {
        "R1": Target("GET", ["/health"] * count, tokens),
        "R2": Target("GET", [PAGE_PATH] * count, tokens),
        "R3": Target("GET", [f"/api/customers/{id_}" for id_ in customers], tokens),
        "R4": Target("POST", ["/api/customers"] * count, tokens),
        "R5": Target("GET", [INVOICES_PATH] * count, tokens),
    }


def measure(server: Server, service: Gunicorn, target: Target, seconds: float) -> Cost:
    """Put load on a service and return what each request cost.

    :raises NotMeasurable: if any answer was not a success.
    """
    postmaster = int((server.data_directory / "postmaster.pid").read_text().split("\n", 1)[0])
    before = cpu_us(service.pid), cpu_us(postmaster)
    outcome = load.run(service.port, target, seconds)
    used = cpu_us(service.pid) - before[0], cpu_us(postmaster) - before[1]
    if outcome.refused or outcome.broken or not outcome.requests:
        raise NotMeasurable(
            f"{target.method} {target.paths[0]}: {outcome.refused} of {outcome.requests} answers were"
            f" refusals, {outcome.broken} connections broke\n{service.complaints()}"
        )
    return Cost(
        application=used[0] / outcome.requests,
        postgres=used[1] / outcome.requests,
        rate=outcome.requests / outcome.seconds,
        p99_ms=outcome.p99_ms,
    )


def warm_up(server: Server, service: Gunicorn, target: Target) -> None:
    """Put load on until everybody was counted: a first request costs the limiter more than the next.

    :raises NotMeasurable: if any answer was not a success.
    """
    asked = 0.0
    while asked < len(target.paths):
        asked += measure(server, service, target, WARM_UP_SECONDS).rate * WARM_UP_SECONDS


def first_answer(service: Gunicorn, target: Target) -> bytes:
    """Ask once before the load.

    :raises NotMeasurable: if the answer is not a success.
    """
    sent = load.body("first", secrets.randbelow(10**8)) if target.method == "POST" else None
    status, answer = service.request(target.method, target.paths[0], target.headers(0), sent)
    if not 200 <= status < 300:
        raise NotMeasurable(f"{target.method} {target.paths[0]}: {status} {answer[:500]!r}")
    return answer
