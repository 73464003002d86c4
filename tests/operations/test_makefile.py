"""The Makefile: every target explained, and each one line that calls something which exists."""

import re
import subprocess
from pathlib import Path

import pytest

from mbs.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[2]
RULES = re.findall(
    r"^([a-z-]+):((?: [a-z-]+)*)(?: ## (.+))?\n((?:\t.*\n)*)", (ROOT / "Makefile").read_text(), re.MULTILINE
)
TARGETS = [target for target, _, _, _ in RULES]


def make(*arguments: str) -> str:
    done = subprocess.run(
        ["make", "-C", ROOT, "--no-print-directory", *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout


class TestMakefile:
    def test_lists_every_target_when_none_is_named(self) -> None:
        assert re.findall(r"^  make ([a-z-]+) ", make(), re.MULTILINE) == TARGETS

    @pytest.mark.parametrize(("target", "help_text", "recipe"), [(rule[0], *rule[2:]) for rule in RULES])
    def test_explains_each_target_and_gives_it_one_line(
        self, target: str, help_text: str, recipe: str
    ) -> None:
        assert help_text
        assert recipe.count("\n") == 1

    def test_calls_only_commands_of_mbs_that_exist(self) -> None:
        called = set(re.findall(r"\$\(MBS\) ([a-z-]+)", str(RULES)))
        assert called
        assert called <= COMMANDS.keys()

    def test_calls_only_scripts_that_exist(self) -> None:
        called = set(re.findall(r"\bscripts/[a-z-]+", str(RULES)))
        assert called
        assert all((ROOT / script).stat().st_mode & 0o100 for script in called)

    def test_uses_the_development_database_only_where_nothing_else_is_named(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("APP_ENV", "NODE_ENV", "DATABASE_URL", "MIGRATION_DATABASE_URL"):
            monkeypatch.delenv(name, raising=False)
        assert "APP_ENV := development" in make("-pn", "migrate")
        monkeypatch.setenv("DATABASE_URL", "postgresql://somewhere/else")
        assert "APP_ENV := development" not in make("-pn", "migrate")
