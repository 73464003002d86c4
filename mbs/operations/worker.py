"""`mbs worker`: sends the mails that wait, until it is told to stop; a process of its own beside the service.

Any number may run: each mail is one worker's at a time.
"""

import argparse
import logging
import os
import signal
import sys
import threading
import time
from contextlib import ExitStack

from mbs.app import open_database
from mbs.config import Config, secret_values
from mbs.foundation import logs, sentry
from mbs.foundation.errors import Unavailable
from mbs.foundation.limits import NoLimits
from mbs.mail.service import DeliveryService
from mbs.operations.schema_faults import run_guarded
from mbs.operations.shell import load
from mbs.wiring import Parts, delivery_service

log = logging.getLogger("mbs.job")

IDLE_SECONDS = 1.0
LONGEST_PAUSE = 30.0
SWEEP_SECONDS = 3600.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--once", action="store_true", help="send what is due now, then end (for cron)")
    parser.epilog = (
        "Ctrl-C or SIGTERM ends it after the mail in hand. While the database is away it waits and tries "
        "again; with --once it ends with 69."
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
        service = delivery_service(Parts.of(config, database=database, throttle=NoLimits()))
        if once:
            return deliver_due(service, stop)
        log.info("worker started", extra={"event": "job.worker_started"})
        work(service, stop)
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


def deliver_due(service: DeliveryService, stop: threading.Event) -> int:
    """Send what is due; return the command's exit code."""
    sent = 0
    try:
        while not stop.is_set() and service.deliver_next():
            sent += 1
        service.forget_old()
        print(f"{sent} mails handled, {service.waiting()} wait.", file=sys.stderr)
    except Unavailable:
        print(f"{sent} mails handled, then the database could not be reached.", file=sys.stderr)
        return os.EX_UNAVAILABLE
    return 0


def work(service: DeliveryService, stop: threading.Event) -> None:
    """Send what is due, and what becomes due, until `stop` is set."""
    pause, sweep_at = IDLE_SECONDS, time.monotonic()
    while not stop.is_set():
        try:
            busy = service.deliver_next()
            if time.monotonic() >= sweep_at:
                service.forget_old()
                sweep_at = time.monotonic() + SWEEP_SECONDS
        except Exception as error:
            # Whatever it is, the mails are still there: the database is away, or its schema is not yet ours.
            log.error("worker waits", exc_info=error, extra={"event": "job.worker_waits", "seconds": pause})
            stop.wait(pause)
            pause = min(2 * pause, LONGEST_PAUSE)
        else:
            pause = IDLE_SECONDS
            if not busy:
                stop.wait(IDLE_SECONDS)
