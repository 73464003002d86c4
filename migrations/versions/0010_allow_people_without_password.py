"""Let a person have no password, because they sign in elsewhere."""

from alembic import op

revision = "0010"
down_revision = "0009"
phase = "expand"
release = "0.1.0"
waivers = {"ban-drop-not-null": "the previous release reads a missing hash as no account to sign in to"}


def upgrade() -> None:
    op.execute("ALTER TABLE users ALTER COLUMN password_hash DROP NOT NULL")
    op.execute("ALTER TABLE users ADD COLUMN password_changed_at timestamptz")


def downgrade() -> None:
    # A hash that nothing fits, for those who have none.
    op.execute("UPDATE users SET password_hash = '' WHERE password_hash IS NULL")
    op.execute("ALTER TABLE users DROP COLUMN password_changed_at")
    op.execute("ALTER TABLE users ALTER COLUMN password_hash SET NOT NULL")
