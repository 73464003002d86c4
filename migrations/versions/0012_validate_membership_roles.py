"""Validate what 0011 demands of memberships, without stopping those who write them."""

from alembic import op

revision = "0012"
down_revision = "0011"
phase = "expand"
release = "0.1.0"


def upgrade() -> None:
    op.execute("ALTER TABLE memberships VALIDATE CONSTRAINT ck__memberships__role")
    # The validation of a foreign key reads both tables as their owner, whom forced security would stop.
    # Nobody else reads them meanwhile: both are locked for as long as it takes to read the memberships.
    for table in ("memberships", "roles"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE memberships VALIDATE CONSTRAINT fk__memberships__tenant_id__role_id")
    for table in ("memberships", "roles"):
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def downgrade() -> None:
    # PostgreSQL cannot take a validation back, so the constraints are made as 0011 leaves them.
    op.execute(
        """
        ALTER TABLE memberships
            DROP CONSTRAINT ck__memberships__role,
            DROP CONSTRAINT fk__memberships__tenant_id__role_id,
            ADD CONSTRAINT ck__memberships__role
                CHECK (role IN ('owner', 'admin', 'manager', 'staff', 'accountant', 'custom')
                       AND (role = 'custom') = (role_id IS NOT NULL)) NOT VALID,
            ADD CONSTRAINT fk__memberships__tenant_id__role_id
                FOREIGN KEY (tenant_id, role_id) REFERENCES roles (tenant_id, id) NOT VALID
        """
    )
