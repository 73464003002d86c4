"""The rules every migrated schema keeps, read from PostgreSQL's catalogue: isolation, roles, scale-out.

Alembic knows nothing of policies, grants and FORCE, so the finished database is what is examined. The rules
on keys and triggers are those of Citus, so that it can distribute the schema by `tenant_id`.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.engine import Connection

TENANT_ROLE, IDENTITY_ROLE = "mbs_tenant", "mbs_identity"

# Tables that belong to no single tenant, and why.
PLATFORM_TABLES = {
    "alembic_version": "the schema's revision",
    "migration_log": "the schema's history",
    "tenants": "a tenant is its own row; one policy per role",
    "users": "a person may belong to several tenants; one policy per role",
    "login_sessions": "read before the tenant is known; identity role only",
    "login_attempts": "counted before anybody is known; identity role only",
    "rate_limits": "counted before anybody is known; identity role only",
    "one_time_tokens": "of a person, not of a business; identity role only",
    "account_mails": "to a person; the tenant role puts mails in and reads none",
    "second_factors": "of a person, not of a business; identity role only",
    "recovery_codes": "of a person, not of a business; identity role only",
    "external_identities": "of a person, not of a business; identity role only",
    "sso_flows": "of somebody not yet known; identity role only",
}

# Read before a tenant is known as well as within one: each role has a policy of its own.
POLICY_PER_ROLE = (
    *("tenants", "memberships", "users", "roles", "invitations", "api_keys"),
    *("document_prints", "event_heads", "event_cursors", "event_failures"),
    *("notifications", "webhook_deliveries"),
)

# The tenant role sees a person through the membership, not by a tenant_id.
POLICY_THROUGH_OTHERS = ("users",)

APPEND_ONLY = ("events", "message_templates", "consents", "message_receipts")

# Triggers as "table.trigger" and functions by name, each with its reason. Citus refuses triggers.
TRIGGERS: dict[str, str] = {
    "bookings.legal_status": "the second guard of the states; the service is the first, so it may be dropped",
    "documents.frozen": "the second guard of what is issued; the service is the first",
    "document_lines.frozen": "the second guard of what is issued; the service is the first",
    "documents.balanced": "asserts sums that the service has written",
    "documents.paid": "asserts sums that the service has written",
    "payments.balanced": "asserts sums that the service has written",
    "payment_allocations.balanced": "asserts sums that the service has written",
    "payment_allocations.paid": "asserts sums that the service has written",
    "refunds.balanced": "asserts sums that the service has written",
}
DEFINER_FUNCTIONS: dict[str, str] = {}

_PARAMETERS = {
    "platform": list(PLATFORM_TABLES),
    "roles": [TENANT_ROLE, IDENTITY_ROLE],
    "tenant_role": TENANT_ROLE,
    "per_role": list(POLICY_PER_ROLE),
    "through_others": list(POLICY_THROUGH_OTHERS),
    "append_only": list(APPEND_ONLY),
    "triggers": list(TRIGGERS),
    "definers": list(DEFINER_FUNCTIONS),
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: the query lists what breaks it."""

    name: str
    message: str
    query: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One violation: `subject` is the table, index, role or function that breaks the rule."""

    rule: str
    subject: str
    message: str


def read_rules() -> tuple[Rule, ...]:
    """Read the rules of schema_rules.sql, whose first part precedes every query."""
    source = (Path(__file__).parent / "schema_rules.sql").read_text(encoding="utf-8")
    views, *parts = re.split(r"^-- rule ([a-z-]+): (.+)$", source, flags=re.MULTILINE)
    return tuple(
        Rule(name, message, views + query)
        for name, message, query in zip(parts[::3], parts[1::3], parts[2::3], strict=True)
    )


def findings(connection: Connection) -> list[Finding]:
    """Examine the database's own schemas; an empty list means that every rule is kept."""
    found = []
    for rule in read_rules():
        statement = text(rule.query)
        wanted = statement.compile().params
        subjects = connection.execute(statement, {name: _PARAMETERS[name] for name in wanted}).scalars()
        found += [Finding(rule.name, str(subject), rule.message) for subject in sorted(subjects)]
    return found
