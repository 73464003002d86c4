"""Create customers.

Under row-level security only leakproof operators reach an index, so what is looked up is stored as it
is compared: `name_key` and `email_key` are case-folded by the program, and sort by the "C" collation.
"""

from alembic import op

revision = "0006"
down_revision = "0005"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE customers (
            tenant_id    uuid        NOT NULL DEFAULT app_tenant(),
            id           uuid        NOT NULL,
            kind         text        NOT NULL,
            name         text        NOT NULL,
            name_key     text        NOT NULL COLLATE "C",
            email        text,
            email_key    text COLLATE "C",
            phone        text COLLATE "C",
            search_key   text        NOT NULL COLLATE "C",
            address      jsonb,
            tax_id       text,
            tags         text[]      NOT NULL DEFAULT '{}',
            notes        text,
            status       text        NOT NULL DEFAULT 'active',
            dedupe_email text COLLATE "C",
            dedupe_phone text COLLATE "C",
            created_by   uuid        NOT NULL DEFAULT app_actor(),
            version      bigint      NOT NULL DEFAULT 1,
            created_at   timestamptz NOT NULL DEFAULT now(),
            updated_at   timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__customers PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__customers__tenant_id__dedupe_email UNIQUE (tenant_id, dedupe_email),
            CONSTRAINT uq__customers__tenant_id__dedupe_phone UNIQUE (tenant_id, dedupe_phone),
            CONSTRAINT fk__customers__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__customers__kind CHECK (kind IN ('person', 'business')),
            CONSTRAINT ck__customers__status CHECK (status IN ('active', 'archived')),
            CONSTRAINT ck__customers__name CHECK (name <> '')
        )
        """
    )
    op.execute("CREATE INDEX ix__customers__created_at ON customers (tenant_id, created_at, id)")
    op.execute("CREATE INDEX ix__customers__updated_at ON customers (tenant_id, updated_at, id)")
    op.execute("CREATE INDEX ix__customers__name_key ON customers (tenant_id, name_key, id)")
    op.execute("CREATE INDEX ix__customers__email_key ON customers (tenant_id, email_key)")
    op.execute("CREATE INDEX ix__customers__phone ON customers (tenant_id, phone)")
    op.execute("ALTER TABLE customers ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE customers FORCE ROW LEVEL SECURITY")
    op.execute(
        "CREATE POLICY own_rows ON customers TO mbs_tenant"
        " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO mbs_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE customers")
