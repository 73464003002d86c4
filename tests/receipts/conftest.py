"""What the tests of this folder stand on: a service that knows its providers, and messages that were sent."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg2
import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.idempotency import EXTENSION
from mbs.operations.embedded_postgres import Server
from tests.factories import log_lines as _log_lines
from tests.factories.messages_queued import Sql, add_customer, digest_of, open_business, queue_message
from tests.receipts.providers import CONFIGURED, Providers, new_sid

log_lines = _log_lines.log_lines


@pytest.fixture(scope="session")
def receipts_app(environ: dict[str, str]) -> Iterator[Flask]:
    """The service with all providers set up, and room for 75 requests at once."""
    app = create_app(Config.load({**environ, **CONFIGURED, "WEB_THREADS": "25"}))
    yield app
    app.extensions[EXTENSION].dispose()


@pytest.fixture
def providers(receipts_app: Flask) -> Providers:
    return Providers.of(receipts_app)


@pytest.fixture(scope="session")
def sql(server: Server, database_name: str) -> Iterator[Sql]:
    """Return a function that runs one statement as the superuser and gives the rows it returns."""
    with closing(psycopg2.connect(server.url(database_name))) as connection:
        connection.autocommit = True

        def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

        yield run


@dataclass
class Sent:
    """A message that a provider has taken, and what is stored of it and around it."""

    sql: Sql
    tenant_id: UUID
    customer_id: UUID
    recipient: str
    id: UUID
    provider: str
    message_id: str
    channel: str = field(default="")

    def now(self, columns: str = "status") -> Any:
        """Return what is stored of the message: one column's value, or a row of several."""
        statement = f"SELECT {columns} FROM notifications WHERE tenant_id = %s AND id = %s"
        ((*found,),) = self.sql(statement, str(self.tenant_id), str(self.id))
        return found[0] if len(found) == 1 else tuple(found)

    def rows(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Return what a table has of the business, in the order in which it came."""
        return self.sql(
            f"SELECT {columns} FROM {table} WHERE tenant_id = %s ORDER BY id", str(self.tenant_id)
        )

    def suppressed(self) -> list[tuple[Any, ...]]:
        return self.rows("suppressions", "channel, address, reason")

    def receipts(self) -> list[str]:
        return sorted(status for (status,) in self.rows("message_receipts", "status"))

    def stand_in(self) -> list[tuple[Any, ...]]:
        """Return channel, recipient and state of what stands in for the message."""
        statement = "SELECT channel, recipient, status FROM notifications WHERE fallback_of = %s"
        return self.sql(statement, str(self.id))


Send = Callable[..., Sent]


@pytest.fixture
def send(sql: Sql) -> Send:
    """Return a function that stores a message as it is when its provider has taken it."""

    def make(provider: str = "twilio", /, **values: Any) -> Sent:
        phone = values.pop("phone", None) or f"+9198{uuid.uuid4().int % 10**8:08d}"
        tenant_id = values.pop("tenant_id", None) or open_business(sql)
        customer_id = values.pop("customer_id", None) or add_customer(sql, tenant_id, phone=phone)
        ((email,),) = sql("SELECT email FROM customers WHERE id = %s", str(customer_id))
        channel = "whatsapp" if provider == "twilio" else "email"
        recipient = phone if channel == "whatsapp" else email
        message_id = values.pop("message_id", None) or new_sid()
        row = {
            "audience": "customer",
            "rule": "booking.confirmed",
            "customer_id": customer_id,
            "channel": channel,
            "recipient": recipient,
            "recipient_digest": digest_of(channel, recipient),
            "status": "sent",
            "attempts": 1,
            "provider": provider,
            "provider_message_id": message_id,
            **values,
        }
        id_ = queue_message(sql, tenant_id, **row)
        return Sent(sql, tenant_id, customer_id, recipient, id_, provider, message_id, channel)

    return make
