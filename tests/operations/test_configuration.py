"""`mbs config` and `mbs secrets` as an operator sees them: exit codes, stdout and stderr."""

import argparse
import json
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

from mbs.config import VARIABLES
from mbs.operations import configuration, secrets

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = ["DATABASE_URL", "JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET"]
DATABASE_URL = "DATABASE_URL=postgresql://mbs:canary-password@db.test/mbs?sslmode=verify-full"


def run(module: ModuleType, *words: str) -> int:
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    code: int = module.run(parser.parse_args(words))
    return code


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in VARIABLES:
        for name in variable.names:
            monkeypatch.delenv(name, raising=False)


@pytest.fixture
def env_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Write a sound production environment to a file."""
    run(secrets, "generate")
    path = tmp_path / "production.env"
    path.write_text(
        f"# made by a test\n\n{capsys.readouterr().out}export {DATABASE_URL}\nBASE_URL='https://mbs.test'\n"
    )
    return path


class TestCheck:
    def test_names_all_four_missing_variables_in_one_run(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("APP_ENV", "production")
        assert run(configuration, "check") == 78
        lines = capsys.readouterr().out.splitlines()
        faults = [line.split()[1:3] for line in lines if line.startswith("FAULT")]
        assert faults == [[name, "missing:"] for name in REQUIRED]
        assert "faults: 4" in lines[-1]

    def test_gives_the_same_as_one_object(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("APP_ENV", "production")
        assert run(configuration, "check", "--json") == 78
        captured = capsys.readouterr()
        document = json.loads(captured.out)
        assert list(document) == ["environment", "valid", "degraded", "faults", "warnings", "ignored"]
        assert (document["environment"], document["valid"], document["degraded"]) == (
            "production",
            False,
            True,
        )
        assert [fault["variable"] for fault in document["faults"]] == REQUIRED
        assert {tuple(fault) for fault in document["faults"]} == {
            ("variable", "code", "severity", "message", "runbook")
        }
        assert "FAULT" in captured.err

    def test_finds_a_sound_file_sound_whatever_the_environment_holds(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, env_file: Path
    ) -> None:
        monkeypatch.setenv("APP_ENV", "prod")
        assert run(configuration, "check", "--env-file", str(env_file)) == 0
        assert capsys.readouterr().out == "production: the service would start (faults: 0, warnings: 0)\n"

    def test_tells_what_is_ignored(self, capsys: pytest.CaptureFixture[str], env_file: Path) -> None:
        env_file.write_text(env_file.read_text() + "SKIP_RATE_LIMIT=true\nJWT_ACESS_SECRET=canary\n")
        assert run(configuration, "check", "--json", "--env-file", str(env_file)) == 0
        document = json.loads(capsys.readouterr().out)
        assert [one["code"] for one in document["ignored"]] == ["ignored_in_production"]
        assert [one["code"] for one in document["warnings"]] == ["unknown_variable"]

    def test_prints_no_value(self, capsys: pytest.CaptureFixture[str], env_file: Path) -> None:
        env_file.write_text(env_file.read_text().replace("sslmode=verify-full", "sslmode=canary"))
        assert run(configuration, "check", "--json", "--env-file", str(env_file)) == 78
        captured = capsys.readouterr()
        assert "malformed" in captured.out
        assert "canary" not in captured.out + captured.err

    def test_can_judge_the_secrets_alone(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        for name in REQUIRED[1:]:
            monkeypatch.setenv(name, secrets.generate_secret())
        assert run(configuration, "check", "--only", "secrets") == 0
        assert run(configuration, "check") == 78

    @pytest.mark.parametrize("content", ["canary", "a-b=canary", "=canary", b"\xff\xfe"])
    def test_calls_a_broken_file_wrong_usage(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, content: str | bytes
    ) -> None:
        path = tmp_path / "broken.env"
        path.write_bytes(content if isinstance(content, bytes) else f"PORT=1\n{content}\n".encode())
        assert run(configuration, "check", "--env-file", str(path)) == 2
        error = capsys.readouterr().err
        assert str(path) in error
        assert "canary" not in error

    def test_calls_an_absent_file_wrong_usage(self, tmp_path: Path) -> None:
        assert run(configuration, "check", "--env-file", str(tmp_path / "absent")) == 2


class TestDocs:
    def test_are_current(self) -> None:
        assert run(configuration, "docs", "--check") == 0

    @pytest.mark.parametrize("name", ["docs/configuration.md", "deploy/env.example"])
    @pytest.mark.parametrize("damage", ["changed", "absent"])
    def test_are_told_to_be_stale(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path, name: str, damage: str
    ) -> None:
        assert run(configuration, "docs", "--directory", str(tmp_path)) == 0
        assert run(configuration, "docs", "--check", "--directory", str(tmp_path)) == 0
        if damage == "absent":
            (tmp_path / name).unlink()
        else:
            (tmp_path / name).write_text((tmp_path / name).read_text().replace("LOG_LEVEL", "LOG_VOLUME"))
        assert run(configuration, "docs", "--check", "--directory", str(tmp_path)) == 1
        assert capsys.readouterr().err == f"{name} is out of date: run `mbs config docs` and commit it\n"

    @pytest.mark.parametrize("name", ["docs/configuration.md", "deploy/env.example"])
    def test_list_every_variable(self, name: str) -> None:
        text = (ROOT / name).read_text()
        assert [one.name for one in VARIABLES if one.name not in text] == []

    def test_give_an_example_that_starts_nothing_before_it_is_filled_in(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(configuration, "check", "--json", "--env-file", str(ROOT / "deploy/env.example")) == 78
        document = json.loads(capsys.readouterr().out)
        assert [(one["variable"], one["code"]) for one in document["faults"]] == [
            (name, "empty_value") for name in REQUIRED
        ]

    def test_give_examples_whose_lines_a_shell_can_read(self) -> None:
        script = f"set -eu; set -a; . {ROOT / 'deploy/env.example'}; echo sourced"
        assert subprocess.check_output(["sh", "-c", script], text=True) == "sourced\n"


class TestSecrets:
    def test_are_three_and_different_each_time(self, capsys: pytest.CaptureFixture[str]) -> None:
        made = set()
        for _ in range(2):
            assert run(secrets, "generate", "--format", "json") == 0
            document = json.loads(capsys.readouterr().out)
            assert list(document) == REQUIRED[1:]
            made |= set(document.values())
        assert len(made) == 6

    def test_pass_the_check_a_thousand_times(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for _ in range(1000):
            run(secrets, "generate", "--format", "env")
            for line in capsys.readouterr().out.splitlines():
                monkeypatch.setenv(*line.split("=", 1))
            assert run(configuration, "check", "--only", "secrets") == 0
            capsys.readouterr()

    def test_need_no_quotes_in_a_shell(self, capsys: pytest.CaptureFixture[str]) -> None:
        run(secrets, "generate")
        lines = capsys.readouterr().out
        script = f'set -eu\n{lines}printf "%s" "$JWT_ACCESS_SECRET"'
        heard = subprocess.check_output(["sh", "-c", script], text=True)
        assert f"JWT_ACCESS_SECRET={heard}\n" in lines
        assert len(heard) == 64
