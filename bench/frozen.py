"""What callers of the API notice while the provider of e-mail is frozen, and how soon the queue drains.

A drill rather than a measurement of cost: `python -m bench --frozen 300` takes that long and two minutes.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import psycopg2

from bench.documents import fill
from bench.load import body
from bench.measure import NotMeasurable
from bench.messages import NO_NIGHT, OPEN, QUEUE, worker_environ
from bench.one_client import Client, client
from bench.processes import ROOT, gunicorn
from bench.seed import build
from mbs.operations.embedded_postgres import Server

NORMAL_SECONDS = 60
MESSAGES_A_SECOND = 20
PAUSE_SECONDS = 0.02
SLOWER, DRAINED_SECONDS, PATIENCE_SECONDS = 1.10, 60.0, 900.0

LATER = """
UPDATE notifications n
SET status = 'scheduled', dedupe_key = lpad(s.position::text, 6, '0'),
    due_at = now() + s.position * %s * interval '1 s'
FROM (SELECT id, row_number() OVER () AS position FROM notifications) s
WHERE s.id = n.id
"""

DRAINED = """
SELECT count(*) FILTER (WHERE status <> 'sent'), extract(epoch FROM max(sent_at) - to_timestamp(%(thawed)s))
FROM notifications WHERE dedupe_key <= lpad(%(due)s::text, 6, '0')
"""


def run(server: Server, *, seconds: int) -> dict[str, Any]:
    """Measure the API before, while and after the provider is frozen, then wait until the queue is empty.

    :param seconds: how long it is frozen.
    :raises NotMeasurable: if a call of the API failed, or a message got lost.
    """
    seeded = build(server, "mbs_bench_frozen", tenants=2, customers=500)
    count = MESSAGES_A_SECOND * (seconds + 2 * NORMAL_SECONDS + 30)
    fill(server, seeded, seeded.tenants, invoices=count // 2)
    with ExitStack() as stack:
        connection = stack.enter_context(closing(psycopg2.connect(server.url(seeded.name))))
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(OPEN, (NO_NIGHT,))
        # All are there from the start, and become due one after the other.
        cursor.execute(QUEUE)
        cursor.execute(LATER, (1 / MESSAGES_A_SECOND,))
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        provider = stack.enter_context(process("-m", "bench.gateway", stdin=subprocess.PIPE))
        assert provider.stdout is not None
        environ = worker_environ(seeded.service_url(server), int(provider.stdout.readline()))
        service = stack.enter_context(gunicorn("wsgi:app", environ, logs / "service.log"))
        stack.enter_context(process("-m", "mbs", "worker", environ=environ))
        asking = client(seeded.tenants[0], service, seeded, environ)
        due_from = time.time()
        _ask(asking, 10)
        normal = _ask(asking, NORMAL_SECONDS)
        provider.send_signal(signal.SIGSTOP)
        try:
            frozen = _ask(asking, seconds)
        finally:
            provider.send_signal(signal.SIGCONT)
        thawed = time.time()
        normal += _ask(asking, NORMAL_SECONDS)
        due = round((thawed - due_from) * MESSAGES_A_SECOND)
        drained = _drained(cursor, {"thawed": thawed, "due": due})
    return {
        "frozen_s": seconds,
        "normal_p99_ms": _p99(normal),
        "frozen_p99_ms": _p99(frozen),
        "ratio": _p99(frozen) / _p99(normal),
        "drained_s": drained,
    }


def _ask(asking: Client, seconds: float) -> list[float]:
    taken, until, number = [], time.monotonic() + seconds, 0
    while time.monotonic() < until:
        number += 1
        began = time.perf_counter()
        status, answer = asking.ask("POST", "/api/customers", body(f"frozen{began}", number))
        taken.append((time.perf_counter() - began) * 1000)
        if status != 201:
            raise NotMeasurable(f"POST /api/customers: {status} {answer[:500]!r}")
        time.sleep(PAUSE_SECONDS)
    return taken


def _drained(cursor: Any, about: dict[str, float]) -> float:
    """Return the seconds from the thaw until what had become due by then was sent; all of it must be."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        cursor.execute(DRAINED, about)
        waiting, taken = cursor.fetchone()
        if not waiting:
            return float(taken)
        if time.monotonic() > until:
            cursor.execute("SELECT status, reason, count(*) FROM notifications GROUP BY 1, 2")
            raise NotMeasurable(f"{waiting} messages are not sent: {cursor.fetchall()}")
        time.sleep(1)


@contextmanager
def process(
    *arguments: str, environ: dict[str, str] | None = None, stdin: int = subprocess.DEVNULL
) -> Iterator["subprocess.Popen[str]"]:
    """Run a Python of this project until the block ends."""
    started = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **(environ or {})},
        stdin=stdin,
        stdout=subprocess.PIPE if stdin == subprocess.PIPE else subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield started
    finally:
        started.terminate()
        started.wait(30)


def _p99(taken: list[float]) -> float:
    return quantiles(taken, n=100)[98]


def failures(figures: dict[str, Any]) -> list[str]:
    """Return the bounds that were exceeded, in words."""
    found = []
    if figures["ratio"] > SLOWER:
        found.append(f"p99 of the API is {figures['ratio']:.2f} x as long while the provider is frozen")
    if figures["drained_s"] > DRAINED_SECONDS:
        found.append(f"the queue took {figures['drained_s']:.0f} s to drain")
    return found


def table(figures: dict[str, Any]) -> str:
    """Return the figures for a reader."""
    return (
        f"provider frozen for {figures['frozen_s']} s: POST /api/customers p99"
        f" {figures['frozen_p99_ms']:.1f} ms, otherwise {figures['normal_p99_ms']:.1f} ms:"
        f" {figures['ratio']:.2f} x (at most {SLOWER}); what had waited was sent within"
        f" {figures['drained_s']:.0f} s (at most {DRAINED_SECONDS:.0f}), none lost"
    )
