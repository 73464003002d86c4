"""Create what decides whether and how a customer is written to: templates, consent, suppression, plans.

Templates and consents are append-only: a message can always be explained by what stood when it was sent.
"""

from alembic import op

revision = "0030"
down_revision = "0029"
phase = "expand"
release = "0.1.0"

TABLES = ("message_templates", "consents", "suppressions", "contact_preferences", "usage_counters")


def upgrade() -> None:
    # The bounds of each plan are data of the program, mbs/tenants/plans.json.
    op.execute("ALTER TABLE tenants ADD COLUMN plan text NOT NULL DEFAULT 'free'")
    op.execute("GRANT UPDATE (plan) ON tenants TO mbs_identity")
    op.execute(
        """
        CREATE TABLE message_templates (
            tenant_id         uuid        NOT NULL DEFAULT app_tenant(),
            id                uuid        NOT NULL,
            key               text        NOT NULL,
            channel           text        NOT NULL,
            locale            text        NOT NULL,
            version           bigint      NOT NULL,
            -- A version without a body takes the business's words away again.
            subject           text,
            body              text,
            content_sid       text,
            content_variables jsonb,
            created_by        uuid        NOT NULL DEFAULT app_actor(),
            created_at        timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__message_templates PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__message_templates__version UNIQUE (tenant_id, key, channel, locale, version),
            CONSTRAINT fk__message_templates__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__message_templates__channel CHECK (channel IN ('email', 'whatsapp'))
        )
        """
    )
    op.execute(
        """
        CREATE TABLE consents (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            customer_id uuid        NOT NULL,
            channel     text        NOT NULL,
            category    text        NOT NULL,
            status      text        NOT NULL,
            source      text        NOT NULL,
            wording     text,
            -- None: they replied STOP or START themselves.
            created_by  uuid        DEFAULT app_actor(),
            created_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__consents PRIMARY KEY (tenant_id, id),
            CONSTRAINT fk__consents__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__consents__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE,
            CONSTRAINT ck__consents__channel CHECK (channel IN ('email', 'whatsapp')),
            CONSTRAINT ck__consents__category CHECK (category IN ('transactional', 'marketing')),
            CONSTRAINT ck__consents__status CHECK (status IN ('granted', 'withdrawn')),
            CONSTRAINT ck__consents__source CHECK (source IN ('staff', 'form', 'import', 'reply', 'provider'))
        )
        """
    )
    op.execute("CREATE INDEX ix__consents__customer_id ON consents (tenant_id, customer_id, created_at, id)")
    op.execute(
        """
        CREATE TABLE suppressions (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            id          uuid        NOT NULL,
            channel     text        NOT NULL,
            address     text        NOT NULL,
            address_key text COLLATE "C" NOT NULL,
            reason      text        NOT NULL,
            created_by  uuid        DEFAULT app_actor(),
            created_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__suppressions PRIMARY KEY (tenant_id, id),
            CONSTRAINT uq__suppressions__tenant_id__channel__address_key
                UNIQUE (tenant_id, channel, address_key),
            CONSTRAINT fk__suppressions__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__suppressions__channel CHECK (channel IN ('email', 'whatsapp')),
            CONSTRAINT ck__suppressions__reason
                CHECK (reason IN ('bounced', 'complained', 'unsubscribed', 'unreachable', 'manual'))
        )
        """
    )
    op.execute("CREATE INDEX ix__suppressions__created_at ON suppressions (tenant_id, created_at, id)")
    op.execute(
        """
        CREATE TABLE contact_preferences (
            tenant_id   uuid        NOT NULL DEFAULT app_tenant(),
            customer_id uuid        NOT NULL,
            timezone    text,
            locale      text,
            version     bigint      NOT NULL DEFAULT 1,
            created_at  timestamptz NOT NULL DEFAULT now(),
            updated_at  timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__contact_preferences PRIMARY KEY (tenant_id, customer_id),
            CONSTRAINT fk__contact_preferences__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT fk__contact_preferences__tenant_id__customer_id
                FOREIGN KEY (tenant_id, customer_id) REFERENCES customers (tenant_id, id) ON DELETE CASCADE
        )
        """
    )
    op.execute(
        """
        CREATE TABLE usage_counters (
            tenant_id uuid   NOT NULL DEFAULT app_tenant(),
            metric    text   NOT NULL,
            month     date   NOT NULL,
            used      bigint NOT NULL DEFAULT 0,
            -- What the last use was granted: an upsert returns nothing of the row before it.
            granted   bigint NOT NULL DEFAULT 0,
            CONSTRAINT pk__usage_counters PRIMARY KEY (tenant_id, metric, month),
            CONSTRAINT fk__usage_counters__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id)
        )
        """
    )
    for table in TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(
            f"CREATE POLICY own_rows ON {table} TO mbs_tenant"
            " USING (tenant_id = (SELECT app_tenant())) WITH CHECK (tenant_id = (SELECT app_tenant()))"
        )
    op.execute("GRANT SELECT, INSERT ON message_templates, consents TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, DELETE ON suppressions TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON contact_preferences TO mbs_tenant")
    op.execute("GRANT SELECT, INSERT, UPDATE ON usage_counters TO mbs_tenant")


def downgrade() -> None:
    for table in reversed(TABLES):
        op.execute(f"DROP TABLE {table}")
    op.execute("ALTER TABLE tenants DROP COLUMN plan")
