"""The migration files: their chain, the contract each one keeps, their checksums, and the next one."""

import argparse
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import Script, ScriptDirectory
from alembic.util.exc import CommandError

import mbs
from mbs.operations.schema_faults import MigrationFileFault

MIGRATIONS = Path(mbs.__file__).resolve().parent.parent / "migrations"
VERSIONS = MIGRATIONS / "versions"

PHASES = ("expand", "data", "contract")

# Bounds how long one statement may hold its lock, not how long it waits for it.
STATEMENT_TIMEOUT_S = 60

_MINIMUM_REASON = 15


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration file, as the harness needs it."""

    revision: str
    path: Path
    phase: str
    release: str
    sha256: str
    statement_timeout_s: int
    waivers: Mapping[str, str]


def alembic_config(
    versions: Path = VERSIONS, *, output: TextIO | None = None, **attributes: Any
) -> AlembicConfig:
    """Build Alembic's configuration in code.

    :param versions: folder of migration files; its env.py and template are always the project's.
    :param output: where offline SQL goes.
    :param attributes: handed to env.py and the template.
    """
    # Without `quiet` Alembic writes its progress between our lines on stdout.
    quiet = argparse.Namespace(quiet=True)
    config = AlembicConfig(output_buffer=output, attributes=attributes, cmd_opts=quiet)
    for option, value in {
        "script_location": str(MIGRATIONS),
        "version_locations": str(versions),
        "path_separator": "newline",
        "file_template": "%(rev)s_%(slug)s",
        "output_encoding": "utf-8",
    }.items():
        config.set_main_option(option, value.replace("%", "%%"))
    return config


def chain(versions: Path = VERSIONS) -> tuple[Migration, ...]:
    """Read the migration files, oldest first.

    :raises MigrationFileFault: if there is more than one head, or a file breaks the contract that
        docs/adding-a-migration.md describes.
    """
    scripts = ScriptDirectory.from_config(alembic_config(versions))
    try:
        newest_first = list(scripts.walk_revisions())
        heads = scripts.get_heads()
    except (CommandError, SyntaxError) as error:
        raise MigrationFileFault(f"the migration files do not form a chain: {error}") from error
    if len(heads) != 1:
        raise MigrationFileFault(
            f"{len(heads)} heads ({', '.join(sorted(heads))}) in {versions}: two migrations continue one; "
            "renumber the younger and set its down_revision"
        )
    return tuple(_migration(script) for script in reversed(newest_first))


def new_file(message: str, versions: Path = VERSIONS) -> Path:
    """Write the next numbered migration file from the template and make it the head.

    :param message: what it does, verb first: `add booking status`.
    :raises MigrationFileFault: if the message yields no file name, or the chain has a fault.
    """
    slug = re.sub(r"[^a-z0-9]+", "_", message.lower()).strip("_")
    if not slug:
        raise MigrationFileFault(
            "say what the migration does, verb first: mbs migrate new 'add booking status'"
        )
    existing = chain(versions) if any(versions.glob("*.py")) else ()
    revision = f"{int(existing[-1].revision) + 1 if existing else 1:04d}"
    script = command.revision(
        alembic_config(versions, release=mbs.__version__),
        message=message.strip().rstrip(".").capitalize(),
        rev_id=revision,
    )
    if not isinstance(script, Script):
        raise MigrationFileFault("Alembic wrote no file")
    head_file(versions).write_text(f"{revision}\n", encoding="utf-8")
    return Path(script.path)


def head_file(versions: Path = VERSIONS) -> Path:
    """Name the file that holds the head: two branches that both add a migration collide in it at merge."""
    return versions.parent / ".current-head"


def _migration(script: Script) -> Migration:
    module, path = script.module, Path(script.path)
    faults: list[str] = []
    if not re.fullmatch(r"\d{4}", script.revision) or not path.name.startswith(f"{script.revision}_"):
        faults.append("the file is named NNNN_verb_noun.py and NNNN is its revision")
    if getattr(module, "phase", None) not in PHASES:
        faults.append(f"phase is one of {', '.join(PHASES)}")
    if not isinstance(getattr(module, "release", None), str):
        faults.append("release names the version that ships it")
    if not (module.__doc__ or "").strip():
        faults.append("a docstring says what it is for")
    if not callable(getattr(module, "upgrade", None)):
        faults.append("upgrade() is missing")
    irreversible = getattr(module, "irreversible", None)
    if callable(getattr(module, "downgrade", None)) == (irreversible is not None):
        faults.append('either downgrade() or irreversible = "reason"')
    waivers: dict[str, str] = getattr(module, "waivers", {})
    reasons = [*waivers.values(), *([] if irreversible is None else [irreversible])]
    if any(len(reason) < _MINIMUM_REASON for reason in reasons):
        faults.append(f"every waiver and irreversible gives a reason of {_MINIMUM_REASON} characters or more")
    if faults:
        raise MigrationFileFault(f"{path.name}: " + "; ".join(faults))
    return Migration(
        revision=script.revision,
        path=path,
        phase=module.phase,
        release=module.release,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        statement_timeout_s=getattr(module, "statement_timeout_s", STATEMENT_TIMEOUT_S),
        waivers=waivers,
    )
