"""Which logins may take on the service's roles after a migration, and what they may do without them."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from mbs.operations.embedded_postgres import Server, ensure
from mbs.operations.migrate import migrate
from mbs.operations.migration_connection import migration_engine
from mbs.operations.migration_roles import grant_roles
from mbs.operations.schema_faults import GrantRefused
from mbs.operations.schema_rules import findings
from tests.migrations.databases import ask, connected


@pytest.fixture
def login(server: Server, database: str) -> Iterator[str]:
    # PostgreSQL 15 cannot grant a role without its inheritance, so there the login itself must not inherit.
    ((version,),) = ask(database, "SELECT current_setting('server_version_num')::int")
    inherits = "INHERIT" if version >= 160000 else "NOINHERIT"
    name = f"Plain-{uuid.uuid4().hex[:12]}"
    with connected(server.url()) as cursor:
        cursor.execute(f"CREATE ROLE \"{name}\" LOGIN {inherits} PASSWORD 'x'")
        yield name
        cursor.execute(f'DROP ROLE "{name}"')


@pytest.fixture
def cluster() -> Iterator[Server]:
    """A server of its own, where the service's roles were never made."""
    name = f"trial-{uuid.uuid4().hex[:8]}"
    binaries = os.environ.get("TEST_POSTGRES_BINARIES")
    server = ensure(name, binaries=Path(binaries) if binaries else None)
    yield server
    server.stop()
    shutil.rmtree(server.data_directory.parent)


@contextlib.contextmanager
def signed_in(login: str, database: str) -> Iterator["psycopg2.extensions.cursor"]:
    with connected(f"postgresql://{login}:x@{database.partition('@')[2]}") as cursor:
        yield cursor


class TestGrantRoles:
    def test_lets_the_login_take_on_both_roles_and_nothing_without_them(
        self, database: str, login: str
    ) -> None:
        migrate(database, login=login)
        with signed_in(login, database) as cursor:
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("SELECT * FROM customers")
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                cursor.execute("CREATE TABLE mine (id bigint)")
            cursor.execute("SET ROLE mbs_tenant; SELECT count(*) FROM customers")
            assert cursor.fetchone() == (0,)
            cursor.execute("SET ROLE mbs_identity; SELECT count(*) FROM migration_log, alembic_version")
            assert cursor.fetchone() != (0,)

    def test_grants_once_and_again_where_a_grant_is_missing(self, database: str, login: str) -> None:
        migrate(database, login=login)
        with migration_engine(database).begin() as connection:
            assert grant_roles(connection, login) == ()
        ask(database, f'REVOKE mbs_identity FROM "{login}"; SELECT 1')
        with migration_engine(database).begin() as connection:
            assert grant_roles(connection, login) == ("mbs_identity",)

    def test_names_a_login_that_does_not_exist(self, database: str) -> None:
        with pytest.raises(GrantRefused, match='CREATE ROLE "no\'body" LOGIN'):
            migrate(database, login="no'body")

    @pytest.mark.slow
    def test_names_a_statement_that_only_an_administrator_may_run(self, cluster: Server) -> None:
        with connected(cluster.url()) as cursor:
            cursor.execute("CREATE ROLE guest LOGIN CREATEROLE PASSWORD 'x'")
            cursor.execute("CREATE DATABASE lent")
        url = cluster.url("lent")
        with connected(url) as cursor:
            cursor.execute("GRANT CREATE, USAGE ON SCHEMA public TO guest")
        guest = f"postgresql://guest:x@{url.partition('@')[2]}"
        with pytest.raises(GrantRefused, match="CREATE EXTENSION IF NOT EXISTS btree_gist;") as refusal:
            migrate(guest)
        assert refusal.value.exit_code == os.EX_CONFIG
        with connected(url) as cursor:
            cursor.execute("CREATE EXTENSION btree_gist")
        migrate(guest)

    @pytest.mark.slow
    def test_needs_no_superuser_as_on_managed_services(self, cluster: Server) -> None:
        with connected(cluster.url()) as cursor:
            cursor.execute("CREATE ROLE boss LOGIN CREATEROLE PASSWORD 'x'")
            cursor.execute("CREATE ROLE service LOGIN NOINHERIT PASSWORD 'x'")
            cursor.execute("CREATE DATABASE managed OWNER boss")
        url = cluster.url("managed")
        place = url.partition("@")[2]
        migrate(f"postgresql://boss:x@{place}", login="service")
        assert migrate(f"postgresql://boss:x@{place}", login="service").applied == ()
        with signed_in("service", url) as cursor:
            cursor.execute("SET ROLE mbs_tenant; SELECT count(*) FROM customers")
            assert cursor.fetchone() == (0,)
        with migration_engine(url).connect() as connection:
            assert findings(connection) == []
