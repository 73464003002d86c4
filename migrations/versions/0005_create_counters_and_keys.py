"""Create the counters of the rate limits and the stored answers of idempotent requests."""

from alembic import op

revision = "0005"
down_revision = "0004"
phase = "expand"
release = "0.1.0"
waivers = {"prefer-bigint-over-smallint": "an HTTP status has three digits"}

# Half of each page stays free, so that the upsert of a counter stays on its page (a HOT update).
COUNTER = """
CREATE {persistence} TABLE {table} (
    key        text          NOT NULL,
    hits       timestamptz[] NOT NULL,
    admitted   boolean       NOT NULL DEFAULT true,
    expires_at timestamptz   NOT NULL,
    CONSTRAINT pk__{table} PRIMARY KEY (key)
) WITH (fillfactor = 50)
"""


def upgrade() -> None:
    # Logins must still be counted after a crash of PostgreSQL, which empties unlogged tables.
    for table, persistence in (("login_attempts", ""), ("rate_limits", "UNLOGGED")):
        op.execute(COUNTER.format(table=table, persistence=persistence))
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_identity")
    op.execute(
        """
        CREATE TABLE idempotency_keys (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            actor_id    uuid        NOT NULL,
            key         text        NOT NULL,
            fingerprint text        NOT NULL,
            status      smallint,
            headers     jsonb,
            body        text,
            expires_at  timestamptz NOT NULL DEFAULT now() + interval '24 hours',
            CONSTRAINT pk__idempotency_keys PRIMARY KEY (tenant_id, actor_id, key),
            CONSTRAINT fk__idempotency_keys__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute("CREATE INDEX ix__idempotency_keys__expires_at ON idempotency_keys (tenant_id, expires_at)")
    op.execute("ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON idempotency_keys TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO mbs_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE idempotency_keys")
    op.execute("DROP TABLE rate_limits")
    op.execute("DROP TABLE login_attempts")
