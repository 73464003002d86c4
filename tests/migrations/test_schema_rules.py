"""The catalogue's rules: the project's schema keeps all of them, and each is broken once to be seen."""

import argparse
import json
from collections.abc import Iterator

import pytest
from sqlalchemy.engine import Connection

from mbs.operations import db_check
from mbs.operations.embedded_postgres import Server
from mbs.operations.migrate import migrate
from mbs.operations.migration_connection import migration_engine
from mbs.operations.schema_rules import findings, read_rules
from tests.migrations.databases import new_database

TABLE = """
    CREATE TABLE invoices (
        tenant_id uuid NOT NULL DEFAULT app_tenant(),
        id uuid NOT NULL,
        customer_id uuid,
        PRIMARY KEY (tenant_id, id),
        FOREIGN KEY (tenant_id) REFERENCES tenants (id),
        CONSTRAINT fk FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id)
            ON DELETE SET NULL (customer_id)
    );
    ALTER TABLE invoices ENABLE ROW LEVEL SECURITY;
    ALTER TABLE invoices FORCE ROW LEVEL SECURITY;
    CREATE POLICY own_rows ON invoices TO mbs_tenant
        USING (tenant_id = app_tenant()) WITH CHECK (tenant_id = app_tenant());
    CREATE INDEX ix ON invoices (customer_id);
    GRANT SELECT, INSERT, UPDATE, DELETE ON invoices TO mbs_tenant;
"""
FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE sql"

# Each: what is done to a sound schema, the rule that it breaks, what the finding names.
BREACHES = [
    ("ALTER TABLE invoices ALTER tenant_id DROP DEFAULT", "tenant-column", "invoices"),
    ("ALTER TABLE invoices ALTER tenant_id SET DEFAULT gen_random_uuid()", "tenant-column", "invoices"),
    ("CREATE TABLE stray (id bigint)", "tenant-column", "stray"),
    ("CREATE SCHEMA side CREATE TABLE stray (id bigint)", "tenant-column", "side.stray"),
    ("ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY", "forced-row-security", "invoices"),
    ("ALTER TABLE users DISABLE ROW LEVEL SECURITY", "forced-row-security", "users"),
    ("GRANT SELECT (sha256) ON migration_log TO mbs_tenant", "platform-table-closed", "migration_log"),
    ("DROP POLICY own_rows ON invoices", "policy-missing", "invoices"),
    ("CREATE POLICY more ON users TO mbs_identity USING (true)", "policy-per-role", "users for mbs_identity"),
    (
        "CREATE POLICY more ON invoices TO mbs_tenant USING (tenant_id = app_tenant())",
        "policy-unchecked",
        "invoices.more",
    ),
    ("CREATE POLICY more ON invoices FOR SELECT USING (true)", "policy-open", "invoices.more"),
    (
        "CREATE POLICY more ON invoices TO mbs_tenant USING (tenant_id = app_tenant()) WITH CHECK (true)",
        "policy-open",
        "invoices.more",
    ),
    (
        "ALTER TABLE invoices DROP CONSTRAINT invoices_pkey, ADD PRIMARY KEY (id, tenant_id)",
        "primary-key",
        "invoices",
    ),
    ("CREATE UNIQUE INDEX uq ON invoices (id)", "unique-index", "uq"),
    ("ALTER TABLE invoices ADD CONSTRAINT ex EXCLUDE USING btree (id WITH =)", "unique-index", "ex"),
    (
        (
            "CREATE UNIQUE INDEX uq ON customers (id); ALTER TABLE invoices ADD CONSTRAINT loose"
            " FOREIGN KEY (customer_id) REFERENCES customers (id)"
        ),
        "foreign-key",
        "loose",
    ),
    (
        (
            "ALTER TABLE invoices ADD CONSTRAINT crossed"
            " FOREIGN KEY (customer_id, tenant_id) REFERENCES customers (tenant_id, id)"
        ),
        "foreign-key",
        "crossed",
    ),
    (
        "ALTER TABLE invoices ADD CONSTRAINT astray FOREIGN KEY (id) REFERENCES tenants (id)",
        "foreign-key-to-tenants",
        "astray",
    ),
    (
        (
            "ALTER TABLE login_sessions ADD CONSTRAINT inward"
            " FOREIGN KEY (tenant_id, user_id) REFERENCES memberships (tenant_id, user_id)"
        ),
        "platform-foreign-key",
        "inward",
    ),
    (
        (
            "ALTER TABLE invoices ADD CONSTRAINT emptying FOREIGN KEY (tenant_id, customer_id)"
            " REFERENCES customers (tenant_id, id) ON DELETE SET NULL"
        ),
        "foreign-key-nulls-tenant",
        "emptying",
    ),
    (
        "CREATE MATERIALIZED VIEW m AS SELECT * FROM invoices; GRANT SELECT ON m TO mbs_tenant",
        "materialized-view",
        "m",
    ),
    ("CREATE VIEW v AS SELECT * FROM invoices", "view-invoker", "v"),
    (f"{FUNCTION} SECURITY DEFINER RETURN 1", "definer-function", "f()"),
    (
        (
            "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';"
            "CREATE TRIGGER tr BEFORE INSERT ON invoices FOR EACH ROW EXECUTE FUNCTION t()"
        ),
        "trigger",
        "invoices.tr",
    ),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'ix'::regclass",
        "invalid-index",
        "ix",
    ),
    ("ALTER ROLE mbs_tenant RENAME TO mbs_other", "role-missing", "mbs_tenant"),
    ("ALTER ROLE mbs_identity BYPASSRLS", "role-privileged", "mbs_identity"),
    ("ALTER ROLE mbs_tenant SUPERUSER", "role-privileged", "mbs_tenant"),
    ("GRANT mbs_identity TO mbs_tenant", "role-privileged", "mbs_tenant"),
    ("GRANT CREATE ON SCHEMA public TO mbs_tenant", "role-privileged", "mbs_tenant"),
    ("ALTER TABLE invoices OWNER TO mbs_tenant", "role-owner", "mbs_tenant"),
    ("GRANT TRUNCATE ON invoices TO mbs_tenant", "role-table-rights", "invoices for mbs_tenant"),
    ("GRANT SELECT ON invoices TO PUBLIC", "public-rights", "invoices"),
    ("GRANT UPDATE (hash) ON events TO mbs_tenant", "append-only", "events for mbs_tenant"),
]

# What looks like a breach and is none.
SOUND = [
    "CREATE VIEW v WITH (security_invoker = true) AS SELECT * FROM invoices; GRANT SELECT ON v TO mbs_tenant",
    "CREATE MATERIALIZED VIEW m AS SELECT 1 AS n",
    f"{FUNCTION} RETURN 1",
    "CREATE UNIQUE INDEX uq ON invoices (customer_id, tenant_id)",
    "CREATE POLICY more ON invoices FOR SELECT TO mbs_tenant USING (tenant_id = app_tenant())",
    "CREATE POLICY more ON invoices AS RESTRICTIVE FOR SELECT USING (id IS NOT NULL)",
    "ALTER TABLE invoices ADD created_by uuid REFERENCES users (id)",
    "CREATE TEMPORARY TABLE scratch (id bigint)",
    "CREATE EXTENSION pg_stat_statements",
]


@pytest.fixture(scope="module")
def migrated(server: Server) -> Iterator[str]:
    with new_database(server) as url:
        migrate(url)
        yield url


@pytest.fixture
def schema(migrated: str) -> Iterator[Connection]:
    """A connection whose changes, those to roles too, are rolled back."""
    with migration_engine(migrated).connect() as connection:
        connection.exec_driver_sql(TABLE)
        yield connection
        connection.rollback()


class TestFindings:
    def test_finds_nothing_in_the_migrated_schema(self, migrated: str) -> None:
        with migration_engine(migrated).connect() as connection:
            assert findings(connection) == []

    @pytest.mark.parametrize("change", SOUND)
    def test_lets_sound_changes_pass(self, schema: Connection, change: str) -> None:
        schema.exec_driver_sql(change)
        assert findings(schema) == []

    @pytest.mark.parametrize(("change", "rule", "subject"), BREACHES, ids=lambda value: value[:60])
    def test_names_the_rule_and_what_breaks_it(
        self, schema: Connection, change: str, rule: str, subject: str
    ) -> None:
        schema.exec_driver_sql(change)
        assert (rule, subject) in [(finding.rule, finding.subject) for finding in findings(schema)]

    def test_is_shown_a_breach_of_every_rule(self) -> None:
        assert {rule for _, rule, _ in BREACHES} == {rule.name for rule in read_rules()}


class TestDbCheckCommand:
    def test_exits_0_on_a_sound_schema_and_1_on_a_breach(
        self, database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("APP_ENV", "test")
        monkeypatch.setenv("DATABASE_URL", database)
        monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)
        parser = argparse.ArgumentParser()
        db_check.add_arguments(parser)
        migrate(database)
        assert db_check.run(parser.parse_args([])) == 0
        with migration_engine(database).begin() as connection:
            connection.exec_driver_sql("CREATE VIEW leaky AS SELECT * FROM customers")
        capsys.readouterr()
        assert db_check.run(parser.parse_args(["--json"])) == 1
        answer = json.loads(capsys.readouterr().out)
        assert [finding["subject"] for finding in answer["findings"]] == ["leaky"]
