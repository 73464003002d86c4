"""A database server that the tests may break, and the service on it."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from mbs.app import create_app
from mbs.config import Config
from mbs.operations.migrate import migrate
from tests.conftest import PLAIN_LOGIN, SECRETS, login_url
from tests.factories.callers import Business, Caller, new_business
from tests.factories.servers import RunningService, serve
from tests.resilience.postgres import Breakable, own_server

BUSINESSES = 110
"""So many owners take turns that none meets the limit of 100 requests a minute, test after test: eight
clients that pause 50 ms after each call make 9,600 at most."""


@dataclass
class Deployment:
    """A production environment, its database server, and people who may call."""

    server: Breakable
    database: str
    environ: dict[str, str]
    owners: list[Business]

    @property
    def tokens(self) -> list[str]:
        return [owner.token for owner in self.owners if owner.token is not None]

    def connections(self, state: str = "%") -> int:
        """Count the service's connections in a state such as `idle in transaction`."""
        condition = f"datname = '{self.database}' AND state LIKE '{state}'"
        return int(str(self.server.run(f"SELECT count(*) FROM pg_stat_activity WHERE {condition}")[0][0]))

    def customers(self) -> int:
        return int(str(self.server.run("SELECT count(*) FROM customers", self.database)[0][0]))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Breakable]:
    """A PostgreSQL for this test process alone."""
    own = own_server(f"resilience-{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}")
    yield own
    own.server.stop()


@pytest.fixture(scope="session")
def deployment(postgres: Breakable) -> Iterator[Deployment]:
    name = f"mbs_test_{secrets.token_hex(6)}"
    if not postgres.run(f"SELECT 1 FROM pg_roles WHERE rolname = '{PLAIN_LOGIN}'"):
        postgres.run(f"CREATE ROLE {PLAIN_LOGIN} LOGIN NOINHERIT PASSWORD 'test'")
    postgres.run(f"CREATE DATABASE {name}")
    migrate(postgres.server.url(name), login=PLAIN_LOGIN)
    environ = {"APP_ENV": "production", "DATABASE_URL": login_url(postgres.server, name), **SECRETS}
    app = create_app(Config.load(environ))
    owners = [new_business(Caller(app)) for _ in range(BUSINESSES)]
    # From here on every connection is one of the service under test.
    postgres.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    yield Deployment(postgres, name, environ, owners)
    postgres.run(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def service(deployment: Deployment) -> Iterator[RunningService]:
    """The service under gunicorn with two workers."""
    with serve(deployment.environ, workers=2) as running:
        yield running
