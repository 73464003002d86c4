"""Follow docs/adding-a-room.md to the letter: a copy of the project gets the room and passes its checks."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "adding-a-room.md"
PROJECT = (
    *("mbs", "migrations", "deploy", "docs", "scripts", "tests", "bench"),
    *("wsgi.py", "setup.cfg", "pyproject.toml", "Makefile"),
)
TESTS = (
    "tests/suppliers",
    *("tests/auth/test_permissions.py", "tests/auth/test_mass_assignment.py"),
    *("tests/contract/test_round_trips.py", "tests/tenancy/test_second_wall.py"),
)
"""Those of the room, and those that the page changes; the whole suite would take its minutes twice."""
SECONDS = 600

Block = tuple[str, str]
"""What to do it to, and what: a file and its text, `sh` and commands, `diff` and a change."""


def blocks(page: str) -> Iterator[Block]:
    """Yield what a page tells to do, in its order."""
    pattern = r"(?:^`(?P<path>\S+)`:\n\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$"
    for match in re.finditer(pattern, page, re.DOTALL | re.MULTILINE):
        yield match["path"] or match["kind"], match["text"]


def change(project: Path, text: str) -> None:
    """Apply a change: its hunks, parted by `@@`, are found by their context, which stands there once."""
    head, *lines = text.splitlines(keepends=True)
    path = project / head.removeprefix("--- ").strip()
    changed = path.read_text()
    for hunk in "".join(lines).split("@@\n"):
        marked = [(line[0], line[1:]) for line in hunk.splitlines(keepends=True)]
        old = "".join(rest for mark, rest in marked if mark in " -")
        new = "".join(rest for mark, rest in marked if mark in " +")
        assert f"\n{changed}".count(f"\n{old}") == 1, f"{path.name} does not hold once:\n{old}"
        changed = f"\n{changed}".replace(f"\n{old}", f"\n{new}")[1:]
    path.write_text(changed)


def write(project: Path, name: str, text: str) -> None:
    """Write a new file, or put the text in the place of what a generated one holds from `upgrade` on."""
    if "*" in name:
        (path,) = project.glob(name)
        text = path.read_text().partition("def upgrade")[0] + text
    else:
        path = project / name
        path.parent.mkdir(exist_ok=True)
    path.write_text(text)


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A copy of the project that uses this one's environment."""
    copy = tmp_path / "mbs"
    copy.mkdir()
    for name in PROJECT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy / name)
    (copy / ".venv").symlink_to(sys.prefix)
    yield copy
    place = "from mbs.operations.embedded_postgres import base_directory; print(base_directory())"
    shutil.rmtree(run(copy, {}, sys.executable, "-c", place).strip())


def run(project: Path, environ: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        command,
        cwd=project,
        env={"PATH": os.environ["PATH"], "HOME": os.environ["HOME"], **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:]
    return done.stdout


@pytest.mark.slow
@pytest.mark.timeout(SECONDS)
class TestTheRoomOfThePage:
    def test_passes_every_check(self, project: Path, server: Server, new_database: Callable[[], str]) -> None:
        binaries = {"TEST_POSTGRES_BINARIES": str(server.programs)}
        database = {"APP_ENV": "test", "DATABASE_URL": server.url(new_database())}
        done = []
        for kind, text in blocks(PAGE.read_text()):
            if kind == "sh":
                for line in text.splitlines():
                    # The environment is the one that runs this; installing it is the bootstrap's test.
                    command = line.replace("make ", "make -o install ", 1)
                    if line == "make test":
                        command += f' ARGS="{" ".join(TESTS)}"'
                    on_database = line in ("make migrate", "make db-check")
                    run(project, database if on_database else binaries, "sh", "-c", command)
                    done.append(line)
            elif kind == "diff":
                change(project, text)
            else:
                write(project, kind, text)

        assert done == [
            'make revision NAME="Create suppliers"',
            ".venv/bin/python -m mbs permissions --output docs/permissions.md",
            *("make check", "make test", "make migrate", "make db-check"),
        ]


class TestChange:
    def test_replaces_what_its_context_names(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("one\ntwo\nthree\nfour\n")

        change(tmp_path, "--- a.py\n one\n+one and a half\n@@\n-three\n+drei\n")

        assert (tmp_path / "a.py").read_text() == "one\none and a half\ntwo\ndrei\nfour\n"

    def test_refuses_a_context_that_is_not_there(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("one\n")

        with pytest.raises(AssertionError, match="does not hold once"):
            change(tmp_path, "--- a.py\n two\n+three\n")
