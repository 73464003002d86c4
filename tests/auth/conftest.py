"""What the tests of this folder add: rows changed behind the service's back."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from flask import Flask

from mbs.operations.embedded_postgres import Server
from tests.factories.apps import production_app
from tests.factories.callers import Business, Caller, new_business

__all__ = ["production_app", "resident", "sql"]

Sql = Callable[..., list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def resident(app: Flask) -> Business:
    """Somebody signed in for the whole run, for tests that change nothing: a register costs its hash."""
    return new_business(Caller(app))


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
