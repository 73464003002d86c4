"""`mbs migrate`: bring the database to this code's schema, once, without stalling traffic (runbook 4)."""

import argparse
import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from psycopg2.errors import InsufficientPrivilege
from sqlalchemy import text
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DBAPIError

from mbs.operations.migration_connection import find_target, limit, migration_engine
from mbs.operations.migration_files import VERSIONS, Migration, alembic_config, chain, new_file
from mbs.operations.migration_lock import migration_lock, with_lock_retries
from mbs.operations.migration_log import Attempt, MigrationStatus, read_status
from mbs.operations.migration_roles import grant_roles
from mbs.operations.schema_faults import GrantRefused, MigrationFailed, MigrationRefused, run_guarded

logger = logging.getLogger("mbs.migration")

OLDEST_POSTGRESQL = 15


@dataclass(frozen=True, slots=True)
class MigrationResult:
    """What a run did: `applied` lists the revisions of this run, oldest first."""

    before: str | None
    after: str
    applied: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """Give the line that deployment scripts read (operations 4.1)."""
        return {"from": self.before, "to": self.after, "applied": len(self.applied)}


def head(versions: Path = VERSIONS) -> str:
    """Name the newest revision of this code."""
    return chain(versions)[-1].revision


def check(url: str, *, versions: Path = VERSIONS) -> MigrationStatus:
    """Compare the database with this code; changes nothing.

    :param url: in libpq's or SQLAlchemy's form.
    """
    migrations = chain(versions)
    with migration_engine(url).connect() as connection:
        return read_status(connection, migrations)


def offline_sql(applied: str | None, versions: Path = VERSIONS, *, to: str = "head") -> str:
    """Write the SQL from revision `applied` (None: an empty database) to another, without a database."""
    migrations = chain(versions)
    output = io.StringIO()
    config = alembic_config(versions, output=output, attempt=Attempt(migrations, 0, time.monotonic()))
    if applied != migrations[-1].revision:
        command.upgrade(config, f"{applied or 'base'}:{to}", sql=True)
    return output.getvalue()


def migrate(
    url: str,
    *,
    login: str | None = None,
    max_wait: float = 600.0,
    report: Callable[[str], None] = logger.debug,
    versions: Path = VERSIONS,
) -> MigrationResult:
    """Bring the database to head, one transaction per revision; safe to call at once from many places.

    :param url: of the owner of the schema, in libpq's or SQLAlchemy's form; direct, not through a pooler.
    :param login: the login the service uses, granted the service's roles; None: the user of `url`.
    :param max_wait: seconds to wait for another migration, and again for a table in use.
    :param report: is told each step, one line a time.
    :param versions: folder of migration files.
    :raises LockNotObtained: if a lock was not to be had within `max_wait`.
    :raises MigrationRefused: if an applied file was edited, the database holds revisions this code cannot
        live with, or an index is left invalid.
    :raises MigrationFailed: if a migration's statement fails.
    :raises GrantRefused: if the schema is at head but the roles could not be granted.
    """
    migrations = chain(versions)
    engine = migration_engine(url)
    with migration_lock(engine, time.monotonic() + max_wait) as assert_locked:
        _refuse_old_server(engine)
        with engine.connect() as connection:
            status = read_status(connection, migrations)
        _refuse_unfit(status)
        pending = [migration for migration in migrations if migration.revision in status.schema.pending]
        for migration in pending:
            assert_locked()
            _apply(engine, migration, migrations, max_wait, report)
        assert_locked()
        _refuse_invalid_indexes(engine)
        with engine.begin() as connection:
            grant_roles(connection, login or str(connection.scalar(text("SELECT session_user"))))
    before = status.schema.applied
    after = pending[-1].revision if pending else before or status.head
    report(f"applied {len(pending)}, schema at {after}")
    return MigrationResult(before, after, tuple(migration.revision for migration in pending))


def _apply(
    engine: Engine,
    migration: Migration,
    migrations: tuple[Migration, ...],
    max_wait: float,
    report: Callable[[str], None],
) -> None:
    started = time.monotonic()

    def attempt(lock_timeout_ms: int, retries: int) -> None:
        with engine.connect() as connection:
            limit(connection, lock_timeout_ms, migration.statement_timeout_s)
            config = alembic_config(
                migration.path.parent, connection=connection, attempt=Attempt(migrations, retries, started)
            )
            command.upgrade(config, migration.revision)

    try:
        retries = with_lock_retries(attempt, started + max_wait, migration.path.name)
    except DBAPIError as error:
        if error.connection_invalidated:
            raise
        reason = f"{migration.path.name}: {str(error.orig).strip()}"
        # The same SQLSTATE says that forced security would hide rows, which is the migration's own fault.
        if isinstance(error.orig, InsufficientPrivilege) and "row-level security" not in reason:
            statement = (error.statement or "").strip()
            raise GrantRefused(
                f"{reason}\nthis user may not do that; let an administrator of the database grant the right,"
                f" or run the statement, and migrate again:\n{statement};"
            ) from error
        raise MigrationFailed(reason) from error
    duration_ms = round((time.monotonic() - started) * 1000)
    logger.info(
        "migration applied",
        extra={"revision": migration.revision, "duration_ms": duration_ms, "retries": retries},
    )
    report(f"{migration.path.stem}  {duration_ms} ms" + (f", {retries} retries" if retries else ""))


def _refuse_old_server(engine: Engine) -> None:
    major = int((engine.dialect.server_version_info or (0,))[0])
    if major < OLDEST_POSTGRESQL:
        raise MigrationRefused(f"this is PostgreSQL {major}; version {OLDEST_POSTGRESQL} or newer is needed")


def _refuse_unfit(status: MigrationStatus) -> None:
    if status.edited:
        raise MigrationRefused(
            f"MS090 edited after release: {', '.join(status.edited)}; restore the file as it was applied and "
            "put the change into a new migration (mbs migrate new)"
        )
    if status.state == "unknown" or (status.state == "ahead" and not status.schema.compatible):
        raise MigrationRefused(
            f"{status.schema.summary}: this code does not have {', '.join(status.schema.extra)}; "
            "deploy the release that brought them, or check the URL"
        )


def _refuse_invalid_indexes(engine: Engine) -> None:
    with engine.connect() as connection:
        names = connection.execute(
            text(
                "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid"
                " WHERE NOT indisvalid AND relnamespace NOT IN"
                " (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%') ORDER BY 1"
            )
        ).scalars()
        invalid = ", ".join(names)
    if invalid:
        raise MigrationRefused(
            f"invalid index: {invalid}; DROP INDEX CONCURRENTLY it and build it again, "
            "see docs/adding-a-migration.md"
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 3 if migrations are pending"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print the SQL of what is pending; change nothing"
    )
    parser.add_argument(
        "--max-wait",
        type=float,
        default=600.0,
        metavar="SECONDS",
        help="how long to wait for another migration, and again for a table in use (default: 600)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout, text on stderr")
    actions = parser.add_subparsers(dest="action", metavar="new")
    new = actions.add_parser("new", help="write the next numbered migration file")
    new.add_argument("message", help="what it does, verb first: 'add booking status'")
    parser.set_defaults(versions=VERSIONS)


def run(arguments: argparse.Namespace) -> int:
    return run_guarded(lambda: _run(arguments), as_json=arguments.json)


def _run(arguments: argparse.Namespace) -> int:
    versions: Path = arguments.versions
    text_output = sys.stderr if arguments.json else sys.stdout
    if arguments.action == "new":
        print(new_file(arguments.message, versions))
        return 0
    target = find_target(os.environ)
    if not (arguments.check or arguments.dry_run):
        result = migrate(
            target.url,
            login=target.login,
            max_wait=arguments.max_wait,
            report=lambda line: print(line, file=text_output),
            versions=versions,
        )
        answer, code = result.as_json(), 0
    else:
        status = check(target.url, versions=versions)
        answer, code = status.as_json(), status.exit_code
        if arguments.check:
            print(status.schema.summary, *status.edited, file=text_output)
        else:
            _refuse_unfit(status)
            answer, code = {**answer, "sql": offline_sql(status.schema.applied, versions)}, 0
            print(answer["sql"], end="", file=text_output)
    if arguments.json:
        print(json.dumps(answer))
    return code
