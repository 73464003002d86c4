"""`mbs worker`: does what waits, until it is told to stop; a process of its own beside the service.

Any number may run: what one of them has taken, no other sees meanwhile. Each job has a thread of its own, so
that a provider that does not answer, or a long document, holds up nothing but its own kind.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from mbs.app import open_database
from mbs.config import Config, secret_values
from mbs.foundation import logs, sentry
from mbs.foundation.errors import Unavailable
from mbs.foundation.limits import NoLimits
from mbs.operations.schema_faults import run_guarded
from mbs.operations.shell import load
from mbs.operations.worker_jobs import Job, jobs_of
from mbs.parts import Parts

log = logging.getLogger("mbs.job")

CONNECTIONS = 8
"""One for each job, and one more."""

IDLE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
PROMOTE_SECONDS = 1.0
SWEEP_SECONDS = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="do what is due now, then end (for cron)")
    parser.epilog = (
        "It sends mails, messages and webhooks, follows the events of each business, and prints long "
        "documents. Ctrl-C or SIGTERM ends it after what each job has in hand. While the database is away "
        "it waits and tries again; with --once it ends with 69."
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
        database = open_database(config, pool_size=CONNECTIONS)
        opened.callback(database.dispose)
        jobs = jobs_of(Parts.of(config, database=database, throttle=NoLimits()))
        if once:
            return do_due(jobs, stop)
        log.info("worker started", extra={"event": "job.worker_started"})
        handled = work(jobs, stop)
    log.info("worker stopped", extra={"event": "job.worker_stopped", "handled": handled})
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


def do_due(jobs: Sequence[Job], stop: threading.Event) -> int:
    """Do what is due, one job after the other; return the command's exit code."""
    for job in jobs:
        done = 0
        try:
            job.promote()
            while not stop.is_set() and job.next_one():
                done += 1
            job.tidy()
            print(f"{done} {job.name} handled, {job.waiting()} wait.", file=sys.stderr)
        except Unavailable:
            print(f"{done} {job.name} handled, then the database could not be reached.", file=sys.stderr)
            return os.EX_UNAVAILABLE
        finally:
            end(job)
    return 0


def work(jobs: Sequence[Job], stop: threading.Event) -> dict[str, int]:
    """Do what is due, and what becomes due, until `stop` is set; return how often each job did something."""
    with ThreadPoolExecutor(len(jobs), thread_name_prefix="job") as threads:
        handled = {job.name: threads.submit(keep_doing, job, stop) for job in jobs}
        stop.wait()
    return {name: future.result() for name, future in handled.items()}


def keep_doing(job: Job, stop: threading.Event) -> int:
    """Do one job until `stop` is set; return how often it did something."""
    done, pause = 0, IDLE_SECONDS
    promote_at = tidy_at = time.monotonic()
    while not stop.is_set():
        try:
            if time.monotonic() >= tidy_at:
                # Before it is tried: work goes on where tidying fails.
                tidy_at = time.monotonic() + SWEEP_SECONDS
                job.tidy()
            if time.monotonic() >= promote_at:
                promote_at = time.monotonic() + PROMOTE_SECONDS
                job.promote()
            busy = job.next_one()
        except Exception as error:
            # Whatever it is, the work is still there: the database is away, or its schema is not yet ours.
            about = {"event": "job.worker_waits", "job": job.name, "seconds": pause}
            log.error("worker waits", exc_info=error, extra=about)
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
            continue
        pause = IDLE_SECONDS
        done += busy
        if not busy:
            stop.wait(IDLE_SECONDS)
    end(job)
    return done


def end(job: Job) -> None:
    """End what a job has in hand."""
    try:
        job.close()
    except Exception as error:
        # What could not be written down is another worker's when its lease is over.
        log.error("job not ended", exc_info=error, extra={"event": "job.not_ended", "job": job.name})
