"""Questions put to the live database on behalf of a prober, each one message with a deadline of its own."""

from collections.abc import Sequence

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope

REVISIONS = """
SELECT (SELECT version_num FROM alembic_version LIMIT 1),
       (SELECT coalesce(array_agg(ARRAY[revision, phase]), '{}') FROM migration_log)
"""

IDENTITY = """
SELECT EXISTS (SELECT FROM users), EXISTS (SELECT FROM memberships), EXISTS (SELECT FROM login_sessions)
"""

# Asked under the tenant role with no tenant set: the second wall, as requests meet it.
WALL = """
SELECT current_user = 'mbs_tenant',
       role.rolsuper OR role.rolbypassrls,
       EXISTS (SELECT FROM pg_class WHERE relowner = role.oid AND relnamespace = 'public'::regnamespace),
       (SELECT coalesce(array_agg(relname::text), '{{}}') FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND NOT (relrowsecurity AND relforcerowsecurity)
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname = 'tenant_id')),
       {rows_without_tenant},
       (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = session_user),
       pg_has_role(session_user, 'mbs_tenant', 'USAGE')
FROM pg_roles role WHERE role.rolname = current_user
"""

SCOPE = Scope(correlation_id="health")


class Wall:
    """What stands, and what does not, between two tenants."""

    def __init__(self, faults: Sequence[str], warning: str | None) -> None:
        self.faults = tuple(faults)
        self.warning = warning


class HealthRepository:
    def __init__(self, probe: Database, tenant_tables: Sequence[str]) -> None:
        self._probe = probe
        rows = " OR ".join(f"EXISTS (SELECT FROM {table})" for table in ("tenants", *tenant_tables))
        self._wall = WALL.format(rows_without_tenant=rows)

    def answers(self) -> None:
        """Make the database answer.

        :raises Unavailable: if it does not.
        """
        self._probe.statement(Role.IDENTITY, "SELECT 1", {}, scope=SCOPE)

    def revisions(self) -> tuple[str | None, Sequence[tuple[str, str]]]:
        """Return the applied revision, and (revision, phase) of every migration that was applied."""
        version, logged = self._probe.statement(Role.IDENTITY, REVISIONS, {}, scope=SCOPE)[0]
        return version, [(revision, phase) for revision, phase in logged]

    def identity_readable(self) -> None:
        """Read the tables that signing in needs."""
        self._probe.statement(Role.IDENTITY, IDENTITY, {}, scope=SCOPE)

    def wall(self) -> Wall:
        """Examine the second wall as the present connection meets it."""
        (in_role, above_rules, owns, unforced, seen, privileged_login, inherits) = self._probe.statement(
            Role.TENANT, self._wall, {}, scope=SCOPE
        )[0]
        faults = []
        if not in_role:
            faults.append("the tenant role was not taken on")
        if above_rules:
            faults.append("the tenant role is superuser or bypasses row-level security")
        if owns:
            faults.append("the tenant role owns tables")
        faults.extend(f"row-level security is not forced on {table}" for table in unforced)
        if seen:
            faults.append("rows are visible without a tenant")
        warning = None
        if privileged_login:
            warning = "the login is privileged; a plain NOINHERIT login is recommended"
        elif inherits:
            warning = "the login inherits the tenant role; NOINHERIT is recommended"
        return Wall(faults, warning)
