"""Create what invoices look like (a logo), prints that wait to be made, and exchange rates for reports."""

from alembic import op

revision = "0028"
down_revision = "0027"
phase = "expand"
release = "0.1.0"

TABLES = ("logos", "document_prints", "exchange_rates")


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE logos (
            tenant_id  uuid        NOT NULL DEFAULT app_tenant(),
            image      bytea       NOT NULL,
            width      bigint      NOT NULL,
            height     bigint      NOT NULL,
            version    bigint      NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__logos PRIMARY KEY (tenant_id),
            CONSTRAINT fk__logos__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__logos__image CHECK (octet_length(image) BETWEEN 1 AND 524288)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE document_prints (
            tenant_id     uuid        NOT NULL DEFAULT app_tenant(),
            document_id   uuid        NOT NULL,
            -- Which versions of document, settings and logo are wanted, and which ones the file shows.
            edition       text        NOT NULL,
            status        text        NOT NULL DEFAULT 'queued',
            file          bytea,
            attempts      bigint      NOT NULL DEFAULT 0,
            claimed_until timestamptz,
            last_error    text,
            created_at    timestamptz NOT NULL DEFAULT now(),
            finished_at   timestamptz,
            CONSTRAINT pk__document_prints PRIMARY KEY (tenant_id, document_id),
            CONSTRAINT fk__document_prints__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__document_prints__tenant_id__document_id
                FOREIGN KEY (tenant_id, document_id) REFERENCES documents (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT ck__document_prints__status CHECK (status IN ('queued', 'ready', 'failed')),
            CONSTRAINT ck__document_prints__file CHECK ((status = 'ready') = (file IS NOT NULL))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__document_prints__queued ON document_prints (created_at) WHERE status = 'queued'"
    )
    op.execute(
        """
        CREATE TABLE exchange_rates (
            tenant_id  uuid            NOT NULL DEFAULT app_tenant(),
            id         uuid            NOT NULL,
            base       text            NOT NULL,
            quote      text            NOT NULL,
            rate       numeric(24, 10) NOT NULL,
            valid_from date            NOT NULL,
            source     text,
            created_by uuid            NOT NULL DEFAULT app_actor(),
            version    bigint          NOT NULL DEFAULT 1,
            created_at timestamptz     NOT NULL DEFAULT now(),
            updated_at timestamptz     NOT NULL DEFAULT now(),
            CONSTRAINT pk__exchange_rates PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__exchange_rates__tenant_id__base__quote__valid_from
                UNIQUE (tenant_id, base, quote, valid_from),
            CONSTRAINT fk__exchange_rates__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__exchange_rates__rate CHECK (rate > 0),
            CONSTRAINT ck__exchange_rates__quote CHECK (quote <> base)
        )
        """
    )
    op.execute("CREATE INDEX ix__exchange_rates__valid_from ON exchange_rates (tenant_id, valid_from, id)")
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_tenant")
    # `mbs worker` finds what waits in any business, and makes it as that business.
    op.execute(
        "CREATE POLICY before_a_tenant ON document_prints TO mbs_identity USING (true) WITH CHECK (true)"
    )
    op.execute(
        "GRANT SELECT (tenant_id, document_id, edition, status, attempts, claimed_until, created_at),"
        " UPDATE (attempts, claimed_until) ON document_prints TO mbs_identity"
    )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
