"""Create the roles that a business composes itself, and let a membership name one.

A membership is made by whoever joins: the tenant role may insert one for the acting person alone.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
phase = "expand"
release = "0.1.0"
waivers = {"ban-drop-constraint": "its successor, added in the same transaction, admits all it admitted"}


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE roles (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            name        text        NOT NULL,
            name_key    text        NOT NULL COLLATE "C",
            permissions text[]      NOT NULL,
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__roles PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__roles__tenant_id__name_key UNIQUE (tenant_id, name_key),
            CONSTRAINT fk__roles__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute("ALTER TABLE roles ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE roles FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON roles TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("CREATE POLICY before_a_tenant ON roles TO mbs_identity USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON roles TO mbs_tenant")
    op.execute("GRANT SELECT ON roles TO mbs_identity")

    op.execute("ALTER TABLE memberships ADD COLUMN role_id uuid")
    op.execute("ALTER TABLE memberships DROP CONSTRAINT ck__memberships__role")
    op.execute(
        """
        ALTER TABLE memberships
            ADD CONSTRAINT ck__memberships__role
                CHECK (role IN ('owner', 'admin', 'manager', 'staff', 'accountant', 'custom')
                       AND (role = 'custom') = (role_id IS NOT NULL)) NOT VALID,
            ADD CONSTRAINT fk__memberships__tenant_id__role_id
                FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) NOT VALID
        """
    )
    op.execute(
        "CREATE POLICY only_oneself ON memberships AS RESTRICTIVE FOR INSERT TO mbs_tenant"
        " WITH CHECK (user_id = (SELECT app_actor()))"
    )


def downgrade() -> None:
    op.execute("DROP POLICY only_oneself ON memberships")
    op.execute("UPDATE memberships SET role = 'staff', role_id = NULL WHERE role = 'custom'")
    op.execute(
        """
        ALTER TABLE memberships
            DROP CONSTRAINT fk__memberships__tenant_id__role_id,
            DROP CONSTRAINT ck__memberships__role,
            DROP COLUMN role_id
        """
    )
    op.execute(
        """
        ALTER TABLE memberships ADD CONSTRAINT ck__memberships__role
            CHECK (role IN ('owner', 'admin', 'manager', 'staff', 'accountant'))
        """
    )
    op.execute("DROP TABLE roles")
