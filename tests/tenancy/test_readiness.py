"""Readiness refuses to serve when the second wall has a hole (security requirements 9 and 10)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask

from mbs.health.repository import WALL
from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url, run_as_superuser
from tests.factories.callers import Business, Caller, new_business
from tests.tenancy.conftest import PASSWORD, Service
from tests.tenancy.raw_transactions import tenant_transaction

OPEN = "CREATE POLICY open ON {table} TO {role} USING ({condition})"
SHUT = "DROP POLICY open ON {table}"


class Damaged:
    """The service on a database with one tenant, whose walls a test takes down."""

    def __init__(self, cluster: Server, database: str, app: Flask) -> None:
        self.cluster = cluster
        self.database = database
        self.caller = Caller(app)
        self.business: Business = new_business(Caller(app))

    @contextmanager
    def by(self, damage: str, repair: str) -> Iterator[None]:
        run_as_superuser(self.cluster, damage, self.database)
        try:
            yield
        finally:
            run_as_superuser(self.cluster, repair, self.database)

    def check(self) -> tuple[int, dict[str, Any]]:
        response = self.caller.get("/health/ready")
        (check,) = (one for one in response.get_json()["checks"] if one["name"] == "tenant_isolation")
        return response.status_code, check


@pytest.fixture(scope="module")
def damaged(
    cluster: Server,
    noinherit_service: Service,
    migrated: Callable[..., str],
    start: Callable[[str], Flask],
) -> Damaged:
    database = migrated(login="noinherit")
    return Damaged(cluster, database, start(login_url(cluster, database, "noinherit", PASSWORD)))


@pytest.fixture(autouse=True)
def _asked_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mbs.health.service.CACHE_SECONDS", 0.0)


FAULTS = {
    "not forced": (
        "ALTER TABLE customers NO FORCE ROW LEVEL SECURITY",
        "ALTER TABLE customers FORCE ROW LEVEL SECURITY",
        "row-level security is not forced on customers",
    ),
    "disabled": (
        "ALTER TABLE events DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE events ENABLE ROW LEVEL SECURITY",
        "row-level security is not forced on events",
    ),
    "disabled on the tenants": (
        "ALTER TABLE tenants DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE tenants ENABLE ROW LEVEL SECURITY",
        "row-level security is not forced on tenants; rows are visible without a tenant",
    ),
    "disabled on the people": (
        "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        "ALTER TABLE users ENABLE ROW LEVEL SECURITY",
        "row-level security is not forced on users",
    ),
    "a new table without a wall": (
        "CREATE TABLE leads (name text); GRANT SELECT (name) ON leads TO mbs_tenant",
        "DROP TABLE leads",
        "row-level security is not forced on leads",
    ),
    "a materialized copy": (
        "CREATE MATERIALIZED VIEW report AS SELECT name FROM customers; GRANT SELECT ON report TO mbs_tenant",
        "DROP MATERIALIZED VIEW report",
        "row-level security is not forced on report",
    ),
    "an open policy on an empty table": (
        OPEN.format(table="customers", role="mbs_tenant", condition="true"),
        SHUT.format(table="customers"),
        "policy customers.open does not ask for the tenant",
    ),
    "an open policy for everybody": (
        OPEN.format(table="users", role="PUBLIC", condition="status = 'active'"),
        SHUT.format(table="users"),
        "policy users.open does not ask for the tenant",
    ),
    "a policy that lets everything be written": (
        "CREATE POLICY open ON customers FOR INSERT TO mbs_tenant WITH CHECK (true)",
        SHUT.format(table="customers"),
        "policy customers.open does not ask for the tenant",
    ),
    "a policy that asks and does not care": (
        OPEN.format(table="locations", role="mbs_tenant", condition="app_tenant() IS NOT NULL OR true"),
        SHUT.format(table="locations"),
        "rows are visible without a tenant",
    ),
    "a tenant role above the rules": (
        "ALTER ROLE mbs_tenant BYPASSRLS",
        "ALTER ROLE mbs_tenant NOBYPASSRLS",
        "the tenant role is superuser or bypasses row-level security; rows are visible without a tenant",
    ),
    "a tenant role that is superuser": (
        "ALTER ROLE mbs_tenant SUPERUSER",
        "ALTER ROLE mbs_tenant NOSUPERUSER",
        "the tenant role is superuser or bypasses row-level security",
    ),
    "a tenant role that owns a table": (
        "ALTER TABLE customers OWNER TO mbs_tenant",
        "ALTER TABLE customers OWNER TO postgres; GRANT ALL ON customers TO mbs_tenant",
        "the tenant role owns tables",
    ),
    "a tenant role that belongs to the owner": (
        "CREATE ROLE maker; ALTER TABLE locations OWNER TO maker; GRANT maker TO mbs_tenant",
        "ALTER TABLE locations OWNER TO postgres; DROP ROLE maker",
        "the tenant role owns tables",
    ),
    "a tenant role that inherits the identity role": (
        "GRANT mbs_identity TO mbs_tenant",
        "REVOKE mbs_identity FROM mbs_tenant",
        "policy memberships.before_a_tenant does not ask for the tenant",
    ),
    "a login that may not take the role on": (
        "REVOKE mbs_tenant FROM noinherit",
        "GRANT mbs_tenant TO noinherit",
        "could not be examined",
    ),
}


class TestTenantIsolationCheck:
    def test_passes_while_the_wall_stands(self, damaged: Damaged) -> None:
        status, check = damaged.check()
        assert (status, check["status"]) == (200, "ok")

    @pytest.mark.parametrize("fault", FAULTS)
    def test_refuses_and_names(self, damaged: Damaged, fault: str) -> None:
        damage, repair, words = FAULTS[fault]
        with damaged.by(damage, repair):
            status, check = damaged.check()
        assert (status, check["status"]) == (503, "unhealthy")
        assert words in check["message"]

        status, check = damaged.check()
        assert (status, check["status"]) == (200, "ok"), f"the test did not repair: {check}"

    def test_reads_no_whole_table(self, damaged: Damaged) -> None:
        """One tenant has all rows, so the planner expects the first row it meets to answer."""
        fill = (
            "INSERT INTO customers (tenant_id, id, kind, name, name_key, search_key, created_by)"
            " SELECT id, gen_random_uuid(), 'person', 'n', '', '', id FROM tenants, generate_series(1, 9000);"
            " ANALYZE customers"
        )
        wall = WALL.format(rows_without_tenant="EXISTS (SELECT FROM customers)")
        prepare, _, question = wall.partition(";")
        url = damaged.cluster.url(damaged.database)
        with damaged.by(fill, "TRUNCATE customers CASCADE"), tenant_transaction(url, "") as cursor:
            cursor.execute(prepare)
            cursor.execute("EXPLAIN" + question)
            plan = [line for (line,) in cursor.fetchall() if " on customers" in line]
        assert plan
        assert not [line for line in plan if "Seq Scan" in line]
