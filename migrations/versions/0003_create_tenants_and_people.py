"""Create tenants, the people who belong to them, and their signed-in sessions.

Policies, ENABLE and FORCE stand in the transaction that creates each table: a table is never
reachable without its second wall.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
phase = "expand"
release = "0.1.0"

TABLES = ("login_sessions", "locations", "memberships", "users", "tenants")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE tenants (
            id                   uuid        NOT NULL,
            name                 text        NOT NULL,
            slug                 text        NOT NULL,
            business_type        text        NOT NULL,
            country              text        NOT NULL,
            currency             text        NOT NULL,
            timezone             text        NOT NULL,
            locale               text        NOT NULL,
            status               text        NOT NULL DEFAULT 'active',
            settings             jsonb       NOT NULL DEFAULT '{}',
            settings_version     bigint      NOT NULL DEFAULT 1,
            onboarding_completed boolean     NOT NULL DEFAULT false,
            version              bigint      NOT NULL DEFAULT 1,
            created_at           timestamptz NOT NULL DEFAULT now(),
            updated_at           timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__tenants PRIMARY KEY (id),
            CONSTRAINT uq__tenants__slug UNIQUE (slug),
            CONSTRAINT ck__tenants__status CHECK (status IN ('active', 'suspended', 'closed')),
            CONSTRAINT ck__tenants__country CHECK (country ~ '^[A-Z]{2}$'),
            CONSTRAINT ck__tenants__currency CHECK (currency ~ '^[A-Z]{3}$')
        )
        """
    )
    op.execute(
        """
        CREATE TABLE users (
            id                uuid        NOT NULL,
            email             text        NOT NULL,
            email_key         text        NOT NULL,
            password_hash     text        NOT NULL,
            first_name        text        NOT NULL,
            last_name         text        NOT NULL,
            status            text        NOT NULL DEFAULT 'active',
            email_verified_at timestamptz,
            last_login_at     timestamptz,
            version           bigint      NOT NULL DEFAULT 1,
            created_at        timestamptz NOT NULL DEFAULT now(),
            updated_at        timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__users PRIMARY KEY (id),
            CONSTRAINT uq__users__email_key UNIQUE (email_key),
            CONSTRAINT ck__users__status CHECK (status IN ('active', 'disabled'))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE memberships (
            tenant_id  uuid        NOT NULL DEFAULT app_tenant(),
            id         uuid        NOT NULL,
            user_id    uuid        NOT NULL,
            role       text        NOT NULL,
            status     text        NOT NULL DEFAULT 'active',
            version    bigint      NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__memberships PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__memberships__tenant_id__user_id UNIQUE (tenant_id, user_id),
            CONSTRAINT fk__memberships__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__memberships__user_id FOREIGN KEY (user_id) REFERENCES users (id),
            CONSTRAINT ck__memberships__status CHECK (status IN ('active', 'suspended')),
            CONSTRAINT ck__memberships__role
                CHECK (role IN ('owner', 'admin', 'manager', 'staff', 'accountant'))
        )
        """
    )
    op.execute("CREATE INDEX ix__memberships__user_id ON memberships (user_id)")
    op.execute(
        """
        CREATE TABLE locations (
            tenant_id  uuid        NOT NULL DEFAULT app_tenant(),
            id         uuid        NOT NULL,
            name       text        NOT NULL,
            timezone   text        NOT NULL,
            country    text        NOT NULL,
            is_default boolean     NOT NULL DEFAULT false,
            version    bigint      NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__locations PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__locations__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX uq__locations__default ON locations (tenant_id) WHERE is_default")
    op.execute(
        """
        CREATE TABLE login_sessions (
            id             uuid        NOT NULL,
            user_id        uuid        NOT NULL,
            tenant_id      uuid        NOT NULL,
            seq            bigint      NOT NULL DEFAULT 0,
            rotated_at     timestamptz,
            revoked_at     timestamptz,
            revoked_reason text,
            idle_until     timestamptz NOT NULL,
            absolute_until timestamptz NOT NULL,
            address        text,
            user_agent     text,
            created_at     timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__login_sessions PRIMARY KEY (id),
            CONSTRAINT fk__login_sessions__user_id FOREIGN KEY (user_id) REFERENCES users (id),
            CONSTRAINT fk__login_sessions__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute("CREATE INDEX ix__login_sessions__user_id ON login_sessions (user_id)")
    op.execute("CREATE INDEX ix__login_sessions__absolute_until ON login_sessions (absolute_until)")

    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")

    op.execute(
        "CREATE POLICY own_row ON tenants TO mbs_tenant"
        " USING (id = (SELECT app_tenant())) WITH CHECK (id = (SELECT app_tenant()))"
    )
    for table in ("memberships", "locations"):
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    # A tenant sees the people who are its members, and never their password hashes (column grant below).
    op.execute(
        """
        CREATE POLICY colleagues ON users TO mbs_tenant
        USING (EXISTS (SELECT 1 FROM memberships m
                       WHERE m.tenant_id = (SELECT app_tenant()) AND m.user_id = users.id))
        WITH CHECK (false)
        """
    )
    for table in ("tenants", "users", "memberships", "login_sessions"):
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")

    op.execute("GRANT SELECT ON tenants TO mbs_tenant, mbs_identity")
    op.execute(
        "GRANT UPDATE (name, business_type, country, currency, timezone, locale, settings, settings_version,"
        " onboarding_completed, version, updated_at) ON tenants TO mbs_tenant"
    )
    op.execute("GRANT INSERT ON tenants TO mbs_identity")
    op.execute(
        "GRANT SELECT (id, email, first_name, last_name, status, email_verified_at, last_login_at, version,"
        " created_at, updated_at) ON users TO mbs_tenant"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON users TO mbs_identity")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON memberships TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT ON memberships TO mbs_identity")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON locations TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON login_sessions TO mbs_identity")


def downgrade() -> None:
    op.execute("DROP POLICY colleagues ON users")
    for table in TABLES:
        op.execute(f"DROP TABLE {table}")
