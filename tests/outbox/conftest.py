"""What the tests of this folder add: their own database, because all events wait in one queue."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from functools import partial
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from mbs.foundation.db import Database, Transaction
from mbs.foundation.scope import Scope
from mbs.operations.embedded_postgres import Server
from mbs.outbox.models import Follower
from mbs.outbox.service import FollowingService
from tests.conftest import SECRETS, login_url
from tests.factories.mails import SetClock
from tests.factories.stand_in_provider import StandInProvider, stand_in_provider
from tests.webhooks.receivers import Receiver, receiving

Sql = Callable[..., list[tuple[Any, ...]]]
Open = Callable[..., UUID]
Following = Callable[..., FollowingService]

EFFECTS = """
CREATE TABLE IF NOT EXISTS effects (
    place bigint GENERATED ALWAYS AS IDENTITY, tenant_id uuid DEFAULT app_tenant(), seq bigint, writer text)
"""
OPEN = """
INSERT INTO tenants (id, name, slug, business_type, country, currency, timezone, locale)
VALUES (%s, 'Salon', %s, 'salon', 'IN', 'INR', 'Asia/Kolkata', 'en-IN')
"""
APPEND = """
WITH newest AS (
    UPDATE event_heads SET seq = seq + %(number)s, pending = true WHERE tenant_id = %(tenant)s RETURNING seq)
INSERT INTO events
    (tenant_id, id, seq, type, object_type, object_id, actor, at, data, data_hash, prev_hash, hash)
SELECT %(tenant)s, gen_random_uuid(), newest.seq - %(number)s + place, %(type)s, 'customer',
       gen_random_uuid(), '{}', now(), '{}', '', '', ''
FROM newest, generate_series(1, %(number)s) AS place
"""
"""Events in bulk; their hashes are no matter here."""


@pytest.fixture(scope="module")
def outbox_name(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def outbox_url(server: Server, outbox_name: str) -> str:
    return login_url(server, outbox_name)


@pytest.fixture(scope="module")
def outbox(outbox_url: str) -> Iterator[Database]:
    database = Database(outbox_url, pool_size=8)
    yield database
    database.dispose()


@pytest.fixture
def sql(server: Server, outbox_name: str) -> Iterator[Sql]:
    """Return a function that runs one statement as the superuser; no business is there at first.

    The table `effects` is what followers of the tests write into.
    """
    with closing(psycopg2.connect(server.url(outbox_name))) as connection:
        connection.autocommit = True

        def run(statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

        run("TRUNCATE tenants CASCADE")
        run(EFFECTS)
        run("GRANT ALL ON effects TO mbs_tenant")
        run("TRUNCATE effects")
        yield run


@pytest.fixture
def open_business(sql: Sql) -> Open:
    """Return a function that opens a business with so many events, and gives its id: each a greater one."""

    def open_(events: int = 0, type_: str = "customer.created") -> UUID:
        tenant = uuid7()
        sql(OPEN, (str(tenant), f"salon-{tenant}"))
        sql("INSERT INTO event_heads (tenant_id) VALUES (%s)", (str(tenant),))
        if events:
            sql(APPEND, {"tenant": str(tenant), "number": events, "type": type_})
        return tenant

    return open_


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def following(outbox: Database, clock: SetClock) -> Following:
    """Return a function that makes a service with followers; without any, with one that notes each event."""

    def make(*followers: Follower, database: Database = outbox) -> FollowingService:
        begin = partial(database.transaction, Scope(correlation_id="worker"))
        return FollowingService(begin=begin, clock=clock, followers=followers or (noting(),))

    return make


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with stand_in_provider() as one:
        yield one


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as one:
        yield one


@pytest.fixture
def worker_environ(outbox_url: str, provider: StandInProvider) -> dict[str, str]:
    return {
        "APP_ENV": "test",
        "DATABASE_URL": outbox_url,
        "LOG_FORMAT": "json",
        "SKIP_RATE_LIMIT": "true",
        "WEBHOOKS_ALLOW_PRIVATE": "true",
        **provider.environ("sendgrid"),
        **SECRETS,
    }


def noting(name: str = "notes", writer: str = "") -> Follower:
    """Return a follower that writes one row for each event."""

    def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
        rows = [{"seq": event.seq, "writer": writer or name} for event in events]
        transaction.execute(text("INSERT INTO effects (seq, writer) VALUES (:seq, :writer)"), rows)

    return Follower(name, handle)


def poisoned_at(*seqs: int, name: str = "notes") -> Follower:
    """Return a follower that notes each event, and then breaks the transaction over some."""
    note = noting(name).handle

    def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
        note(transaction, events)
        if any(event.seq in seqs for event in events):
            transaction.execute(text("SELECT 1 / 0"))

    return Follower(name, handle)
