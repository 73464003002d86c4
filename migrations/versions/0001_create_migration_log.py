"""Create the log of applied migrations.

Readiness reads it to tell a newer but compatible schema from a foreign one; `mbs migrate` reads the checksums
to see that no applied file was edited.
"""

from alembic import op

revision = "0001"
down_revision = None
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE migration_log (
            revision    text        NOT NULL,
            phase       text        NOT NULL,
            sha256      text        NOT NULL,
            release     text        NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
            duration_ms bigint      NOT NULL,
            retries     bigint      NOT NULL,
            actor       text        NOT NULL DEFAULT session_user,
            CONSTRAINT pk__migration_log PRIMARY KEY (revision),
            CONSTRAINT ck__migration_log__phase CHECK (phase IN ('expand', 'data', 'contract')),
            CONSTRAINT ck__migration_log__sha256 CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            CONSTRAINT ck__migration_log__duration_ms CHECK (duration_ms >= 0),
            CONSTRAINT ck__migration_log__retries CHECK (retries >= 0)
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE migration_log")
