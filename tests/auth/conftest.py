"""What the tests of this folder add: rows changed behind the service's back."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest

from mbs.operations.embedded_postgres import Server
from tests.factories.apps import production_app, wide_app

__all__ = ["production_app", "sql", "wide_app"]

Sql = Callable[..., list[tuple[Any, ...]]]


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
