"""Let `mbs worker` follow the events of each business: how far it is, and what it could not handle.

`pending` is set by the UPDATE that each event makes of its head anyway, so following costs a writer nothing.
The follower that has caught up clears it, while the head says that nothing came meanwhile.
"""

from alembic import op

revision = "0029"
down_revision = "0028"
phase = "expand"
release = "0.1.0"

# As in 0020, but for `pending`.
APPEND_EVENT = """
CREATE OR REPLACE FUNCTION append_event(
    business uuid, before text, behind text, event_id uuid, event_type text, about_type text, about_id uuid,
    acting jsonb, happened timestamptz, content jsonb, content_hash text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    head record;
BEGIN
    UPDATE event_heads AS newest
    SET seq = newest.seq + 1, prev_hash = newest.hash,{pending}
        hash = encode(sha256(convert_to(
            before || '"prevHash":"' || newest.hash || '","seq":' || (newest.seq + 1)::text || behind,
            'UTF8')), 'hex')
    WHERE newest.tenant_id = business
    RETURNING newest.seq, newest.prev_hash, newest.hash
    INTO STRICT head;
    INSERT INTO events
        (tenant_id, id, seq, type, object_type, object_id, actor, at, data, data_hash, prev_hash, hash)
    VALUES
        (business, event_id, head.seq, event_type, about_type, about_id, acting, happened, content,
         content_hash, head.prev_hash, head.hash);
END
$$
"""


def upgrade() -> None:
    op.execute("ALTER TABLE event_heads ADD COLUMN pending boolean NOT NULL DEFAULT true")
    op.execute(APPEND_EVENT.format(pending=" pending = true,"))
    op.execute("CREATE POLICY before_a_tenant ON event_heads TO mbs_identity USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT (tenant_id, seq, pending) ON event_heads TO mbs_identity")
    op.execute(
        """
        CREATE TABLE event_cursors (
            tenant_id  uuid        NOT NULL DEFAULT app_tenant(),
            seq        bigint      NOT NULL DEFAULT 0,
            -- Who had his turn longest ago is next, so that no business waits for another's backlog.
            turn_at    timestamptz NOT NULL DEFAULT '-infinity',
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__event_cursors PRIMARY KEY (tenant_id),
            CONSTRAINT fk__event_cursors__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE event_failures (
            tenant_id  uuid        NOT NULL DEFAULT app_tenant(),
            id         uuid        NOT NULL,
            event_id   uuid        NOT NULL,
            follower   text        NOT NULL,
            status     text        NOT NULL DEFAULT 'retrying',
            attempts   bigint      NOT NULL DEFAULT 1,
            due_at     timestamptz NOT NULL DEFAULT now(),
            last_error text        NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            updated_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__event_failures PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__event_failures__tenant_id__follower__event_id
                UNIQUE (tenant_id, follower, event_id),
            CONSTRAINT fk__event_failures__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__event_failures__tenant_id__event_id
                FOREIGN KEY (tenant_id, event_id) REFERENCES events (tenant_id, id),
            CONSTRAINT ck__event_failures__status CHECK (status IN ('retrying', 'dead'))
        )
        """
    )
    op.execute("CREATE INDEX ix__event_failures__event_id ON event_failures (tenant_id, event_id)")
    op.execute("CREATE INDEX ix__event_failures__due ON event_failures (due_at) WHERE status = 'retrying'")
    for table in ("event_cursors", "event_failures"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")
    op.execute("GRANT SELECT, UPDATE ON event_cursors TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, UPDATE (turn_at) ON event_cursors TO mbs_identity")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON event_failures TO mbs_tenant")
    op.execute(
        "GRANT SELECT, UPDATE (status, due_at, attempts, updated_at) ON event_failures TO mbs_identity"
    )


def downgrade() -> None:
    op.execute("DROP TABLE event_failures")
    op.execute("DROP TABLE event_cursors")
    op.execute("REVOKE SELECT (tenant_id, seq, pending) ON event_heads FROM mbs_identity")
    op.execute("DROP POLICY before_a_tenant ON event_heads")
    op.execute(APPEND_EVENT.format(pending=""))
    op.execute("ALTER TABLE event_heads DROP COLUMN pending")
