"""Hold the Dockerfile to its policy, and replay its steps where no container engine is at hand."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword in capitals, and the rest of its logical line."""

    keyword: str
    argument: str


def parse(text: str) -> list[Instruction]:
    """Split a Dockerfile into instructions, joining continued lines and dropping comments."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [
        Instruction(word.upper(), rest.strip())
        for word, rest in (ln.split(None, 1) for ln in joined.splitlines())
    ]


INSTRUCTIONS = parse((ROOT / "Dockerfile").read_text())
STARTS = [index for index, instruction in enumerate(INSTRUCTIONS) if instruction.keyword == "FROM"]
LAST_STAGE = INSTRUCTIONS[STARTS[-1] :]


def arguments(keyword: str, within: list[Instruction] = INSTRUCTIONS) -> list[str]:
    return [instruction.argument for instruction in within if instruction.keyword == keyword]


class TestImage:
    def test_is_built_in_stages(self) -> None:
        assert len(STARTS) >= 2

    def test_stands_on_a_base_pinned_by_digest(self) -> None:
        own = {argument.split()[-1] for argument in arguments("FROM") if " AS " in argument}
        bases = {argument.split()[0] for argument in arguments("FROM")} - own
        assert all(re.search(r"^python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64}$", base) for base in bases)
        assert len(bases) == 1, "both stages must share one interpreter: the environment is copied across"

    def test_runs_as_a_numeric_user(self) -> None:
        assert arguments("USER", LAST_STAGE) == ["10001:10001"]

    def test_starts_without_a_shell(self) -> None:
        assert json.loads(arguments("ENTRYPOINT")[-1]) == ["mbs"]
        assert json.loads(arguments("CMD")[-1]) == ["serve"]

    def test_stops_by_the_signal_that_gunicorn_drains_on(self) -> None:
        assert arguments("STOPSIGNAL") == ["SIGTERM"]

    def test_has_no_download_tool_in_its_last_stage(self) -> None:
        text = " ".join(f"{one.keyword} {one.argument}" for one in LAST_STAGE)
        assert re.findall(r"\b(?:pip3?|curl|wget|apt|apt-get)\b", text) == []

    def test_stands_on_an_interpreter_without_its_installer(self) -> None:
        suffix = f" AS {LAST_STAGE[0].argument}"
        start = next(index for index in STARTS if INSTRUCTIONS[index].argument.endswith(suffix))
        stage = INSTRUCTIONS[start : STARTS[STARTS.index(start) + 1]]
        (removal,) = arguments("RUN", stage)
        assert removal.startswith("rm -rf ")
        assert {"/usr/local/bin/pip*", "/usr/local/lib/python3.11/site-packages/*"} <= set(removal.split())

    def test_never_adds_from_afar(self) -> None:
        assert arguments("ADD") == []

    def test_declares_no_secret(self) -> None:
        declared = arguments("ENV") + arguments("ARG")
        assert [line for line in declared if re.search(r"SECRET|TOKEN|KEY|PASSWORD", line, re.I)] == []

    def test_installs_only_what_the_lock_vouches_for(self) -> None:
        installs = [line for line in arguments("RUN") if "pip install" in line]
        assert any("--require-hashes" in line and "deploy/requirements.lock" in line for line in installs)
        assert all("--require-hashes" in line or "--no-deps" in line for line in installs)

    def test_copies_only_what_the_build_context_holds(self) -> None:
        allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"]
        copied = [
            source
            for argument in arguments("COPY")
            if "--from" not in argument
            for source in argument.split()[:-1]
        ]
        assert sorted(copied) == sorted(allowed)
        assert all((ROOT / source).exists() for source in copied)

    def test_checks_health_by_the_interpreter(self) -> None:
        command = json.loads(arguments("HEALTHCHECK")[-1].partition("CMD ")[2])
        assert command[:2] == ["python", "-c"]
        compile(command[2], "HEALTHCHECK", "exec")
        assert "/health'" in command[2]

    def test_passes_hadolint(self) -> None:
        hadolint = Path(sys.executable).parent / "hadolint"
        finished = subprocess.run(
            [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
        )
        assert finished.returncode == 0, finished.stdout


@pytest.mark.slow
class TestReplay:
    """The build stage's own steps, in a folder instead of an image."""

    @pytest.mark.timeout(600)
    def test_builds_a_program_that_runs_from_anywhere(self, tmp_path: Path) -> None:
        environment, home = tmp_path / "opt" / "mbs", tmp_path / "app"
        home.mkdir()
        for instruction in INSTRUCTIONS[STARTS[-2] : STARTS[-1]]:
            if instruction.keyword == "COPY":
                copy(instruction.argument, home)
            elif instruction.keyword == "RUN":
                for step in instruction.argument.replace("/opt/mbs", str(environment)).split("&&"):
                    program, *rest = shlex.split(step)
                    program = sys.executable if program == "python" else program
                    subprocess.run([program, *rest], cwd=home, check=True, stdout=subprocess.DEVNULL)

        clean = {"PATH": f"{environment / 'bin'}:{os.defpath}", "HOME": str(tmp_path), "PORT": "8080"}
        commands = (
            "mbs --help",
            "mbs serve --print-config",
            "python -c 'from mbs.operations.migrate import head; print(head())'",
            "python -c 'import mbs.app; print(mbs.app.create_app())'",
        )
        for command in commands:
            finished = subprocess.run(
                shlex.split(command), cwd="/", env=clean, capture_output=True, text=True, check=False
            )
            assert finished.returncode == 0, f"{command}: {finished.stdout}{finished.stderr}"
            assert finished.stdout
        assert [path for path in (environment / "bin").iterdir() if path.name.startswith("pip")] == []
        assert (home / "mbs" / "__pycache__").exists(), "its file system is read-only: compile at build"


def copy(argument: str, home: Path) -> None:
    """Do one COPY from the checkout, with `home` as the working directory."""
    *sources, destination = argument.split()
    for source in sources:
        if (ROOT / source).is_dir():
            shutil.copytree(ROOT / source, home / destination, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            (home / destination).mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / source, home / destination)
