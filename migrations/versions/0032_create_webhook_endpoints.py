"""Create the addresses at integrators that events are sent to, and what became of each delivery."""

from alembic import op

revision = "0032"
down_revision = "0031"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE webhook_endpoints (
            tenant_id            uuid        NOT NULL DEFAULT app_tenant(),
            id                   uuid        NOT NULL,
            url                  text        NOT NULL,
            description          text,
            event_types          text[]      NOT NULL,
            -- The newest event when the endpoint was made: it gets those behind it.
            events_after         bigint      NOT NULL,
            -- Sealed: whoever reads the table can sign nothing.
            secret               text        NOT NULL,
            previous_secret      text,
            previous_expires_at  timestamptz,
            status               text        NOT NULL DEFAULT 'enabled',
            disabled_reason      text,
            disabled_at          timestamptz,
            -- Since when no delivery has arrived; null while they do.
            failing_since        timestamptz,
            created_by           uuid        NOT NULL DEFAULT app_actor(),
            version              bigint      NOT NULL DEFAULT 1,
            created_at           timestamptz NOT NULL DEFAULT now(),
            updated_at           timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__webhook_endpoints PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__webhook_endpoints__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__webhook_endpoints__status CHECK (status IN ('enabled', 'disabled'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__webhook_endpoints__created_at ON webhook_endpoints (tenant_id, created_at, id)"
    )
    op.execute(
        """
        CREATE TABLE webhook_deliveries (
            tenant_id       uuid        NOT NULL DEFAULT app_tenant(),
            id              uuid        NOT NULL,
            endpoint_id     uuid        NOT NULL,
            -- Null: a test, which tells of no event.
            event_id        uuid,
            event_seq       bigint      NOT NULL,
            event_type      text        NOT NULL,
            object_id       uuid        NOT NULL,
            status          text        NOT NULL DEFAULT 'queued',
            attempts        bigint      NOT NULL DEFAULT 0,
            due_at          timestamptz NOT NULL DEFAULT now(),
            response_status bigint,
            response_body   text,
            duration_ms     bigint,
            last_error      text,
            -- Each attempt: at, responseStatus, durationMs, error.
            history         jsonb       NOT NULL DEFAULT '[]',
            finished_at     timestamptz,
            version         bigint      NOT NULL DEFAULT 1,
            created_at      timestamptz NOT NULL DEFAULT now(),
            updated_at      timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__webhook_deliveries PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__webhook_deliveries__tenant_id__endpoint_id__event_id
                UNIQUE (tenant_id, endpoint_id, event_id),
            CONSTRAINT fk__webhook_deliveries__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__webhook_deliveries__tenant_id__endpoint_id
                FOREIGN KEY (tenant_id, endpoint_id) REFERENCES webhook_endpoints (tenant_id, id)
                ON DELETE CASCADE,
            CONSTRAINT fk__webhook_deliveries__tenant_id__event_id
                FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id),
            CONSTRAINT ck__webhook_deliveries__status
                CHECK (status IN ('queued', 'sending', 'retrying', 'delivered', 'failed', 'cancelled'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__webhook_deliveries__endpoint_id"
        " ON webhook_deliveries (tenant_id, endpoint_id, created_at, id)"
    )
    op.execute("CREATE INDEX ix__webhook_deliveries__event_id ON webhook_deliveries (tenant_id, event_id)")
    # Of each endpoint and object only the oldest open one goes out, so that their order holds.
    op.execute(
        "CREATE INDEX ix__webhook_deliveries__open"
        " ON webhook_deliveries (tenant_id, endpoint_id, object_id, event_seq)"
        " WHERE status IN ('queued', 'sending', 'retrying')"
    )
    op.execute(
        "CREATE INDEX ix__webhook_deliveries__queued"
        " ON webhook_deliveries (tenant_id, endpoint_id, event_seq, id) WHERE status = 'queued'"
    )
    op.execute(
        "CREATE INDEX ix__webhook_deliveries__held"
        " ON webhook_deliveries (tenant_id, endpoint_id, status, object_id)"
        " WHERE status IN ('sending', 'retrying')"
    )
    op.execute(
        "CREATE INDEX ix__webhook_deliveries__due ON webhook_deliveries (due_at)"
        " WHERE status IN ('sending', 'retrying')"
    )
    op.execute("CREATE INDEX ix__webhook_deliveries__finished ON webhook_deliveries (finished_at)")
    for table in ("webhook_endpoints", "webhook_deliveries"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_tenant")
    op.execute(
        "CREATE POLICY before_a_tenant ON webhook_deliveries TO mbs_identity USING (true) WITH CHECK (true)"
    )
    op.execute(
        "GRANT SELECT (tenant_id, id, endpoint_id, object_id, event_seq, status, due_at, created_at,"
        " finished_at), UPDATE (status, due_at) ON webhook_deliveries TO mbs_identity"
    )


def downgrade() -> None:
    op.execute("DROP TABLE webhook_deliveries")
    op.execute("DROP TABLE webhook_endpoints")
