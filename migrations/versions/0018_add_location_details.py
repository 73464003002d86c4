"""Note of each location its address, its tax registration and whether it is in use."""

from alembic import op

revision = "0018"
down_revision = "0017"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE locations
            ADD COLUMN address jsonb,
            ADD COLUMN phone text,
            ADD COLUMN tax_registration text,
            ADD COLUMN status text NOT NULL DEFAULT 'active'
        """
    )


def downgrade() -> None:
    op.execute(
        "ALTER TABLE locations DROP COLUMN address, DROP COLUMN phone, DROP COLUMN tax_registration,"
        " DROP COLUMN status"
    )
