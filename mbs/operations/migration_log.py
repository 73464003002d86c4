"""The table `migration_log`: what was applied, from which file, and what that says about the database."""

import time
from dataclasses import dataclass
from typing import Any

from alembic.runtime.migration import MigrationContext, MigrationInfo
from sqlalchemy import BigInteger, Column, MetaData, Table, Text, delete, insert, text
from sqlalchemy.engine import Connection

from mbs.foundation.schema_version import SchemaState, compare
from mbs.operations.migration_files import Migration, chain

MIGRATION_LOG = Table(
    "migration_log",
    MetaData(),
    Column("revision", Text, primary_key=True),
    Column("phase", Text),
    Column("sha256", Text),
    Column("release", Text),
    Column("duration_ms", BigInteger),
    Column("retries", BigInteger),
)


@dataclass(slots=True)
class Attempt:
    """One try at one revision, as env.py finds it in Alembic's attributes."""

    migrations: tuple[Migration, ...]
    retries: int
    started: float


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The database as `mbs migrate --check` and readiness see it."""

    schema: SchemaState
    head: str
    edited: tuple[str, ...] = ()

    @property
    def state(self) -> str:
        """Give the state's name: current, pending, ahead, unknown or uninitialised."""
        return self.schema.state

    @property
    def exit_code(self) -> int:
        """Give the exit code of `mbs migrate --check`: 0 serves, 3 pending, 1 does not fit."""
        if self.edited:
            return 1
        return 0 if self.schema.ready else 3 if self.state in {"pending", "uninitialised"} else 1

    def as_json(self) -> dict[str, Any]:
        """Give the object that `mbs migrate --check --json` prints."""
        return {
            "state": self.state,
            "summary": self.schema.summary,
            "from": self.schema.applied,
            "to": self.head,
            "pending": self.schema.pending,
            "extra": self.schema.extra,
            "edited": self.edited,
        }


def record(*, ctx: MigrationContext, step: MigrationInfo, **_: Any) -> None:
    """Log a revision in the transaction that applies it; take the line out when it is taken back.

    Signature: Alembic's `on_version_apply`.
    """
    revision = step.up_revision_id
    if step.is_stamp or revision is None:
        return
    if not step.is_upgrade:
        # The first revision takes the table itself away.
        if step.down_revision_ids:
            ctx.impl._exec(delete(MIGRATION_LOG).where(MIGRATION_LOG.c.revision == revision))
        return
    attributes = ctx.config.attributes if ctx.config else {}
    attempt: Attempt | None = attributes.get("attempt")
    migrations = attempt.migrations if attempt else chain()
    migration = next(one for one in migrations if one.revision == revision)
    ctx.impl._exec(
        insert(MIGRATION_LOG).values(
            revision=revision,
            phase=migration.phase,
            sha256=migration.sha256,
            release=migration.release,
            duration_ms=round((time.monotonic() - attempt.started) * 1000) if attempt else 0,
            retries=attempt.retries if attempt else 0,
        )
    )


def read_status(connection: Connection, migrations: tuple[Migration, ...]) -> MigrationStatus:
    """Compare the migration files with the database's own record of what it has."""
    applied = None
    if _exists(connection, "alembic_version"):
        applied = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    rows: list[tuple[str, str, str]] = []
    if _exists(connection, "migration_log"):
        selected = connection.execute(text("SELECT revision, phase, sha256 FROM migration_log"))
        rows = [(revision, phase, sha256) for revision, phase, sha256 in selected]
    known = tuple(migration.revision for migration in migrations)
    checksums = {revision: sha256 for revision, _, sha256 in rows}
    return MigrationStatus(
        schema=compare(known, applied, [(revision, phase) for revision, phase, _ in rows]),
        head=known[-1],
        edited=tuple(
            migration.path.name
            for migration in migrations
            if checksums.get(migration.revision, migration.sha256) != migration.sha256
        ),
    )


def _exists(connection: Connection, table: str) -> bool:
    return connection.execute(text("SELECT to_regclass(:name)"), {"name": table}).scalar() is not None
