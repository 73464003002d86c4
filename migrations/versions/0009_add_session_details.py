"""Note of each session its kind, when its person last proved who they are, and when it was last used."""

from alembic import op

revision = "0009"
down_revision = "0008"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE login_sessions
            ADD COLUMN kind text NOT NULL DEFAULT 'token',
            ADD COLUMN method text NOT NULL DEFAULT 'password',
            ADD COLUMN authenticated_at timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN last_used_at timestamptz NOT NULL DEFAULT now()
        """
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE login_sessions DROP COLUMN kind, DROP COLUMN method, DROP COLUMN authenticated_at,"
        " DROP COLUMN last_used_at"
    )
