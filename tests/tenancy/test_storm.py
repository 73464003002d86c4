"""Thousands of random requests, with both walls, with either wall alone, and with neither (rule 21)."""

import random
import re
import sys
from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select, true

from mbs.app import create_app, tenant_tables
from mbs.config import Config
from mbs.foundation.repository import Repository
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.tenancy.routes import Inspector, routes
from tests.tenancy.storm_of_credentials import WholeStorm


@pytest.fixture
def seed() -> int:
    """Another storm every time; the report of a failing one names its seed."""
    return random.SystemRandom().randrange(2**32)


@pytest.fixture
def first_wall_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take the tenant out of every statement that a repository starts from."""
    with monkeypatch.context() as patch:
        patch.setattr(Repository, "_own", lambda self: true())
        patch.setattr(Repository, "_prepared", classmethod(lambda cls, *columns: select(*columns)))
        forget_statements()
        yield
    forget_statements()


def forget_statements() -> None:
    """Let all repositories build the statements anew that they keep, in classes and beside them."""
    rooms = [module for name, module in sys.modules.items() if re.match(r"mbs\..*repository", name)]
    for room in rooms:
        for thing in vars(room).values():
            for attribute in (thing, *(vars(thing).values() if isinstance(thing, type) else ())):
                function = attribute.__func__ if isinstance(attribute, classmethod) else attribute
                if hasattr(function, "cache_clear"):
                    function.cache_clear()


@pytest.fixture(scope="session")
def unwalled(server: Server, new_database: Callable[[], str]) -> str:
    """The name of a database without row-level security."""
    name = new_database()
    for table in (*tenant_tables(), "tenants", "users"):
        run_as_superuser(server, f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY", name)
    return name


@pytest.fixture(scope="session")
def unwalled_app(server: Server, unwalled: str, environ: dict[str, str]) -> Flask:
    url = login_url(server, unwalled)
    return create_app(Config.load({**environ, "DATABASE_URL": url, "SKIP_RATE_LIMIT": "true"}))


@pytest.fixture
def storm(app: Flask, inspector: Inspector, quiet: None, seed: int) -> WholeStorm:
    return WholeStorm(app, inspector, seed)


@pytest.fixture
def unwalled_storm(server: Server, unwalled: str, unwalled_app: Flask, quiet: None, seed: int) -> WholeStorm:
    return WholeStorm(unwalled_app, Inspector(server.url(unwalled)), seed)


@pytest.fixture
def quiet(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Keep the log of thousands of requests out of memory."""
    with caplog.at_level("CRITICAL"):
        yield


class TestStorm:
    def test_passes_over_both_walls(self, storm: WholeStorm) -> None:
        storm.run(100)

    def test_passes_over_the_first_wall_alone(self, unwalled_storm: WholeStorm) -> None:
        unwalled_storm.run(100)

    @pytest.mark.slow
    @pytest.mark.timeout(600)
    def test_passes_over_both_walls_by_every_route(self, app: Flask, storm: WholeStorm) -> None:
        storm.run(3000)
        assert {f"{route.method} {route.rule}" for route in routes(app)} <= storm.called.keys()

    @pytest.mark.slow
    @pytest.mark.timeout(600)
    def test_passes_over_the_first_wall_alone_for_long(self, unwalled_storm: WholeStorm) -> None:
        unwalled_storm.run(2000)

    @pytest.mark.slow
    @pytest.mark.timeout(600)
    def test_passes_over_the_second_wall_alone(self, storm: WholeStorm, first_wall_down: None) -> None:
        storm.run(1000)

    def test_breaks_in_where_no_wall_stands(self, unwalled_storm: WholeStorm, first_wall_down: None) -> None:
        # The same service as above: all that differs is the wall.
        with pytest.raises(AssertionError):
            unwalled_storm.run(200)
