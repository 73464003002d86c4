"""What each transaction is told first: role, tenant, actor and time-outs, all local to it."""

from collections.abc import Mapping

from mbs.foundation.scope import Scope

# One function, so that an engine that needs SET LOCAL (Citus) is one change. Verified on PostgreSQL
# 15 and 18: it binds superuser, owner and granted logins, and resets when the transaction ends.
# A temporary table would outlive its transaction and stand before the real one; so they are looked for last.
CONTEXT = (
    "SELECT set_config('role', %(role)s, true), set_config('app.tenant_id', %(tenant)s, true),"
    " set_config('app.actor_id', %(actor)s, true), set_config('app.correlation_id', %(correlation)s, true),"
    " set_config('search_path', 'public, pg_temp', true),"
    " set_config('TimeZone', 'UTC', true), set_config('statement_timeout', %(statement_ms)s, true),"
    " set_config('lock_timeout', %(lock_ms)s, true),"
    " set_config('idle_in_transaction_session_timeout', %(idle_ms)s, true)"
)

READ_ONLY = ", set_config('transaction_read_only', 'on', true)"


def written(role: str, milliseconds: Mapping[str, int]) -> str:
    """Return the context of a role; what `opened` knows stays open, under names no statement's own can have.

    :param milliseconds: the time-outs `statement_ms`, `lock_ms` and `idle_ms`.
    """
    stays = {name: f"%(context.{name})s" for name in ("tenant", "actor", "correlation")}
    constant = {name: f"'{value:d}'" for name, value in milliseconds.items()}
    return CONTEXT % {"role": f"'{role}'", **stays, **constant}


def opened(scope: Scope) -> dict[str, str]:
    """Return what a scope fills in."""
    return {
        "context.tenant": str(scope.tenant_id or ""),
        "context.actor": str(scope.actor_id or ""),
        "context.correlation": scope.correlation_id,
    }
