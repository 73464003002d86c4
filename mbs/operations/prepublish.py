"""`mbs prepublish`: every gate a release must pass, all of them run, so that one run shows every fault.

The gates themselves are in `prepublish_gates`. A gate prints one line, `PASS|FAIL|SKIP id name seconds`, and
its reason below it. A skipped gate counts as failed unless it is optional (runbook, section 2).
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import mbs
from mbs.operations.prepublish_gates import GATES, Gate
from mbs.operations.prepublish_project import GateFailed, GateSkipped, Project

ROOT = Path(mbs.__file__).resolve().parents[1]
USAGE = 2


@dataclass(frozen=True)
class Result:
    """What one gate said."""

    id: str
    name: str
    status: str
    seconds: float
    detail: str
    optional: bool

    @property
    def passed(self) -> bool:
        return self.status == "PASS" or (self.status == "SKIP" and self.optional)

    @property
    def line(self) -> str:
        optional = " optional" if self.optional else ""
        return f"{self.status} {self.id} {self.name} {self.seconds:.1f}{optional}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    listed = ", ".join(f"{gate.id} {gate.name}" for gate in GATES)
    parser.epilog = f"Gates: {listed}. Exit code 0 if all passed, else 1."
    parser.add_argument(
        "--env-file",
        type=Path,
        metavar="FILE",
        help="the production environment to check, as NAME=value lines (default: this process's environment)",
    )
    parser.add_argument("--only", metavar="GATE,...", help="run these gates alone, by id or name")
    parser.add_argument("--skip", metavar="GATE,...", help="do not run these; they are reported as SKIP")
    parser.add_argument("--json", metavar="FILE", help="also write the results as JSON; - is standard output")


def run(arguments: argparse.Namespace) -> int:
    try:
        only, skip = select(arguments.only), select(arguments.skip)
    except ValueError as error:
        print(f"mbs prepublish: {error}", file=sys.stderr)
        return USAGE
    gates = [gate for gate in GATES if gate in only or not only]
    project = Project(root=ROOT, environ=dict(os.environ), env_file=arguments.env_file)
    results = run_gates(gates, project, skip, sys.stderr if arguments.json == "-" else sys.stdout)
    passed = all(result.passed for result in results)
    if arguments.json:
        document = json.dumps({"passed": passed, "gates": [asdict(result) for result in results]}, indent=2)
        if arguments.json == "-":
            print(document)
        else:
            Path(arguments.json).write_text(document + "\n")
    return 0 if passed else 1


def select(names: str | None) -> list[Gate]:
    """Find gates by a comma list of ids or names.

    :raises ValueError: if there is no such gate: a gate misspelt in --only must not pass by not running.
    """
    known = {key: gate for gate in GATES for key in (gate.id.lower(), gate.name)}
    wanted = [name.strip().lower() for name in (names or "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in known]:
        raise ValueError(f"no gate {', '.join(unknown)}; there are {', '.join(known)}")
    return [known[name] for name in wanted]


def run_gates(gates: Iterable[Gate], project: Project, skip: Sequence[Gate], out: TextIO) -> list[Result]:
    """Run the gates one after another, whatever each says, and print a line for each to `out`."""
    started = time.monotonic()
    results = []
    for gate in gates:
        result = run_gate(gate, project, skipped=gate in skip)
        results.append(result)
        print(result.line, file=out, flush=True)
        for line in result.detail.splitlines():
            print(f"     {line}", file=out, flush=True)
    failed = [result.id for result in results if not result.passed]
    verdict = f"not passed: {', '.join(failed)}" if failed else "all passed"
    print(f"{len(results)} gates in {time.monotonic() - started:.1f} s, {verdict}", file=out, flush=True)
    return results


def run_gate(gate: Gate, project: Project, *, skipped: bool = False) -> Result:
    """Run one gate. Anything it raises is its failure: the gates after it still run."""
    started = time.monotonic()
    status, detail = "PASS", ""
    try:
        if skipped:
            raise GateSkipped("left out by --skip")
        gate.check(project)
    except GateSkipped as reason:
        status, detail = "SKIP", str(reason)
    except GateFailed as reason:
        status, detail = "FAIL", str(reason)
    except Exception as error:  # noqa: BLE001
        status, detail = "FAIL", f"{type(error).__name__}: {error}"
    return Result(
        id=gate.id,
        name=gate.name,
        status=status,
        seconds=round(time.monotonic() - started, 1),
        detail=project.redact(detail),
        optional=gate.optional,
    )
