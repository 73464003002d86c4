"""Create the keys with which a business's own programs call the API. The tenant never reads a digest."""

from alembic import op

revision = "0017"
down_revision = "0016"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE api_keys (
            tenant_id         uuid        NOT NULL DEFAULT app_tenant(),
            id                uuid        NOT NULL,
            name              text        NOT NULL,
            prefix            text        NOT NULL,
            digest            text        NOT NULL,
            scopes            text[]      NOT NULL,
            created_by        uuid        NOT NULL DEFAULT app_actor(),
            expires_at        timestamptz,
            last_used_at      timestamptz,
            last_used_address text,
            revoked_at        timestamptz,
            version           bigint      NOT NULL DEFAULT 1,
            created_at        timestamptz NOT NULL DEFAULT now(),
            updated_at        timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__api_keys PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__api_keys__tenant_id__prefix UNIQUE (tenant_id, prefix),
            CONSTRAINT fk__api_keys__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute("CREATE INDEX ix__api_keys__created_at ON api_keys (tenant_id, created_at, id)")
    op.execute("ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE api_keys FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON api_keys TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("CREATE POLICY before_a_tenant ON api_keys TO mbs_identity USING (true) WITH CHECK (true)")
    op.execute(
        "GRANT SELECT (tenant_id, id, name, prefix, scopes, created_by, expires_at, last_used_at,"
        " last_used_address, revoked_at, version, created_at, updated_at) ON api_keys TO mbs_tenant"
    )
    op.execute("GRANT INSERT ON api_keys TO mbs_tenant")
    op.execute("GRANT UPDATE (name, revoked_at, version, updated_at) ON api_keys TO mbs_tenant")
    op.execute("GRANT SELECT ON api_keys TO mbs_identity")
    op.execute("GRANT UPDATE (last_used_at, last_used_address) ON api_keys TO mbs_identity")


def downgrade() -> None:
    op.execute("DROP TABLE api_keys")
