"""What a migration needs beyond Alembic's operations: indexes built and dropped beside running traffic."""

from alembic import op
from sqlalchemy import text


def create_index_concurrently(name: str, table: str, definition: str, *, unique: bool = False) -> None:
    """Build an index without blocking writes; a broken one that an interrupted run left is built anew.

    Put it alone into a migration: it commits what came before, so only it may have to run twice. A finished
    index of that name on that table is kept, since a run can end between the index and the log.

    :param definition: what follows the table: `(tenant_id, starts_at) WHERE canceled_at IS NULL`.
    :raises RuntimeError: if the name belongs to another table's index, or the new index is not valid.
    """
    create = f"CREATE {'UNIQUE ' if unique else ''}INDEX CONCURRENTLY {name} ON {table} {definition}"
    with op.get_context().autocommit_block():
        if op.get_context().as_sql:
            op.execute(create)
            return
        # IF NOT EXISTS would take an invalid index for a finished one and leave it so for ever.
        valid = _is_valid(name, table)
        if valid:
            return
        if valid is not None:
            op.execute(f"DROP INDEX CONCURRENTLY {name}")
        op.execute(create)
        if not _is_valid(name, table):
            raise RuntimeError(f"index {name} is not valid; run mbs migrate again")


def drop_index_concurrently(name: str) -> None:
    """Drop an index without blocking reads; put it alone into a migration."""
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")


def _is_valid(name: str, table: str) -> bool | None:
    row = (
        op.get_bind()
        .execute(
            text(
                "SELECT indisvalid, indrelid = to_regclass(:table) FROM pg_index"
                " WHERE indexrelid = to_regclass(:name)"
            ),
            {"name": name, "table": table},
        )
        .one_or_none()
    )
    if row is None:
        return None
    valid, on_table = row
    if not on_table:
        raise RuntimeError(f"the name {name} belongs to an index of another table than {table}")
    return bool(valid)
