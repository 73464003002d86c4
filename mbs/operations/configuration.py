"""`mbs config`: check the variables of a deployment, and write the documents that list them."""

import argparse
import json
import os
import sys
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from mbs.config import GROUPS, Config, ConfigError
from mbs.configuration.declaration import Fault
from mbs.operations.configuration_documents import DOCUMENTS

ROOT = Path(__file__).resolve().parents[2]
LABELS = {"critical": "FAULT", "warning": "WARNING", "ignored": "IGNORED"}


class EnvFileFault(Exception):
    """The file of variables cannot be read; the message says where and never holds a value."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What `mbs config check` found; `degraded` means that the service would answer only for its health."""

    environment: str
    valid: bool
    degraded: bool
    faults: tuple[Fault, ...]
    warnings: tuple[Fault, ...]
    ignored: tuple[Fault, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="say whether the service would start with these variables",
        description="Say everything that is wrong with the variables, and what to do. No value is ever "
        "printed. Exit codes: 0 sound, 2 wrong usage, 78 a fault that stops the service.",
    )
    check.add_argument("--json", action="store_true", help="one object on stdout, the text on stderr")
    check.add_argument("--only", metavar="GROUP", choices=sorted(GROUPS), help=", ".join(sorted(GROUPS)))
    check.add_argument(
        "--env-file", metavar="FILE", type=Path, help="read NAME=value lines here and not the environment"
    )
    docs = actions.add_parser(
        "docs",
        help="write the documents that list the variables",
        description=f"Write {' and '.join(DOCUMENTS)} from the declared variables.",
    )
    docs.add_argument("--check", action="store_true", help="write nothing; exit with 1 if one is out of date")
    docs.add_argument("--directory", metavar="DIR", type=Path, default=ROOT, help="the checkout")


def run(arguments: argparse.Namespace) -> int:
    if arguments.action == "docs":
        return (
            compare_documents(arguments.directory)
            if arguments.check
            else write_documents(arguments.directory)
        )
    try:
        environ = read_env_file(arguments.env_file) if arguments.env_file else os.environ
    except EnvFileFault as fault:
        print(f"mbs config check: {fault}", file=sys.stderr)
        return 2
    examination = examine(environ, {arguments.only} if arguments.only else None)
    print(describe(examination), file=sys.stderr if arguments.json else sys.stdout)
    if arguments.json:
        print(json.dumps(asdict(examination), indent=2))
    return 0 if examination.valid else os.EX_CONFIG


def examine(environ: Mapping[str, str], groups: Collection[str] | None = None) -> Examination:
    """Load the configuration, and tell what came of it."""
    try:
        config = Config.load(environ, groups=groups)
    except ConfigError as error:
        return Examination(error.environment, False, True, error.faults, error.warnings, error.ignored)
    return Examination(config.environment, True, False, (), config.warnings, config.ignored)


def describe(examination: Examination) -> str:
    """Return one line a fault, the worst first, and a closing line."""
    found = (*examination.faults, *examination.warnings, *examination.ignored)
    width = max((len(fault.variable) for fault in found), default=0)
    lines = [
        f"{LABELS[fault.severity]:<7}  {fault.variable:<{width}}  {fault.code}: {fault.message}"
        for fault in found
    ]
    verdict = (
        "the service would start"
        if examination.valid
        else f"the service would answer only for its health; see {examination.faults[0].runbook}"
    )
    counts = f"faults: {len(examination.faults)}, warnings: {len(examination.warnings)}"
    return "\n".join([*lines, f"{examination.environment}: {verdict} ({counts})"])


def read_env_file(path: Path) -> dict[str, str]:
    """Read NAME=value lines; comments, a leading `export` and quotes around a value are allowed.

    :raises EnvFileFault: if the file cannot be read, or a line is no assignment.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise EnvFileFault(f"cannot read {path} ({type(error).__name__})") from None
    environ = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, separator, value = line.strip().removeprefix("export ").partition("=")
        if not separator or not name.strip().isidentifier():
            raise EnvFileFault(f"line {number} of {path} is not NAME=value")
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
        environ[name.strip()] = value[1:-1] if quoted else value
    return environ


def write_documents(directory: Path) -> int:
    """Write every generated document under `directory`."""
    for name, render in DOCUMENTS.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(), encoding="utf-8")
        print(f"wrote {name}")
    return 0


def compare_documents(directory: Path) -> int:
    """Name the generated documents under `directory` that differ from the declared variables."""
    stale = [name for name, render in DOCUMENTS.items() if _read(directory / name) != render()]
    for name in stale:
        print(f"{name} is out of date: run `mbs config docs` and commit it", file=sys.stderr)
    return 1 if stale else 0


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
