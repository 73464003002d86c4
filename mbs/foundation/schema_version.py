"""What the database's migrations say about this code: current, pending, ahead or unknown.

Needs the standard library only, so that readiness can answer without loading Alembic. The known revisions
are the files of the migrations folder, which the image keeps beside the package.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["current", "pending", "ahead", "unknown", "uninitialised"]

# An older release keeps working on what these phases added; a contract has taken something away from it.
COMPATIBLE_PHASES = frozenset({"expand", "data"})

_FILE_NAME = re.compile(r"(?P<revision>\d{4})_[a-z0-9_]+\.py")


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The database's revision, seen from this code.

    `pending` are revisions this code knows and the database lacks, oldest first; `extra` are revisions the
    database has and this code does not know.
    """

    state: State
    applied: str | None
    pending: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    compatible: bool = True

    @property
    def ready(self) -> bool:
        """Tell whether this code may serve on this schema."""
        return self.state == "current" or (self.state == "ahead" and self.compatible)

    @property
    def summary(self) -> str:
        """Say the state in the words of `/health/ready` (runbook section 4, migration status check)."""
        match self.state:
            case "pending":
                return f"pending:{len(self.pending)}"
            case "ahead":
                return "ahead (compatible)" if self.compatible else "ahead (incompatible)"
            case "unknown":
                return "unknown revision"
            case _:
                return self.state


def known_revisions(directory: Path) -> tuple[str, ...]:
    """List the revision ids of a folder of migration files (`0007_add_booking_status.py`), oldest first.

    :raises FileNotFoundError: if the folder is missing or holds no migration: code without its migrations
        cannot judge any database.
    """
    names = (entry.name for entry in directory.iterdir())
    revisions = sorted(match["revision"] for name in names if (match := _FILE_NAME.fullmatch(name)))
    if not revisions:
        raise FileNotFoundError(f"no migration files in {directory}")
    return tuple(revisions)


def compare(
    known: tuple[str, ...], applied_version: str | None, log_rows: Iterable[tuple[str, str]]
) -> SchemaState:
    """Compare this code's revisions with a database's.

    :param known: revision ids, oldest first.
    :param applied_version: the row of `alembic_version`, None if there is none.
    :param log_rows: `(revision, phase)` of `migration_log`.
    """
    if applied_version is None:
        return SchemaState("uninitialised", None, pending=known, compatible=False)
    phases = dict(log_rows)
    extra = tuple(sorted(phases.keys() - set(known)))
    if applied_version in known and not extra:
        pending = known[known.index(applied_version) + 1 :]
        return SchemaState("pending" if pending else "current", applied_version, pending=pending)
    # Ahead means grown out of our own head. Anything else is another branch, or another product's database.
    if applied_version in extra and known[-1] in phases:
        compatible = all(phases[revision] in COMPATIBLE_PHASES for revision in extra)
        return SchemaState("ahead", applied_version, extra=extra, compatible=compatible)
    return SchemaState("unknown", applied_version, extra=extra or (applied_version,), compatible=False)
