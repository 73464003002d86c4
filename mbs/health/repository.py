"""Questions put to the live database on behalf of a prober, each one message with a deadline of its own."""

from collections.abc import Sequence

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope

MIGRATED = """
SELECT to_regclass('public.alembic_version') IS NOT NULL AND to_regclass('public.migration_log') IS NOT NULL
"""

REVISIONS = """
SELECT (SELECT version_num FROM alembic_version LIMIT 1),
       (SELECT coalesce(array_agg(ARRAY[revision, phase]), '{}') FROM migration_log)
"""

IDENTITY = """
SELECT EXISTS (SELECT FROM users), EXISTS (SELECT FROM memberships), EXISTS (SELECT FROM login_sessions)
"""

# Asked under the tenant role with no tenant set: the second wall, as requests meet it. An index answers
# "no rows" at once; the planner, told of three big tenants, would rather read their whole tables.
WALL = """
SELECT set_config('enable_seqscan', 'off', true);
WITH tables AS (
  SELECT oid, relname, relowner, relrowsecurity, relforcerowsecurity FROM pg_class
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'm', 'f'))
SELECT current_user = 'mbs_tenant',
       role.rolsuper OR role.rolbypassrls,
       EXISTS (SELECT FROM tables WHERE pg_has_role(relowner, 'USAGE')),
       (SELECT coalesce(array_agg(relname::text ORDER BY relname), '{{}}') FROM tables
        WHERE NOT (relrowsecurity AND relforcerowsecurity)
          AND (EXISTS (SELECT FROM pg_attribute WHERE attrelid = tables.oid AND attname = 'tenant_id')
               OR has_any_column_privilege(tables.oid, 'SELECT, INSERT, UPDATE')
               OR has_table_privilege(tables.oid, 'DELETE, TRUNCATE'))),
       (SELECT coalesce(array_agg(relname || '.' || polname ORDER BY relname, polname), '{{}}')
        FROM tables JOIN pg_policy ON polrelid = tables.oid
        WHERE polpermissive
          AND (0::oid = ANY (polroles)
               OR EXISTS (SELECT FROM unnest(polroles) AS named WHERE pg_has_role(named, 'USAGE')))
          AND EXISTS (SELECT FROM (VALUES (polqual), (polwithcheck)) AS rule (tree)
                      WHERE pg_get_expr(tree, polrelid) <> 'false'
                        AND strpos(pg_get_expr(tree, polrelid), 'app_tenant()') = 0)),
       {rows_without_tenant},
       (SELECT rolsuper OR rolbypassrls OR rolcreaterole
               OR EXISTS (SELECT FROM tables WHERE pg_has_role(session_user, relowner, 'MEMBER'))
        FROM pg_roles WHERE rolname = session_user),
       pg_has_role(session_user, 'mbs_tenant', 'USAGE')
FROM pg_roles role WHERE role.rolname = current_user
"""


class Wall:
    """What stands, and what does not, between two tenants."""

    def __init__(self, faults: Sequence[str], warning: str | None) -> None:
        self.faults = tuple(faults)
        self.warning = warning


class HealthRepository:
    def __init__(self, probe: Database, tenant_tables: Sequence[str]) -> None:
        self._probe = probe
        tables = ("tenants", *tenant_tables)
        # The names come from our own models.
        rows = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in tables)  # nosec B608
        self._wall = WALL.format(rows_without_tenant=rows)

    def answers(self, scope: Scope) -> None:
        """Make the database answer.

        :raises Unavailable: if it does not.
        """
        self._probe.statement(Role.IDENTITY, "SELECT 1", {}, scope=scope)

    def writable(self, scope: Scope) -> bool:
        """Tell whether the server accepts changes, which neither a standby nor a demoted primary does."""
        sql = "SELECT current_setting('transaction_read_only') = 'off'"
        writable = bool(self._probe.statement(Role.IDENTITY, sql, {}, scope=scope)[0][0])
        if not writable:
            # The next question goes to whatever the address names by then, not to the demoted server.
            self._probe.dispose()
        return writable

    def revisions(self, scope: Scope) -> tuple[str | None, Sequence[tuple[str, str]]]:
        """Return the applied revision, and (revision, phase) of every migration that was applied."""
        if not self._probe.statement(Role.IDENTITY, MIGRATED, {}, scope=scope)[0][0]:
            return None, []
        version, logged = self._probe.statement(Role.IDENTITY, REVISIONS, {}, scope=scope)[0]
        return version, [(revision, phase) for revision, phase in logged]

    def identity_readable(self, scope: Scope) -> None:
        """Read the tables that signing in needs."""
        self._probe.statement(Role.IDENTITY, IDENTITY, {}, scope=scope)

    def wall(self, scope: Scope) -> Wall:
        """Examine the second wall as the present connection meets it."""
        (in_role, above_rules, owns, unforced, open_policies, seen, privileged_login, inherits) = (
            self._probe.statement(Role.TENANT, self._wall, {}, scope=scope)[0]
        )
        faults = []
        if not in_role:
            faults.append("the tenant role was not taken on")
        if above_rules:
            faults.append("the tenant role is superuser or bypasses row-level security")
        if owns:
            faults.append("the tenant role owns tables")
        faults.extend(f"row-level security is not forced on {table}" for table in unforced)
        faults.extend(f"policy {name} does not ask for the tenant" for name in open_policies)
        if seen:
            faults.append("rows are visible without a tenant")
        warning = None
        if privileged_login:
            warning = "the login is privileged; a plain NOINHERIT login is recommended"
        elif inherits:
            warning = "the login inherits the tenant role; NOINHERIT is recommended"
        return Wall(faults, warning)
