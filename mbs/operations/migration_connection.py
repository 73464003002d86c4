"""Connections for the commands that work on the schema; they leave nothing behind in a pooler."""

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.pool import NullPool

from mbs.configuration.postgres import postgres_url

CONNECT_TIMEOUT_S = 10
IDLE_TIMEOUT = "60s"


def migration_engine(url: str) -> Engine:
    """Make an engine without a pool for a URL in libpq's or SQLAlchemy's form."""
    return create_engine(
        postgres_url(url),
        poolclass=NullPool,
        connect_args={"application_name": "mbs-migrate", "connect_timeout": CONNECT_TIMEOUT_S},
    )


def limit(connection: Connection, lock_timeout_ms: int, statement_timeout_s: int) -> None:
    """Give every transaction of this connection its settings; local ones, for a pooler passes others on."""
    settings = text(
        "SELECT set_config('timezone', 'UTC', true), set_config('lock_timeout', :lock, true),"
        " set_config('statement_timeout', :statement, true),"
        " set_config('idle_in_transaction_session_timeout', :idle, true),"
        # Forced row-level security lets an owner's UPDATE touch 0 rows in silence; off, it is refused.
        " set_config('row_security', 'off', true)"
    ).bindparams(lock=f"{lock_timeout_ms}ms", statement=f"{statement_timeout_s}s", idle=IDLE_TIMEOUT)

    @event.listens_for(connection, "begin")
    def set_local(connection: Connection) -> None:
        connection.execute(settings)
