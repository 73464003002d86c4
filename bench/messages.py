"""What messages cost: rendered and handed over by the worker, and beside API writes with many endpoints."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import psycopg2

from bench.documents import fill
from bench.load import body
from bench.measure import NotMeasurable, new_secrets, service_environ
from bench.one_client import client
from bench.processes import ROOT, gunicorn
from bench.seed import Seeded, build
from mbs.operations.embedded_postgres import Server

SENT = "messages rendered and handed over, in CPU of the worker"
PER_SECOND = 300.0
MESSAGES, ROUNDS = 3000, 3

WRITES = "R4 POST /api/customers with 20 webhook endpoints, in times of none"
ENDPOINTS, SLOWER = 20, 1.05
PAIRS, WARM_UP = 400, 30

OPEN = "UPDATE tenants SET plan = 'enterprise', settings = settings || %s"
NO_NIGHT = '{"notifications": {"quietHours": null, "channels": ["email"]}}'

QUEUE = """
INSERT INTO notifications (tenant_id, id, dedupe_key, rule, audience, category, channel, customer_id,
                           recipient, recipient_digest, timezone, locale, variables, object_type, object_id)
SELECT d.tenant_id, gen_random_uuid(), gen_random_uuid(), 'invoice.issued', 'customer', 'transactional',
       'email', c.id, c.email, md5(c.email), 'Asia/Kolkata', 'en-IN',
       jsonb_build_object('customer', c.name, 'location', 'Main', 'number', d.number,
                          'total', 'INR 3540.00', 'amountDue', 'INR 3540.00', 'dueDate', '16 January 2026'),
       'invoice', d.id
FROM documents d JOIN customers c ON c.tenant_id = d.tenant_id AND c.id = d.customer_id
"""

WITH_ENDPOINTS = """
INSERT INTO webhook_endpoints (tenant_id, id, url, event_types, events_after, secret, created_by)
SELECT %s, gen_random_uuid(), 'https://hooks.example.com/' || n, '{*}', 0, 'sealed', gen_random_uuid()
FROM generate_series(1, %s) AS n
"""


def run(server: Server) -> dict[str, Any]:
    """Measure and return all figures.

    :raises NotMeasurable: if a message was not sent.
    """
    seeded = build(server, "mbs_bench_messages", tenants=3, customers=500)
    fill(server, seeded, seeded.tenants, invoices=MESSAGES // 3)
    with closing(psycopg2.connect(server.url(seeded.name))) as connection, gateway() as port:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(OPEN, (NO_NIGHT,))
        environ = worker_environ(seeded.service_url(server), port)
        rounds = [_round(cursor, environ) for _ in range(ROUNDS)]
        cursor.execute(WITH_ENDPOINTS, (str(seeded.tenants[0]), ENDPOINTS))
    sent = {"per_second": median(rounds), "rounds": rounds, "messages": MESSAGES}
    return {SENT: sent, WRITES: _writes(server, seeded)}


def _writes(server: Server, seeded: Seeded) -> dict[str, float]:
    """Return what a write takes in a business with endpoints, and in one without, asked in turn.

    The worker that makes and sends the deliveries is another process, and does not run meanwhile.
    """
    environ = service_environ(seeded.service_url(server), new_secrets())
    taken: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        service = stack.enter_context(gunicorn("wsgi:app", environ, logs / "service.log"))
        callers = [client(tenant_id, service, seeded, environ) for tenant_id in seeded.tenants[:2]]
        for number in range(WARM_UP + PAIRS):
            for which, asking in enumerate(callers):
                sent = body(f"bench{which}", number)
                began = time.perf_counter()
                status, answer = asking.ask("POST", "/api/customers", sent)
                if number >= WARM_UP:
                    taken[which].append((time.perf_counter() - began) * 1000)
                if status != 201:
                    raise NotMeasurable(f"POST /api/customers: {status} {answer[:500]!r}")
    with_them, without = map(median, taken)
    return {"with_ms": with_them, "without_ms": without, "ratio": with_them / without}


def _round(cursor: Any, environ: Mapping[str, str]) -> float:
    """Return how many messages a worker sends in a second of its CPU, its start and end apart."""
    idle = _worker_seconds(environ)
    cursor.execute("TRUNCATE notifications CASCADE")
    cursor.execute(QUEUE)
    cursor.execute("ANALYZE notifications")
    busy = _worker_seconds(environ)
    cursor.execute("SELECT status, count(*) FROM notifications GROUP BY 1")
    ended = cursor.fetchall()
    if ended != [("sent", MESSAGES)]:
        raise NotMeasurable(f"of {MESSAGES} messages became {ended}")
    return MESSAGES / (busy - idle)


def _worker_seconds(environ: Mapping[str, str]) -> float:
    command = [sys.executable, "-m", "mbs", "worker", "--once"]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise NotMeasurable(f"mbs worker --once ended with {process.returncode}")
    return used.ru_utime + used.ru_stime


@contextmanager
def gateway() -> Iterator[int]:
    """Run a provider of e-mail beside the worker; yield its port."""
    command = [sys.executable, "-m", "bench.gateway"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert it.stdin is not None
        try:
            yield int(it.stdout.readline())
        finally:
            it.stdin.close()
            it.wait(10)


def worker_environ(url: str, port: int) -> dict[str, str]:
    """Return the variables of a production worker whose provider is on loopback."""
    return {
        **service_environ(url, new_secrets()),
        "SENDGRID_API_KEY": "SG." + "a" * 48,
        "SENDGRID_API_BASE": f"http://127.0.0.1:{port}",
        "ALLOW_PROVIDER_OVERRIDE": "1",
        "EMAIL_FROM": "hello@example.com",
    }


def failures(figures: Mapping[str, Any]) -> list[str]:
    """Return the budgets that were exceeded, in words."""
    rate, ratio, found = figures[SENT]["per_second"], figures[WRITES]["ratio"], []
    if rate < PER_SECOND:
        found.append(f"{SENT}: {rate:.0f} a second; the budget is {PER_SECOND:.0f}")
    if ratio > SLOWER:
        found.append(f"{WRITES}: {ratio:.3f}; the budget is {SLOWER}")
    return found


def table(figures: Mapping[str, Any]) -> str:
    """Return the figures for a reader."""
    sent = figures[SENT]
    rounds = ", ".join(f"{rate:.0f}" for rate in sent["rounds"])
    written = figures[WRITES]
    return (
        f"{SENT}: {sent['per_second']:.0f} a second (rounds: {rounds}; at least {PER_SECOND:.0f})\n"
        f"{WRITES}: {written['ratio']:.3f} (p50 {written['with_ms']:.2f} ms, {written['without_ms']:.2f} ms;"
        f" at most {SLOWER})"
    )
