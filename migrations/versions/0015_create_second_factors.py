"""Create the second factor of a person: a sealed secret, and recovery codes as digests."""

from alembic import op

revision = "0015"
down_revision = "0014"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE second_factors (
            user_id      uuid        NOT NULL,
            sealed       text        NOT NULL,
            confirmed_at timestamptz,
            last_step    bigint      NOT NULL DEFAULT 0,
            created_at   timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT pk__second_factors PRIMARY KEY (user_id),
            CONSTRAINT fk__second_factors__user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE recovery_codes (
            user_id uuid        NOT NULL,
            digest  text        NOT NULL,
            used_at timestamptz,
            CONSTRAINT pk__recovery_codes PRIMARY KEY (user_id, digest),
            CONSTRAINT fk__recovery_codes__user_id FOREIGN KEY (user_id) REFERENCES users (id)
        )
        """
    )
    for table in ("second_factors", "recovery_codes"):
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY before_a_tenant ON {table} TO mbs_identity USING (true) WITH CHECK (true)")
        op.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO mbs_identity")


def downgrade() -> None:
    op.execute("DROP TABLE recovery_codes")
    op.execute("DROP TABLE second_factors")
