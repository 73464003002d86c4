"""Create the mails about accounts that wait to be sent, and the tokens that such mails carry.

A token is kept as a digest, and what a mail says is sealed: whoever reads the tables can use neither.
"""

from alembic import op

revision = "0014"
down_revision = "0013"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE one_time_tokens (
            id         uuid        NOT NULL,
            user_id    uuid        NOT NULL,
            purpose    text        NOT NULL,
            digest     text        NOT NULL,
            email      text,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            CONSTRAINT pk__one_time_tokens PRIMARY KEY (id),
            CONSTRAINT uq__one_time_tokens__digest UNIQUE (digest),
            -- A newer token of its kind replaces the one before, whoever asks at the same moment.
            CONSTRAINT uq__one_time_tokens__user_id__purpose UNIQUE (user_id, purpose),
            CONSTRAINT fk__one_time_tokens__user_id FOREIGN KEY (user_id) REFERENCES users (id),
            CONSTRAINT ck__one_time_tokens__purpose
                CHECK (purpose IN ('reset_password', 'verify_email', 'change_email'))
        )
        """
    )
    op.execute("CREATE INDEX ix__one_time_tokens__expires_at ON one_time_tokens (expires_at)")
    op.execute(
        """
        CREATE TABLE account_mails (
            id              uuid        NOT NULL,
            tenant_id       uuid,
            template        text        NOT NULL,
            sealed          text,
            status          text        NOT NULL DEFAULT 'queued',
            attempts        bigint      NOT NULL DEFAULT 0,
            next_attempt_at timestamptz NOT NULL DEFAULT now(),
            claimed_until   timestamptz,
            last_error      text,
            created_at      timestamptz NOT NULL DEFAULT now(),
            finished_at     timestamptz,
            CONSTRAINT pk__account_mails PRIMARY KEY (id),
            CONSTRAINT fk__account_mails__tenant_id FOREIGN KEY (tenant_id) REFERENCES tenants (id),
            CONSTRAINT ck__account_mails__status CHECK (status IN ('queued', 'sent', 'suppressed', 'failed'))
        )
        """
    )
    op.execute(
        "CREATE INDEX ix__account_mails__queued ON account_mails (next_attempt_at) WHERE status = 'queued'"
    )
    op.execute("CREATE INDEX ix__account_mails__created_at ON account_mails (created_at)")
    for table in ("one_time_tokens", "account_mails"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_identity")
    # A business puts a mail into the queue (an invitation), and can neither read nor change one.
    op.execute(
        "CREATE POLICY from_a_tenant ON account_mails FOR INSERT TO mbs_tenant"
        " WITH CHECK (tenant_id = (SELECT app_tenant()))"
    )
    op.execute("GRANT INSERT (id, tenant_id, template, sealed) ON account_mails TO mbs_tenant")


def downgrade() -> None:
    op.execute("DROP TABLE account_mails")
    op.execute("DROP TABLE one_time_tokens")
