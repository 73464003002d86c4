"""The gates of `mbs prepublish`. Each takes the project and raises unless it may be published.

A number is a gate's for good; the missing ones are gates that are not built yet (docs/runbook.md, section 2).
"""

import re
import sys
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from pathlib import Path

from mbs.operations import prepublish_boot
from mbs.operations.prepublish_project import GateFailed, Project

KUBERNETES = "1.33"
LOCKS = ("deploy/requirements.lock", "deploy/requirements-dev.lock")
MBS = (sys.executable, "-m", "mbs")


@dataclass(frozen=True)
class Gate:
    """One gate. An optional one may be skipped without failing the release."""

    id: str
    name: str
    check: Callable[[Project], None]
    optional: bool = False


def check_configuration(project: Project) -> None:
    """Ask whether the service would start with the production variables given."""
    named = ("--env-file", str(project.env_file.resolve())) if project.env_file else ()
    project.run(*MBS, "config", "check", *named, environ=project.environ, timeout=60)


def check_code(project: Project) -> None:
    project.run("make", "check")


def check_tests(project: Project) -> None:
    """Run the tests. A run that finds none exits with 0 in some set-ups, so a passed test must be named."""
    output = project.run("make", "test", timeout=900)
    if not re.search(r"\b[1-9]\d* passed\b", output):
        raise GateFailed("no test ran: `make test` names no passed test")


def check_locks(project: Project) -> None:
    """Every requirement is pinned with a hash, and the lock holds all that setup.cfg asks for."""
    faults = []
    for name in LOCKS:
        path = project.root / name
        if not path.is_file():
            faults.append(f"{name}: missing")
            continue
        entries = re.split(r"\n(?=[\w.-])", path.read_text())
        requirements = [entry for entry in entries if re.match(r"[\w.-]", entry)]
        faults += [
            f"{name}: {entry.split()[0]} is not pinned with a hash"
            for entry in requirements
            if "==" not in entry.splitlines()[0] or "--hash=sha256:" not in entry
        ]
        locked = {normalized(entry) for entry in requirements}
        faults += [f"{name}: lacks {wanted}" for wanted in sorted(declared(project.root) - locked)]
    if faults:
        raise GateFailed("\n".join(faults))


def declared(root: Path) -> set[str]:
    """Read the names of the packages that setup.cfg asks for."""
    settings = ConfigParser()
    settings.read(root / "setup.cfg")
    lines = settings.get("options", "install_requires", fallback="").splitlines()
    return {normalized(line) for line in lines if line.strip()}


def normalized(requirement: str) -> str:
    """Give a requirement's package name in PyPA's normal form."""
    name = re.match(r"[\w.-]+", requirement.strip())
    return re.sub(r"[-_.]+", "-", name[0]).lower() if name else ""


def check_dockerfile(project: Project) -> None:
    project.run(project.tool("hadolint"), "Dockerfile", timeout=60)


def check_manifests(project: Project) -> None:
    """Validate the Kubernetes manifests; without --strict a misspelt field would pass."""
    manifests = sorted((project.root / "deploy" / "k8s").glob("*.yaml"))
    if not manifests:
        raise GateFailed("deploy/k8s holds no manifest")
    validator = project.tool("kubernetes-validate")
    project.run(validator, "--strict", "--quiet", "-k", KUBERNETES, *manifests, timeout=120)


def check_shell(project: Project) -> None:
    """Lint every shell script, found by its first line: the runbook's names have no common suffix."""
    candidates = [path for folder in ("scripts", ".ci") for path in sorted((project.root / folder).glob("*"))]
    scripts = [path for path in candidates if path.is_file() and is_shell(path)]
    if not scripts:
        raise GateFailed("scripts/ holds no shell script; the runbook names scripts/prepublish-check.sh")
    project.run(project.tool("shellcheck"), *scripts, timeout=60)


def is_shell(path: Path) -> bool:
    with path.open("rb") as file:
        return re.match(rb"#!.*\b(ba|da)?sh\b", file.readline()) is not None


def check_docs(project: Project) -> None:
    """The generated documents are what the code would generate now."""
    project.run(*MBS, "config", "docs", "--check", "--directory", project.root, timeout=60)


def check_tree(project: Project) -> None:
    """What is published is what was committed."""
    if changes := project.run("git", "status", "--porcelain", timeout=60).strip():
        raise GateFailed(f"not committed:\n{changes}")


GATES = (
    Gate("G1", "configuration", check_configuration),
    Gate("G2", "code", check_code),
    Gate("G3", "tests", check_tests),
    Gate("G5", "migrations", prepublish_boot.check_migrations),
    Gate("G9", "locks", check_locks),
    Gate("G10", "dockerfile", check_dockerfile),
    Gate("G11", "manifests", check_manifests),
    Gate("G13", "shell", check_shell),
    Gate("G14", "docs", check_docs),
    Gate("G15", "boot", prepublish_boot.check_boot),
    Gate("G16", "tree", check_tree),
)
