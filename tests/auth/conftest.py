"""What the tests of this folder add: rows changed behind the service's back."""

import time
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


RESIDENT_SECONDS = 300
"""A proof of who somebody is stands for ten minutes, and an access token for fifteen."""


@pytest.fixture(scope="session")
def residents() -> list[tuple[float, Business]]:
    """Who has been signed in for tests that change nothing, and when."""
    return []


@pytest.fixture
def resident(app: Flask, residents: list[tuple[float, Business]]) -> Business:
    """Somebody signed in lately, for tests that change nothing: a register costs its hash."""
    if not residents or time.monotonic() - residents[-1][0] > RESIDENT_SECONDS:
        residents.append((time.monotonic(), new_business(Caller(app))))
    return residents[-1][1]


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
