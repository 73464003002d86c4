"""Which database the schema's commands work on, and connections that leave nothing behind in a pooler."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.pool import NullPool

from mbs.config import Config
from mbs.configuration.postgres import postgres_url
from mbs.operations.embedded_postgres import ensure

CONNECT_TIMEOUT_S = 10
IDLE_TIMEOUT = "60s"


@dataclass(frozen=True, slots=True)
class Target:
    """The database to work on as its owner, and the login that the service uses there."""

    url: str
    login: str | None


def find_target(environ: Mapping[str, str]) -> Target:
    """Read the database group of the configuration; in development and test fall back to the embedded server.

    :raises ConfigError: if that group has a fault; others do not concern the schema.
    :raises EmbeddedPostgresUnavailable: if no database is named and none can be started.
    """
    config = Config.load(environ, groups={"database"})
    login = make_url(config.database_url).username if config.database_url else None
    url = config.migration_database_url or config.database_url or ensure("development").url()
    return Target(url, login)


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
