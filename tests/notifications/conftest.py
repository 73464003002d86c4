"""What the tests of this folder add: a queue of their own, because a queue is everybody's."""

from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg2
import pytest

from mbs.foundation.db import Database
from tests.conftest import SECRETS, Server, login_url
from tests.factories.messages_queued import Sql


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

        def run(statement: str, *parameters: object) -> list[tuple[object, ...]]:
            with connection.cursor() as cursor:
                cursor.execute(statement, parameters)
                return cursor.fetchall() if cursor.description else []

        run("TRUNCATE notifications CASCADE")
        yield run
        run("TRUNCATE notifications CASCADE")
