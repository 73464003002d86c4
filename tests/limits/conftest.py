"""What the tests of this folder add: hits moved into the past, so that no test waits for a window."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from flask import Flask

from mbs.operations.embedded_postgres import Server
from tests.factories.callers import Business, Caller, new_business

Sql = Callable[..., list[tuple[Any, ...]]]
Age = Callable[[float, str], None]


def stored_key(key: str) -> str:
    """Return a counter's key as the table holds it."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


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


@pytest.fixture
def age(sql: Sql) -> Age:
    """Return a function that moves all hits of a counter so many seconds into the past."""

    def move(seconds: float, key: str) -> None:
        for table in ("login_attempts", "rate_limits"):
            by = f"make_interval(secs => {seconds})"
            sql(
                f"UPDATE {table} SET expires_at = expires_at - {by},"
                f" hits = ARRAY(SELECT hit - {by} FROM unnest(hits) AS hit) WHERE key = %s",
                stored_key(key),
            )

    return move
