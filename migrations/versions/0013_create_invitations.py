"""Create the invitations to a business. Whoever holds the token is looked up by its digest alone."""

from alembic import op

revision = "0013"
down_revision = "0012"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE invitations (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            email       text        NOT NULL,
            email_key   text        NOT NULL,
            role        text        NOT NULL,
            role_id     uuid,
            digest      text        NOT NULL,
            invited_by  uuid        NOT NULL DEFAULT app_actor(),
            expires_at  timestamptz NOT NULL,
            accepted_at timestamptz,
            accepted_by uuid,
            revoked_at  timestamptz,
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__invitations PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__invitations__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            -- An invitation that is over does not keep its role from being removed.
            CONSTRAINT fk__invitations__tenant_id__role_id
                FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id)
                ON DELETE SET NULL (role_id),
            CONSTRAINT ck__invitations__role
                CHECK (role IN ('owner', 'admin', 'manager', 'staff', 'accountant', 'custom')
                       AND (role = 'custom' OR role_id IS NULL))
        )
        """
    )
    # One open invitation an address: a newer one replaces it.
    op.execute(
        "CREATE UNIQUE INDEX uq__invitations__open ON invitations (tenant_id, email_key)"
        " WHERE accepted_at IS NULL AND revoked_at IS NULL"
    )
    op.execute("CREATE INDEX ix__invitations__digest ON invitations (digest)")
    op.execute("CREATE INDEX ix__invitations__created_at ON invitations (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix__invitations__role_id ON invitations (tenant_id, role_id)")
    op.execute("ALTER TABLE invitations ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE invitations FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON invitations TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("CREATE POLICY before_a_tenant ON invitations TO mbs_identity USING (true) WITH CHECK (true)")
    # The tenant writes a digest and never reads one.
    op.execute(
        "GRANT SELECT (tenant_id, id, email, email_key, role, role_id, invited_by, expires_at, accepted_at,"
        " accepted_by, revoked_at, version, created_at, updated_at) ON invitations TO mbs_tenant"
    )
    op.execute("GRANT INSERT ON invitations TO mbs_tenant")
    op.execute(
        "GRANT UPDATE (role, role_id, digest, expires_at, accepted_at, accepted_by, revoked_at, version,"
        " updated_at) ON invitations TO mbs_tenant"
    )
    op.execute("GRANT SELECT ON invitations TO mbs_identity")
    op.execute("GRANT UPDATE (accepted_at, accepted_by, version, updated_at) ON invitations TO mbs_identity")


def downgrade() -> None:
    op.execute("DROP TABLE invitations")
