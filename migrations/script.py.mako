"""${message}."""

from alembic import op

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}

# expand: the previous release keeps working; data: moves rows; contract: takes away what the previous release used.
phase = "expand"
release = ${repr(config.attributes["release"])}

# Optional, see docs/adding-a-migration.md:
#   waivers = {"ban-drop-column": "why this is safe here"}    rules of the linter that are excused
#   statement_timeout_s = 1800                                for a statement that needs longer than 60 s
#   irreversible = "why"                                      in place of downgrade()


def upgrade() -> None:
    op.execute("")


def downgrade() -> None:
    op.execute("")
