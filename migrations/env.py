"""Alembic's entry into the migrations: one transaction per revision, each one logged as it is applied.

Run by `mbs migrate`, which hands over the connection; there is no alembic.ini and no other door.
"""

from alembic import context
from sqlalchemy.engine import Connection

from mbs.operations.migration_log import record


def run_migrations(connection: Connection | None) -> None:
    context.configure(
        connection=connection,
        dialect_name=None if connection else "postgresql",
        # The offline SQL is read by a person and by the linter: values belong in it.
        literal_binds=connection is None,
        transaction_per_migration=True,
        on_version_apply=record,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_migrations(None)
else:
    bind = context.config.attributes["connection"]
    if isinstance(bind, Connection):
        run_migrations(bind)
    else:
        with bind.connect() as connection:
            run_migrations(connection)
