"""A worker that delivers webhooks, and a business whose endpoints may be on this machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace

import psycopg2
import pytest
from flask import Flask
from sqlalchemy import text

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.db import Database, Role
from mbs.foundation.limits import NoLimits
from mbs.foundation.scope import Scope
from mbs.operations.embedded_postgres import Server
from mbs.operations.worker_jobs import webhook_delivery_service
from mbs.outbox.models import Follower
from mbs.outbox.service import FollowingService
from mbs.parts import Parts
from mbs.webhooks.service.delivering import WebhookDeliveryService
from mbs.webhooks.service.following import WebhookFollower
from tests.factories.callers import Business, Caller, new_business
from tests.factories.mails import SetClock
from tests.webhooks.receivers import Receiver, receiving

NOTHING_WAITS = text(
    "UPDATE webhook_deliveries SET status = 'cancelled' WHERE status IN ('queued', 'sending', 'retrying')"
)

NOTHING_PENDS = """
INSERT INTO event_cursors (tenant_id, seq) SELECT tenant_id, seq FROM event_heads
ON CONFLICT (tenant_id) DO UPDATE SET seq = excluded.seq;
UPDATE event_heads SET pending = false WHERE pending;
"""


class Worker:
    """What `mbs worker` does about webhooks, by a clock that a test moves."""

    def __init__(self, parts: Parts, clock: SetClock) -> None:
        self.clock = clock
        parts = replace(parts, clock=clock)
        begin = parts.begin(Scope(correlation_id="worker"))
        followers = [Follower(WebhookFollower.name, WebhookFollower().handle)]
        self.following = FollowingService(begin=begin, clock=clock, followers=followers)
        self.delivering: WebhookDeliveryService = webhook_delivery_service(parts)

    def follow(self) -> None:
        """Make deliveries of all events there are."""
        while self.following.follow_next():
            pass

    def deliver(self, patience: float = 30.0) -> None:
        """Send all that is due now."""
        self.delivering.promote()
        until = time.monotonic() + patience
        while self.delivering.deliver_next():
            assert time.monotonic() < until, "deliveries do not come to an end"

    def work(self) -> None:
        self.follow()
        self.deliver()


@pytest.fixture
def new_worker(
    near_app: Flask, near_environ: dict[str, str], server: Server, database_name: str
) -> Iterator[Callable[[], Worker]]:
    """Return a function that gives workers; nothing waits before and after, of any business."""
    database: Database = near_app.extensions["mbs.database"]
    parts = Parts.of(Config.load(near_environ), database=database, throttle=NoLimits())
    clock = SetClock()
    with ExitStack() as opened:

        def make() -> Worker:
            worker = Worker(parts, clock)
            opened.callback(worker.delivering.close)
            return worker

        # Other tests have left thousands of businesses behind, whose events nobody follows one by one.
        with closing(psycopg2.connect(server.url(database_name))) as connection:
            connection.autocommit = True
            connection.cursor().execute(NOTHING_PENDS)
        forget(database)
        yield make
    forget(database)


@pytest.fixture
def worker(new_worker: Callable[[], Worker]) -> Worker:
    return new_worker()


def forget(database: Database) -> None:
    """Leave nothing that waits, of any business."""
    with database.transaction(Scope(), Role.IDENTITY) as transaction:
        transaction.execute(NOTHING_WAITS)


@pytest.fixture(scope="session")
def near_environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "WEBHOOKS_ALLOW_PRIVATE": "true"}


@pytest.fixture(scope="session")
def near_app(near_environ: dict[str, str]) -> Flask:
    """The application, which takes endpoints on this machine."""
    return create_app(Config.load(near_environ))


@pytest.fixture
def near_business(near_app: Flask) -> Callable[[], Business]:
    """Return a function that registers a business whose endpoints may be on this machine."""
    return lambda: new_business(Caller(near_app))


@pytest.fixture
def near_owner(near_business: Callable[[], Business]) -> Business:
    return near_business()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one
