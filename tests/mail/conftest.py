"""What the tests of this folder add: a queue of their own, because a queue is everybody's."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope
from mbs.foundation.sealing import Sealer
from mbs.mail.repository import MailRepository
from tests.conftest import SECRETS, Server, login_url

Sql = Callable[..., list[tuple[Any, ...]]]
Enqueue = Callable[..., None]


@pytest.fixture(scope="module")
def queue_name(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture(scope="module")
def queue_environ(server: Server, queue_name: str) -> dict[str, str]:
    """The environment of a worker."""
    url = login_url(server, queue_name)
    return {"APP_ENV": "test", "DATABASE_URL": url, "BASE_URL": "https://mbs.test", **SECRETS}


@pytest.fixture(scope="module")
def queue(queue_environ: dict[str, str]) -> Iterator[Database]:
    database = Database(queue_environ["DATABASE_URL"], pool_size=8)
    yield database
    database.dispose()


@pytest.fixture
def sql(server: Server, queue_name: str) -> Iterator[Sql]:
    """Return a function that runs one statement as the superuser; the queue is empty before and after."""
    with closing(psycopg2.connect(server.url(queue_name))) as connection:
        connection.autocommit = True

        def run(statement: str, *parameters: Any) -> list[tuple[Any, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

        run("TRUNCATE account_mails")
        yield run
        run("TRUNCATE account_mails")


@pytest.fixture
def enqueue(queue: Database, sql: Sql) -> Enqueue:
    """Return a function that puts a mail into the queue, as a room does."""

    def put(to: str | None, template: str = "verify_email", *, secret: str = "", **variables: str) -> None:
        sealer = Sealer([secret or SECRETS["SESSION_SECRET"]])
        with queue.transaction(Scope(), Role.IDENTITY) as transaction:
            MailRepository(transaction, sealer).enqueue(template, to=to, **{"token": "t0ken", **variables})

    return put
