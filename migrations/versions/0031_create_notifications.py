"""Create the messages to customers and teams, and what providers say became of them.

The identity role finds what is due in any business, and whose message a provider speaks of. What a message
says, and to whom, only the business's own role sees.
"""

from alembic import op

revision = "0031"
down_revision = "0030"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE notifications (
            tenant_id           uuid        NOT NULL DEFAULT app_tenant(),
            id                  uuid        NOT NULL,
            -- What makes a second one of the same kind impossible: event, rule, recipient.
            dedupe_key          text        NOT NULL,
            rule                text        NOT NULL,
            audience            text        NOT NULL,
            category            text        NOT NULL,
            channel             text        NOT NULL,
            -- The channels that are tried when this one fails.
            fallback_channels   text[]      NOT NULL DEFAULT '{}',
            fallback_of         uuid,
            customer_id         uuid,
            recipient           text        NOT NULL,
            recipient_digest    text        NOT NULL,
            timezone            text        NOT NULL,
            locale              text        NOT NULL,
            template_version    bigint,
            variables           jsonb       NOT NULL,
            subject             text,
            body                text,
            object_type         text        NOT NULL,
            object_id           uuid        NOT NULL,
            event_id            uuid,
            status              text        NOT NULL DEFAULT 'queued',
            reason              text,
            attempts            bigint      NOT NULL DEFAULT 0,
            due_at              timestamptz NOT NULL DEFAULT now(),
            expires_at          timestamptz,
            provider            text,
            provider_message_id text,
            sent_at             timestamptz,
            delivered_at        timestamptz,
            read_at             timestamptz,
            finished_at         timestamptz,
            version             bigint      NOT NULL DEFAULT 1,
            created_at          timestamptz NOT NULL DEFAULT now(),
            updated_at          timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__notifications PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__notifications__tenant_id__dedupe_key UNIQUE (tenant_id, dedupe_key),
            CONSTRAINT fk__notifications__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__notifications__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT fk__notifications__tenant_id__fallback_of
                FOREIGN KEY (tenant_id, fallback_of) REFERENCES notifications (tenant_id, id)
                ON DELETE CASCADE,
            CONSTRAINT ck__notifications__audience CHECK (audience IN ('customer', 'staff', 'owner', 'test')),
            CONSTRAINT ck__notifications__category CHECK (category IN ('transactional', 'marketing')),
            CONSTRAINT ck__notifications__channel CHECK (channel IN ('email', 'whatsapp')),
            CONSTRAINT ck__notifications__status CHECK (status IN (
                'queued', 'scheduled', 'sending', 'temporary_failure', 'sent', 'delivered', 'read',
                'permanent_failure', 'technical_failure', 'suppressed', 'cancelled', 'expired'))
        )
        """
    )
    op.execute("CREATE INDEX ix__notifications__created_at ON notifications (tenant_id, created_at, id)")
    op.execute(
        "CREATE INDEX ix__notifications__customer_id"
        " ON notifications (tenant_id, customer_id, created_at, id)"
    )
    op.execute("CREATE INDEX ix__notifications__fallback_of ON notifications (tenant_id, fallback_of)")
    # What is still to go out about an object, which its next event may change.
    op.execute(
        "CREATE INDEX ix__notifications__open ON notifications (tenant_id, object_id)"
        " WHERE status IN ('queued', 'scheduled', 'temporary_failure')"
    )
    # Whose turn is next, and what of theirs: only what is due now is `queued`.
    op.execute(
        "CREATE INDEX ix__notifications__queued ON notifications (tenant_id, due_at, id)"
        " WHERE status = 'queued'"
    )
    # What becomes due: a reminder, another attempt, a message whose worker has died.
    op.execute(
        "CREATE INDEX ix__notifications__due ON notifications (due_at)"
        " WHERE status IN ('scheduled', 'temporary_failure', 'sending')"
    )
    op.execute(
        "CREATE INDEX ix__notifications__provider_message_id ON notifications (provider_message_id)"
        " WHERE provider_message_id IS NOT NULL"
    )
    # Some providers name a message by our id, before it is marked as sent.
    op.execute("CREATE INDEX ix__notifications__id ON notifications (id)")
    op.execute("CREATE INDEX ix__notifications__recipient_digest ON notifications (recipient_digest)")
    op.execute(
        """
        CREATE TABLE message_receipts (
            tenant_id       uuid        NOT NULL DEFAULT app_tenant(),
            id              uuid        NOT NULL,
            notification_id uuid        NOT NULL,
            provider        text        NOT NULL,
            -- What the provider calls this report; it may send it again.
            report          text        NOT NULL,
            status          text        NOT NULL,
            detail          text,
            at              timestamptz NOT NULL,
            created_at      timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__message_receipts PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__message_receipts__tenant_id__provider__report UNIQUE (tenant_id, provider, report),
            CONSTRAINT fk__message_receipts__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__message_receipts__tenant_id__notification_id
                FOREIGN KEY (tenant_id, notification_id) REFERENCES notifications (tenant_id, id)
                ON DELETE CASCADE
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__message_receipts__notification_id ON message_receipts (tenant_id, notification_id)"
    )
    for table in ("notifications", "message_receipts"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON notifications TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT ON message_receipts TO mbs_tenant")
    op.execute(
        "CREATE POLICY before_a_tenant ON notifications TO mbs_identity USING (true) WITH CHECK (true)"
    )
    op.execute(
        "GRANT SELECT (tenant_id, id, channel, status, due_at, created_at, recipient_digest, provider,"
        " provider_message_id), UPDATE (status, due_at) ON notifications TO mbs_identity"
    )


def downgrade() -> None:
    op.execute("DROP TABLE message_receipts")
    op.execute("DROP TABLE notifications")
