"""Find the businesses whose events are behind without looking at all of them."""

from mbs.operations.migration_operations import create_index_concurrently, drop_index_concurrently

revision = "0033"
down_revision = "0032"
phase = "expand"
release = "0.1.0"
waivers = {"prefer-robust-stmts": "create_index_concurrently builds anew what an interrupted run left"}


def upgrade() -> None:
    create_index_concurrently("ix__event_heads__pending", "event_heads", "(tenant_id) WHERE pending")


def downgrade() -> None:
    drop_index_concurrently("ix__event_heads__pending")
