"""What every test stands on: real PostgreSQL, one database a test process, callers with a business each.

HTTP tests commit. Each makes its own business (`business()`), so no test sees another's rows, and calls
from an address of its own, so the rate limits are on and never in the way.
"""

import hashlib
import os
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation.limits import API
from mbs.operations.embedded_postgres import Server, ensure
from mbs.operations.migrate import migrate
from tests.factories.callers import Business, Caller, new_business

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"
PLAIN_LOGIN = "mbs_test_login"
SECRETS = {
    name: secrets.token_urlsafe(48) for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")
}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The PostgreSQL of the tests; TEST_POSTGRES_BINARIES names the programs of another version."""
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")
    server = ensure("test", binaries=Path(binaries) if binaries else None)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def template(server: Server) -> str:
    """The name of a database that the migrations built; kept until a migration changes."""
    digest = hashlib.sha256()
    for path in sorted(MIGRATIONS.rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    name = f"mbs_template_{digest.hexdigest()[:12]}"
    with closing(psycopg2.connect(server.url("postgres"))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            # Test processes race to build it; the lock goes with the connection.
            cursor.execute("SELECT pg_advisory_lock(hashtext('mbs tests'))")
            cursor.execute("SELECT FROM pg_roles WHERE rolname = %s", (PLAIN_LOGIN,))
            if cursor.fetchone() is None:
                cursor.execute(f"CREATE ROLE {PLAIN_LOGIN} LOGIN NOINHERIT PASSWORD 'test'")
            cursor.execute("SELECT FROM pg_database WHERE datname = %s", (name,))
            if cursor.fetchone() is None:
                cursor.execute("SELECT datname FROM pg_database WHERE datname LIKE 'mbs_template_%'")
                for (stale,) in cursor.fetchall():
                    cursor.execute(f"DROP DATABASE {stale} WITH (FORCE)")
                cursor.execute(f"CREATE DATABASE {name}_new")
                migrate(server.url(f"{name}_new"), login=PLAIN_LOGIN)
                cursor.execute(f"ALTER DATABASE {name}_new RENAME TO {name}")
    return name


@pytest.fixture(scope="session")
def new_database(server: Server, template: str) -> Iterator[Callable[[], str]]:
    """Return a function that makes a migrated database and gives its name; all are dropped at the end."""
    made: list[str] = []

    def make() -> str:
        name = f"mbs_test_{secrets.token_hex(6)}"
        run_as_superuser(server, f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return name

    yield make
    for name in made:
        run_as_superuser(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def database_name(new_database: Callable[[], str]) -> str:
    """The name of this test process's database."""
    return new_database()


@pytest.fixture(scope="session")
def database_url(server: Server, database_name: str) -> str:
    """The database of this test process, as the plain login that production is told to use."""
    return login_url(server, database_name)


@pytest.fixture(scope="session")
def environ(database_url: str) -> dict[str, str]:
    """The environment of a service under test."""
    return {"APP_ENV": "test", "DATABASE_URL": database_url, "LOG_FORMAT": "json", **SECRETS}


@pytest.fixture(scope="session")
def app(environ: dict[str, str]) -> Flask:
    return create_app(Config.load(environ))


@pytest.fixture
def caller(app: Flask) -> Caller:
    """Somebody who is not signed in, at an address of their own."""
    return Caller(app)


@pytest.fixture
def business(app: Flask) -> Callable[..., Business]:
    """Return a function that registers a business and gives its owner, signed in."""

    def make(**details: str) -> Business:
        return new_business(Caller(app), **details)

    return make


@pytest.fixture
def owner(business: Callable[..., Business]) -> Business:
    """The owner of a new business."""
    return business()


RESIDENT_SECONDS = 300
"""A proof of who somebody is stands for ten minutes, and an access token for fifteen."""

RESIDENT_REQUESTS = API.amount // 2
"""How many requests of the last minute whoever is signed in may have behind them: a test sends fewer."""


@pytest.fixture(scope="session")
def residents() -> list[tuple[float, Business]]:
    """Who has been signed in for tests that change nothing, and when."""
    return []


@pytest.fixture
def resident(app: Flask, residents: list[tuple[float, Business]]) -> Business:
    """Somebody signed in lately, for tests that change nothing: a register costs its hash.

    Each has a limit of requests, whoever sends their tokens; the next comes long before it is reached.
    """
    if residents:
        since, somebody = residents[-1]
        if time.monotonic() - since < RESIDENT_SECONDS and somebody.requests() < RESIDENT_REQUESTS:
            return somebody
    residents.append((time.monotonic(), new_business(Caller(app))))
    return residents[-1][1]


def login_url(server: Server, database: str, login: str = PLAIN_LOGIN, password: str = "test") -> str:
    """Return the URL of a database as seen by a login."""
    authority = server.url(database).partition("@")[2]
    return f"postgresql://{login}:{password}@{authority}"


def run_as_superuser(server: Server, statement: str, database: str = "postgres") -> None:
    """Run one statement outside any transaction."""
    with closing(psycopg2.connect(server.url(database))) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
