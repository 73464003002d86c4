"""The tables that the rooms declare are those of the migrated database, and each keeps the schema's rules."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from mbs.app import tenant_tables
from mbs.foundation.db import Base
from mbs.operations.embedded_postgres import Server
from mbs.operations.migration_connection import migration_engine
from mbs.operations.schema_rules import PLATFORM_TABLES, findings

WRITTEN_BY_MIGRATIONS_ONLY = {"alembic_version", "migration_log"}


@pytest.fixture
def database(server: Server, database_name: str) -> Iterator[Connection]:
    """The migrated database, as superuser; nothing that a test does to it stays."""
    with migration_engine(server.url(database_name)).connect() as connection:
        yield connection
        connection.rollback()


def names(database: Connection, query: str) -> set[str]:
    return set(database.execute(text(query)).scalars())


class TestTheMigratedDatabase:
    def test_keeps_every_rule(self, database: Connection) -> None:
        assert findings(database) == []

    @pytest.mark.parametrize(
        "change",
        [
            "ALTER TABLE customers NO FORCE ROW LEVEL SECURITY",
            "CREATE TABLE rooms (tenant_id uuid DEFAULT app_tenant(), id uuid, PRIMARY KEY (tenant_id, id))",
            "CREATE TABLE rooms (id uuid PRIMARY KEY)",
        ],
    )
    def test_is_examined_table_by_table(self, database: Connection, change: str) -> None:
        database.execute(text(change))
        assert findings(database) != []

    def test_has_the_tables_that_the_rooms_declare(self, database: Connection) -> None:
        found = names(database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert found - WRITTEN_BY_MIGRATIONS_ONLY == set(Base.metadata.tables)


class TestEveryTable:
    def test_with_a_tenant_is_held_to_the_rules_of_tenants(self) -> None:
        with_tenant = {name for name, table in Base.metadata.tables.items() if "tenant_id" in table.columns}
        # Both name a tenant and are read by the identity role alone.
        platform = {"login_sessions", "account_mails"}
        assert with_tenant & set(PLATFORM_TABLES) == platform, "a tenant's table is no platform table"
        assert set(tenant_tables()) == with_tenant - platform

    def test_without_a_tenant_has_its_reason(self) -> None:
        without = {name for name, table in Base.metadata.tables.items() if "tenant_id" not in table.columns}
        assert without <= set(PLATFORM_TABLES), (
            "give it a tenant_id, or a reason in schema_rules.PLATFORM_TABLES"
        )

    def test_of_a_tenant_is_forced_behind_the_second_wall(self, database: Connection) -> None:
        forced = names(database, "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity")
        assert set(tenant_tables()) <= forced

    def test_of_a_tenant_takes_its_tenant_from_the_transaction(self) -> None:
        for name in tenant_tables():
            column = Base.metadata.tables[name].c.tenant_id
            assert column.primary_key, (
                f"{name}: begin the class with `tenant_id: Mapped[UUID] = tenant_key()`"
            )
            assert str(getattr(column.server_default, "arg", "")) == "app_tenant()", name
