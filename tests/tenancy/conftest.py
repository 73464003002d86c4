"""A server whose roles tests may damage, services under four logins, and two businesses side by side."""

import os
import secrets
import shutil
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from mbs.operations.embedded_postgres import Server, ensure
from mbs.operations.migrate import migrate
from tests.conftest import SECRETS, login_url, run_as_superuser
from tests.factories.books import whole_books
from tests.factories.calendar_objects import whole_calendar
from tests.factories.callers import Business, Caller, new_business
from tests.factories.correspondence import whole_correspondence
from tests.factories.objects import api_key, invitation, role
from tests.tenancy.routes import Inspector

PASSWORD = "test"

Migrated = Callable[..., str]
Start = Callable[[str], Flask]


@dataclass(frozen=True)
class Pair:
    """Two businesses that must never hear of each other."""

    ours: Business
    theirs: Business


@dataclass(frozen=True)
class Service:
    """The service as run by one login of the database; `warning` is what readiness says of that login."""

    login: str
    url: str
    app: Flask
    warning: str | None


@pytest.fixture(scope="session")
def cluster() -> Iterator[Server]:
    """A server of its own: roles belong to the whole server, and these tests make and damage them."""
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")
    server = ensure(f"tenancy-{secrets.token_hex(4)}", binaries=Path(binaries) if binaries else None)
    # First of all, because whoever makes the two roles may grant them: as on a managed service.
    run_as_superuser(server, f"CREATE ROLE owner LOGIN CREATEROLE PASSWORD '{PASSWORD}'")
    run_as_superuser(server, "CREATE DATABASE owner OWNER owner")
    migrate(login_url(server, "owner", "owner", PASSWORD))
    yield server
    server.stop()
    shutil.rmtree(server.data_directory.parent)


@pytest.fixture(scope="session")
def migrated(cluster: Server) -> Migrated:
    """Return a function that makes a database on `cluster`, migrated by the superuser, and gives its name."""

    def make(login: str | None = None) -> str:
        name = f"tenancy_{secrets.token_hex(6)}"
        run_as_superuser(cluster, f"CREATE DATABASE {name}")
        migrate(cluster.url(name), login=login)
        return name

    return make


@pytest.fixture(scope="session")
def start() -> Start:
    """Return a function that builds the service on a database."""

    def build(url: str) -> Flask:
        return create_app(
            Config.load({"APP_ENV": "test", "DATABASE_URL": url, "LOG_FORMAT": "json", **SECRETS})
        )

    return build


@pytest.fixture(scope="session")
def superuser_service(cluster: Server, migrated: Migrated, start: Start) -> Service:
    url = cluster.url(migrated())
    return Service("superuser", url, start(url), "the login is privileged")


@pytest.fixture(scope="session")
def owner_service(cluster: Server, start: Start) -> Service:
    url = login_url(cluster, "owner", "owner", PASSWORD)
    return Service("owner", url, start(url), "the login is privileged")


@pytest.fixture(scope="session")
def granted_service(cluster: Server, migrated: Migrated, start: Start) -> Service:
    run_as_superuser(cluster, f"CREATE ROLE granted LOGIN INHERIT PASSWORD '{PASSWORD}'")
    run_as_superuser(cluster, "GRANT mbs_tenant, mbs_identity TO granted")
    url = login_url(cluster, migrated(), "granted", PASSWORD)
    return Service("granted", url, start(url), "the login inherits the tenant role")


@pytest.fixture(scope="session")
def noinherit_service(cluster: Server, migrated: Migrated, start: Start) -> Service:
    run_as_superuser(cluster, f"CREATE ROLE noinherit LOGIN NOINHERIT PASSWORD '{PASSWORD}'")
    url = login_url(cluster, migrated(login="noinherit"), "noinherit", PASSWORD)
    return Service("noinherit", url, start(url), None)


@pytest.fixture(
    scope="session", params=["superuser_service", "owner_service", "granted_service", "noinherit_service"]
)
def service(request: pytest.FixtureRequest) -> Service:
    """The service under each of the four logins in turn."""
    value: Service = request.getfixturevalue(request.param)
    return value


@pytest.fixture(scope="session")
def app(environ: dict[str, str]) -> Flask:
    """The service without rate limits, which would end a walk along all routes."""
    return create_app(Config.load({**environ, "SKIP_RATE_LIMIT": "true"}))


@pytest.fixture(scope="module")
def pair(app: Flask) -> Pair:
    """Two businesses for all tests of a module, which leave them as they are."""
    return new_pair(app)


def new_pair(app: Flask) -> Pair:
    """Return two new businesses, each with a row in every table, and an answer under one idempotency key."""
    both = Pair(*(new_business(Caller(app), businessName=name) for name in ("Ours", "Theirs")))
    for one in (both.ours, both.theirs):
        body = {"name": "Ana", "email": "ana@example.com"}
        response = one.post("/api/customers", body, headers={"Idempotency-Key": "first"})
        assert response.status_code == 201
        for make in (role, invitation, api_key, whole_calendar, whole_books, whole_correspondence):
            make(one)
    return both


@pytest.fixture(scope="session")
def inspector(server: Server, database_name: str) -> Inspector:
    return Inspector(server.url(database_name))


def random_id() -> str:
    """Return an id that exists nowhere."""
    return str(uuid.uuid4())
