"""The prepublish gates that need a database: migrations for real, and the service started as in production.

Both use an embedded PostgreSQL of their own, each with a database that is dropped afterwards.
"""

import contextlib
import http.client
import importlib.util
import os
import pkgutil
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import psycopg2
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg2 import sql
from sqlalchemy.engine import Connection

import mbs
from mbs.foundation.db import Base
from mbs.operations import embedded_postgres, migrate
from mbs.operations.migration_connection import migration_engine
from mbs.operations.postgres_binaries import EmbeddedPostgresUnavailable
from mbs.operations.prepublish_project import GateFailed, GateSkipped, Project
from mbs.operations.schema_rules import findings

INSTANCE = "prepublish"
LISTEN_SECONDS = 30.0
STOP_SECONDS = 30.0
WORKERS = 2
LOG_LINES = 10
LOG_WIDTH = 400
SECRETS = ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET")


def check_migrations(project: Project) -> None:
    """One head; an empty database reaches it; nothing is left to do; schema, rules and models agree."""
    with scratch_database(project) as url:
        migrate.migrate(url)
        again = migrate.migrate(url)
        with migration_engine(url).connect() as connection:
            broken = [f"{one.rule}  {one.subject}: {one.message}" for one in findings(connection)]
            drift = differences(connection)
    faults = [f"a second run applied {revision} again" for revision in again.applied] + broken + drift
    if faults:
        raise GateFailed("\n".join(faults))


def differences(connection: Connection) -> list[str]:
    """List where the models and the migrated database disagree; tables without a model are not judged."""
    for room in pkgutil.iter_modules(mbs.__path__, "mbs."):
        # By name, so that a room added later is judged too.
        if room.ispkg and importlib.util.find_spec(f"{room.name}.models"):
            importlib.import_module(f"{room.name}.models")
    context = MigrationContext.configure(connection, opts={"include_object": has_model})
    return [describe(difference) for difference in compare_metadata(context, Base.metadata)]


def describe(difference: Any) -> str:
    """Say what Alembic found: `(what, table, ...)`, or a list of such changes to one column."""
    if isinstance(difference, list):
        return "; ".join(describe(change) for change in difference)
    what, *items = difference
    named = [getattr(item, "name", item) for item in items if item is not None and not isinstance(item, dict)]
    return f"model and schema differ: {what} {' '.join(str(name) for name in named)}"


def has_model(_item: object, _name: str | None, kind: str, reflected: bool, counterpart: object) -> bool:
    return not (kind == "table" and reflected and counterpart is None)


def check_boot(project: Project) -> None:
    """Start the service as production does, with two workers, and let `mbs smoke` judge it."""
    with scratch_database(project) as url:
        migrate.migrate(url)
        with served(project, url) as address:
            project.run(sys.executable, "-m", "mbs", "smoke", "--quiet", address, timeout=120)


@contextlib.contextmanager
def scratch_database(project: Project) -> Iterator[str]:
    """Make an empty database and yield a superuser's URL for it; drop it afterwards."""
    try:
        server = embedded_postgres.ensure(INSTANCE)
    except EmbeddedPostgresUnavailable as error:
        raise GateSkipped(str(error)) from error
    name = f"prepublish_{secrets.token_hex(6)}"
    project.hide(server.url())
    try:
        execute(server.url("postgres"), sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            yield server.url(name)
        finally:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            execute(server.url("postgres"), drop)
    finally:
        server.stop()


def execute(url: str, statement: sql.Composed) -> None:
    """Run one statement outside any transaction, as CREATE DATABASE demands."""
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with contextlib.closing(connection), connection.cursor() as cursor:
        cursor.execute(statement)


@contextlib.contextmanager
def served(project: Project, database_url: str) -> Iterator[str]:
    """Run `mbs serve` in production mode and yield its address; afterwards it must stop cleanly on SIGTERM.

    :raises GateFailed: if it does not listen, ends early, or does not stop; with the end of its log.
    """
    environ = project.bare_environ | {name: secrets.token_hex(32) for name in SECRETS}
    for name in SECRETS:
        project.hide(environ[name])
    port = free_port()
    environ |= {
        "APP_ENV": "production",
        "DATABASE_URL": database_url,
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WEB_CONCURRENCY": str(WORKERS),
    }
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "mbs", "serve"],
            cwd=project.root,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            wait_until_it_listens(process, port)
            yield f"http://127.0.0.1:{port}"
            process.send_signal(signal.SIGTERM)
            if code := process.wait(STOP_SECONDS):
                raise GateFailed(f"stopping by SIGTERM ended with exit code {code}")
        except (GateFailed, subprocess.TimeoutExpired) as error:
            log.seek(0)
            raise GateFailed(f"{error}\nlog of the service:\n{complaints(log.read())}") from error
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def complaints(log: str) -> str:
    """Give the log's last errors, cut short; where there is none, its last lines."""
    lines = log.splitlines()
    errors = [line for line in lines if '"level":"error"' in line or not line.startswith("{")]
    return "\n".join(line[:LOG_WIDTH] for line in (errors or lines)[-LOG_LINES:])


def wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int) -> None:
    """Wait for the first answer on /health, whatever it says: judging is the smoke test's."""
    deadline = time.monotonic() + LISTEN_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise GateFailed(f"the service ended with exit code {process.returncode} before it listened")
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            with contextlib.closing(connection):
                connection.request("GET", "/health")
                connection.getresponse()
                return
        time.sleep(0.1)
    raise GateFailed(f"the service did not listen within {LISTEN_SECONDS:.0f} s")


def free_port() -> int:
    """Ask the system for a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
