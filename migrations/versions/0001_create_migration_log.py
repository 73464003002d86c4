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
            revision    text        PRIMARY KEY,
            phase       text        NOT NULL CHECK (phase IN ('expand', 'data', 'contract')),
            sha256      text        NOT NULL CHECK (sha256 ~ '^[0-9a-f]{64}$'),
            release     text        NOT NULL,
            applied_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
            duration_ms bigint      NOT NULL CHECK (duration_ms >= 0),
            retries     bigint      NOT NULL CHECK (retries >= 0),
            actor       text        NOT NULL DEFAULT session_user
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE migration_log")
