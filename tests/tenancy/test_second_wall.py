"""The second wall alone: SQL under the tenant role, past the program's filters, finds one tenant's rows.

The tables are read off the declared models, so a new table is examined on the day it is declared.
"""

import json
import uuid
from collections.abc import Callable
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql
from psycopg2.errors import InsufficientPrivilege
from psycopg2.extras import Json, RealDictCursor
from sqlalchemy.dialects.postgresql import JSONB

from mbs.app import tenant_tables
from mbs.foundation.database_errors import LOCKED
from mbs.foundation.db import Base, Role
from mbs.operations.embedded_postgres import Server
from tests.tenancy.conftest import Pair
from tests.tenancy.raw_transactions import tenant_transaction

TENANT_TABLES = tenant_tables()
IDENTITY_TABLES = (
    "account_mails",
    "external_identities",
    "login_attempts",
    "login_sessions",
    "one_time_tokens",
    "rate_limits",
    "recovery_codes",
    "second_factors",
    "sso_flows",
)
APPEND_ONLY = "events"


def owner_column(table: str) -> str:
    """Return the column that names the tenant a row belongs to."""
    return "id" if table == "tenants" else "tenant_id"


@pytest.fixture
def rows(server: Server, database_name: str) -> Callable[..., list[dict[str, Any]]]:
    """Return a function that gives a tenant's rows of a table as a superuser sees them."""

    def read(table: str, tenant: uuid.UUID) -> list[dict[str, Any]]:
        query = sql.SQL("SELECT * FROM {} WHERE {} = %s ORDER BY 1, 2").format(
            sql.Identifier(table), sql.Identifier(owner_column(table))
        )
        url = server.url(database_name)
        with closing(psycopg2.connect(url, cursor_factory=RealDictCursor)) as connection:
            cursor = connection.cursor()
            cursor.execute(query, (str(tenant),))
            return [dict(row) for row in cursor.fetchall()]

    return read


def insert(cursor: Any, table: str, row: dict[str, Any]) -> None:
    columns = Base.metadata.tables[table].columns
    # What the database works out itself is not written.
    row = {name: value for name, value in row.items() if columns[name].computed is None}
    values = [
        Json(value) if isinstance(columns[name].type, JSONB) and value is not None else value
        for name, value in row.items()
    ]
    cursor.execute(
        sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, row)),
            sql.SQL(", ").join([sql.Placeholder()] * len(row)),
        ),
        values,
    )


class TestDeclaredTables:
    def test_are_a_tenants_or_the_platforms(self) -> None:
        platform = {"tenants", "users", *IDENTITY_TABLES}
        assert set(Base.metadata.tables) == {*TENANT_TABLES, *platform}


@pytest.mark.parametrize("table", [*TENANT_TABLES, "tenants"])
class TestRowsOfATenant:
    def test_are_seen_by_it_alone(
        self, pair: Pair, database_url: str, rows: Callable[..., list[Any]], table: str
    ) -> None:
        assert rows(table, pair.ours.tenant_id), f"the test makes no row of {table}"
        assert rows(table, pair.theirs.tenant_id), f"the test makes no row of {table}"
        with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
            cursor.execute(f"SELECT {owner_column(table)}, count(*) FROM {table} GROUP BY 1")
            seen = {str(tenant): count for tenant, count in cursor.fetchall()}

        assert seen == {str(pair.ours.tenant_id): len(rows(table, pair.ours.tenant_id))}

    def test_are_not_there_without_a_tenant(self, database_url: str, pair: Pair, table: str) -> None:
        # On a fresh connection the setting is absent; after its first transaction it is ''.
        with closing(psycopg2.connect(database_url)) as connection, connection.cursor() as cursor:
            for setting in (None, ""):
                cursor.execute("SET LOCAL ROLE mbs_tenant")
                cursor.execute("SELECT current_setting('app.tenant_id', true)")
                assert cursor.fetchone() == (setting,)
                cursor.execute(f"SELECT count(*), app_tenant(), app_actor() FROM {table}")
                assert cursor.fetchone() == (0, None, None)
                cursor.execute("SELECT set_config('app.tenant_id', %s, true)", (str(pair.ours.tenant_id),))
                connection.commit()

    @pytest.mark.parametrize("tenant", ["ours", "none"])
    def test_are_not_added_for_another(
        self, pair: Pair, database_url: str, rows: Callable[..., list[Any]], table: str, tenant: str
    ) -> None:
        theirs = rows(table, pair.theirs.tenant_id)
        acting = pair.ours.tenant_id if tenant == "ours" else ""
        for row in theirs:
            # The very row: refused for whose it is, before its key could tell that it exists.
            with tenant_transaction(database_url, acting) as cursor, pytest.raises(InsufficientPrivilege):
                insert(cursor, table, row)
        assert rows(table, pair.theirs.tenant_id) == theirs

    def test_are_not_changed_moved_or_removed_by_another(
        self, pair: Pair, database_url: str, rows: Callable[..., list[Any]], table: str
    ) -> None:
        theirs, key = rows(table, pair.theirs.tenant_id), owner_column(table)
        touched = "name" if table == "tenants" else key
        for statement in (
            f"UPDATE {table} SET {touched} = {touched} WHERE {key} = %(theirs)s",
            f"UPDATE {table} SET {touched} = {touched} WHERE {key} <> %(ours)s",
            f"UPDATE {table} SET {key} = %(theirs)s WHERE {key} = %(ours)s",
            f"UPDATE {table} SET {key} = %(ours)s WHERE {key} = %(theirs)s",
            f"DELETE FROM {table} WHERE {key} = %(theirs)s",
            f"DELETE FROM {table} WHERE {key} <> %(ours)s",
        ):
            with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
                parameters = {"ours": str(pair.ours.tenant_id), "theirs": str(pair.theirs.tenant_id)}
                try:
                    cursor.execute(statement, parameters)
                    assert cursor.rowcount == 0, statement
                except InsufficientPrivilege:
                    pass
                except psycopg2.DatabaseError as error:
                    # Of their own, too, what is issued does not change.
                    if (error.pgcode, statement.endswith(" = %(ours)s")) != (LOCKED, True):
                        raise
        assert rows(table, pair.theirs.tenant_id) == theirs

    def test_are_not_locked_by_another(self, pair: Pair, database_url: str, table: str) -> None:
        with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
            try:
                cursor.execute(
                    f"SELECT FROM {table} WHERE {owner_column(table)} <> %s FOR UPDATE",
                    (str(pair.ours.tenant_id),),
                )
                assert cursor.rowcount == 0
            except InsufficientPrivilege:
                pass


class TestPeople:
    def test_are_seen_by_the_businesses_they_belong_to(self, pair: Pair, database_url: str) -> None:
        with tenant_transaction(database_url, pair.ours.tenant_id) as cursor:
            cursor.execute("SELECT email FROM users")
            assert cursor.fetchall() == [(pair.ours.email,)]
        with tenant_transaction(database_url, "") as cursor:
            cursor.execute("SELECT email FROM users")
            assert cursor.fetchall() == []

    @pytest.mark.parametrize("columns", ["password_hash", "*", "email_key"])
    def test_never_show_their_password_hash(self, database_url: str, columns: str) -> None:
        with tenant_transaction(database_url, uuid.uuid4()) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(f"SELECT {columns} FROM users")

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE users SET email = 'x@example.com'",
            "DELETE FROM users",
            "INSERT INTO users (id, email) VALUES (gen_random_uuid(), 'x@example.com')",
            "UPDATE tenants SET status = 'active'",
            "UPDATE tenants SET slug = 'x'",
        ],
    )
    def test_are_changed_under_the_identity_role_only(self, database_url: str, statement: str) -> None:
        with tenant_transaction(database_url, uuid.uuid4()) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(statement)


class TestTenantRole:
    @pytest.mark.parametrize("table", [*IDENTITY_TABLES, "migration_log", "alembic_version"])
    def test_reads_no_table_of_the_platform(self, database_url: str, table: str) -> None:
        with tenant_transaction(database_url, uuid.uuid4()) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(f"SELECT FROM {table}")

    @pytest.mark.parametrize("statement", ["UPDATE events SET type = type", "DELETE FROM events"])
    def test_rewrites_no_event_not_even_its_own(self, database_url: str, statement: str) -> None:
        with tenant_transaction(database_url, uuid.uuid4()) as cursor, pytest.raises(InsufficientPrivilege):
            cursor.execute(statement)

    @pytest.mark.parametrize("table", Base.metadata.tables)
    @pytest.mark.parametrize("role", Role)
    def test_empties_no_table(self, database_url: str, role: Role, table: str) -> None:
        with (
            tenant_transaction(database_url, uuid.uuid4(), role=role) as cursor,
            pytest.raises(InsufficientPrivilege),
        ):
            cursor.execute(f"TRUNCATE {table} CASCADE")

    @pytest.mark.parametrize("role", Role)
    @pytest.mark.parametrize(
        "statement",
        [
            "CREATE TABLE loot (name text)",
            "CREATE TABLE loot AS SELECT * FROM customers",
            "CREATE VIEW loot AS SELECT 1",
            "CREATE FUNCTION app_tenant(text) RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
            "CREATE OR REPLACE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql RETURN NULL::uuid",
            "CREATE SCHEMA loot",
            "CREATE ROLE loot",
            "CREATE POLICY loot ON customers USING (true)",
            "CREATE INDEX loot ON customers (name)",
            "ALTER TABLE customers DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE customers NO FORCE ROW LEVEL SECURITY",
            "ALTER ROLE mbs_tenant BYPASSRLS",
            "DROP POLICY own_rows ON customers",
            "SET LOCAL session_replication_role = replica",
            "COPY customers TO PROGRAM 'true'",
            "SELECT pg_read_file('/etc/passwd')",
        ],
    )
    def test_makes_and_alters_nothing(self, database_url: str, role: Role, statement: str) -> None:
        with (
            tenant_transaction(database_url, uuid.uuid4(), role=role) as cursor,
            pytest.raises(InsufficientPrivilege),
        ):
            cursor.execute(statement)

    def test_cannot_switch_the_wall_off(self, database_url: str) -> None:
        """`row_security = off` asks for an error instead of a filtered answer; it shows nothing."""
        with tenant_transaction(database_url, uuid.uuid4()) as cursor:
            cursor.execute("SET LOCAL row_security = off")
            with pytest.raises(InsufficientPrivilege):
                cursor.execute("SELECT FROM customers")

    def test_refuses_a_tenant_that_is_none(self, database_url: str) -> None:
        for tenant in ("1", "' OR true --", json.dumps(None)):
            with tenant_transaction(database_url, tenant) as cursor, pytest.raises(psycopg2.DataError):
                cursor.execute("SELECT FROM customers")


class TestReferences:
    def test_between_tables_of_a_tenant_carry_the_tenant(self) -> None:
        """A foreign key is checked past row-level security: only its own columns keep it within a tenant."""
        for name in TENANT_TABLES:
            for constraint in Base.metadata.tables[name].foreign_key_constraints:
                if constraint.referred_table.name in TENANT_TABLES:
                    assert "tenant_id" in constraint.column_keys
                if constraint.referred_table.name == "tenants":
                    assert list(constraint.column_keys) == ["tenant_id"]
