"""What the tests of this folder add: mailboxes, and rows changed behind the service's back."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from flask import Flask

from mbs.foundation.db import Database, Role
from mbs.foundation.idempotency import EXTENSION
from mbs.foundation.scope import Scope
from mbs.foundation.sealing import Sealer
from mbs.mail.models import Message, compose
from mbs.operations.embedded_postgres import Server
from tests.conftest import SECRETS

BASE_URL = "https://mbs.test"

Sql = Callable[..., list[tuple[Any, ...]]]
MailsTo = Callable[..., list[Message]]


@pytest.fixture
def sql(server: Server, database_name: str) -> Iterator[Sql]:
    """Return a function that runs one statement as the superuser and gives the rows it returns."""
    with closing(psycopg2.connect(server.url(database_name))) as connection:
        connection.autocommit = True

        def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, [str(one) for one in parameters])
                return cursor.fetchall() if cursor.description else []

        yield run


@pytest.fixture
def mails_to(app: Flask, sql: Sql) -> MailsTo:
    """Return a function that opens the mails which wait for an address, oldest first, and leaves them there.

    The queue is everybody's, so a test looks at its own addresses only and delivers nothing.
    """
    sealer = Sealer([SECRETS["SESSION_SECRET"]])

    def read(address: str, template: str | None = None) -> list[Message]:
        rows = sql(
            "SELECT template, sealed FROM account_mails WHERE status = 'queued' ORDER BY created_at, id"
        )
        opened = [(name, sealer.open(sealed)) for name, sealed in rows]
        return [
            compose(name, variables, base_url=BASE_URL)
            for name, variables in opened
            if variables["to"] == address and template in (None, name)
        ]

    return read


@pytest.fixture
def identity(app: Flask) -> Callable[[], Any]:
    """Return a function that opens a transaction of the identity role."""
    database: Database = app.extensions[EXTENSION]
    return lambda: database.transaction(Scope(), Role.IDENTITY)
