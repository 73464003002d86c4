"""${message}."""

from alembic import op

revision = "${up_revision}"
down_revision = ${'None' if down_revision is None else f'"{down_revision}"'}
# expand adds, data moves rows, contract takes away what the previous release still used.
phase = "expand"
release = "${config.attributes['release']}"
# Optional: waivers, statement_timeout_s, irreversible; see docs/adding-a-migration.md.


def upgrade() -> None:
    op.execute("")


def downgrade() -> None:
    op.execute("")
