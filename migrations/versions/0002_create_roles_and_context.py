"""Create the two roles every statement runs under, and the functions that read a transaction's context.

Roles belong to the whole cluster, so creating one may find it there, or race another database's
migration: both are fine. A downgrade leaves the roles, because other databases may use them.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
phase = "expand"
release = "0.1.0"

CREATE_ROLE = """
DO $$
BEGIN
    CREATE ROLE {role} NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
EXCEPTION WHEN duplicate_object OR unique_violation THEN
    NULL;
END
$$
"""


def upgrade() -> None:
    for role in ("mbs_tenant", "mbs_identity"):
        op.execute(CREATE_ROLE.format(role=role))
        op.execute(f"GRANT USAGE ON SCHEMA public TO {role}")
    # After a transaction the setting is '' and not NULL: without nullif the next use of a pooled
    # connection would raise instead of seeing nothing.
    op.execute(
        """
        CREATE FUNCTION app_tenant() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('app.tenant_id', true), '')::uuid
        """
    )
    op.execute(
        """
        CREATE FUNCTION app_actor() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
        RETURN nullif(current_setting('app.actor_id', true), '')::uuid
        """
    )
    # Readiness compares revisions under the identity role.
    op.execute("GRANT SELECT ON migration_log, alembic_version TO mbs_identity")


def downgrade() -> None:
    op.execute("REVOKE SELECT ON migration_log, alembic_version FROM mbs_identity")
    op.execute("DROP FUNCTION app_actor()")
    op.execute("DROP FUNCTION app_tenant()")
    op.execute("REVOKE USAGE ON SCHEMA public FROM mbs_tenant, mbs_identity")
