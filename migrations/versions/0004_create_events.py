"""Create the one table that is audit trail, event feed and outbox, and the head that chains it.

Append-only by grant: no role of the program may update or delete an event.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE event_heads (
            tenant_id uuid   NOT NULL DEFAULT app_tenant(),
            seq       bigint NOT NULL DEFAULT 0,
            prev_hash text   NOT NULL DEFAULT '',
            hash      text   NOT NULL DEFAULT '',
            CONSTRAINT pk__event_heads PRIMARY KEY (tenant_id),
            CONSTRAINT fk__event_heads__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE events (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            seq         bigint      NOT NULL,
            type        text        NOT NULL,
            object_type text        NOT NULL,
            object_id   uuid        NOT NULL,
            actor       jsonb       NOT NULL,
            at          timestamptz NOT NULL,
            data        jsonb,
            data_hash   text        NOT NULL,
            prev_hash   text        NOT NULL,
            hash        text        NOT NULL,
            CONSTRAINT pk__events PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__events__tenant_id__seq UNIQUE (tenant_id, seq),
            CONSTRAINT fk__events__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__events__seq CHECK (seq > 0)
        )
        """
    )
    op.execute("CREATE INDEX ix__events__object ON events (tenant_id, object_id, seq)")
    op.execute("CREATE INDEX ix__events__type ON events (tenant_id, type, seq)")
    for table in ("event_heads", "events"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE ON event_heads TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT ON events TO mbs_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE events")
    op.execute("DROP TABLE event_heads")
