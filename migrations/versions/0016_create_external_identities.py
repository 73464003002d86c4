"""Create the identities that people have at an OpenID provider, and the sign-ins there that are under way."""

from alembic import op

revision = "0016"
down_revision = "0015"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE external_identities (
            id            uuid        NOT NULL,
            user_id       uuid        NOT NULL,
            issuer        text        NOT NULL,
            subject       text        NOT NULL,
            email         text,
            created_at    timestamptz NOT NULL DEFAULT now(),
            last_login_at timestamptz,
            CONSTRAINT pk__external_identities PRIMARY KEY (id),
            CONSTRAINT uq__external_identities__issuer__subject UNIQUE (issuer, subject),
            CONSTRAINT fk__external_identities__user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
        """
    )
    op.execute("CREATE INDEX ix__external_identities__user_id ON external_identities (user_id)")
    op.execute(
        """
        CREATE TABLE sso_flows (
            digest     text        NOT NULL,
            browser    text        NOT NULL,
            sealed     text        NOT NULL,
            expires_at timestamptz NOT NULL,
            CONSTRAINT pk__sso_flows PRIMARY KEY (digest)
        )
        """
    )
    op.execute("CREATE INDEX ix__sso_flows__expires_at ON sso_flows (expires_at)")
    for table in ("external_identities", "sso_flows"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_identity")


def downgrade() -> None:
    op.execute("DROP TABLE sso_flows")
    op.execute("DROP TABLE external_identities")
