"""`mbs worker`: does what waits, until it is told to stop; a process of its own beside the service.

It sends mails and prints long documents. Any number may run: each mail and each document is one worker's at a
time.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from mbs.app import open_database
from mbs.config import Config, secret_values
from mbs.foundation import logs, sentry
from mbs.foundation.errors import Unavailable
from mbs.foundation.limits import NoLimits
from mbs.foundation.scope import Scope
from mbs.operations.schema_faults import run_guarded
from mbs.operations.shell import load
from mbs.parts import Parts
from mbs.printing.service import PrintQueueService
from mbs.wiring import delivery_service

log = logging.getLogger("mbs.job")

IDLE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Job:
    """One kind of work. `next_one` does what waits longest, and tells whether anything did."""

    name: str
    next_one: Callable[[], bool]
    waiting: Callable[[], int]
    tidy: Callable[[], object] = lambda: None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="do what is due now, then end (for cron)")
    parser.epilog = (
        "It sends mails and prints long documents. Ctrl-C or SIGTERM ends it after the one in hand. While "
        "the database is away it waits and tries again; with --once it ends with 69."
    )


def run(arguments: argparse.Namespace) -> int:
    return run_guarded(lambda: _run(once=arguments.once), as_json=False)


def _run(*, once: bool) -> int:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with ExitStack() as opened:
        config = load(os.environ, opened)
        if config.is_deployed and config.base_url is None:
            print("mbs worker: set BASE_URL; the links in mails begin with it.", file=sys.stderr)
            return os.EX_CONFIG
        report(config)
        database = open_database(config, pool_size=1)
        opened.callback(database.dispose)
        jobs = jobs_of(Parts.of(config, database=database, throttle=NoLimits()))
        if once:
            return do_due(jobs, stop)
        log.info("worker started", extra={"event": "job.worker_started"})
        work(jobs, stop)
    log.info("worker stopped", extra={"event": "job.worker_stopped"})
    return 0


def report(config: Config) -> None:
    """Send the log, and errors, where the service sends its own."""
    logs.configure(
        level=config.log_level,
        form=config.log_format,
        secrets=secret_values(config),
        release=config.release,
        environment=config.environment,
    )
    if config.sentry_dsn:
        sentry.install(config.sentry_dsn, environment=config.sentry_environment, release=config.release)


def jobs_of(parts: Parts) -> list[Job]:
    """Return all that a worker does, what is the most urgent first."""
    mails = delivery_service(parts)
    prints = PrintQueueService(begin=parts.begin(Scope(correlation_id="worker")), clock=parts.clock)
    return [
        Job("mails", mails.deliver_next, mails.waiting, mails.forget_old),
        Job("documents", prints.print_next, prints.waiting),
    ]


def do_due(jobs: Sequence[Job], stop: threading.Event) -> int:
    """Do what is due; return the command's exit code."""
    for job in jobs:
        done = 0
        try:
            while not stop.is_set() and job.next_one():
                done += 1
            job.tidy()
            print(f"{done} {job.name} handled, {job.waiting()} wait.", file=sys.stderr)
        except Unavailable:
            print(f"{done} {job.name} handled, then the database could not be reached.", file=sys.stderr)
            return os.EX_UNAVAILABLE
    return 0


def work(jobs: Sequence[Job], stop: threading.Event) -> None:
    """Do what is due, and what becomes due, until `stop` is set."""
    pause, tidy_at = IDLE_SECONDS, time.monotonic()
    while not stop.is_set():
        busy, failed, tidies = False, False, time.monotonic() >= tidy_at
        for job in jobs:
            try:
                if tidies:
                    job.tidy()
                # The earlier ones first: a mail must not wait for a long print.
                busy = busy or job.next_one()
            except Exception as error:
                # Whatever it is, the work is still there: the database is away, or its schema is not yet
                # ours. The other jobs have their turn.
                about = {"event": "job.worker_waits", "job": job.name, "seconds": pause}
                log.error("worker waits", exc_info=error, extra=about)
                failed = True
        if failed:
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        pause = IDLE_SECONDS
        if tidies:
            tidy_at = time.monotonic() + SWEEP_SECONDS
        if not busy:
            stop.wait(IDLE_SECONDS)
