"""Break one thing a gate guards, see exactly that gate fail, and see the gates after it still run."""

import argparse
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mbs.operations import prepublish, prepublish_gates
from mbs.operations.prepublish import Result, run_gates
from mbs.operations.prepublish_gates import GATES, Gate
from mbs.operations.prepublish_project import GateFailed, GateSkipped, Project

ROOT = Path(__file__).resolve().parents[2]
CHEAP = ("code", "tests", "locks", "dockerfile", "manifests", "shell", "tree")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A small checkout that passes every cheap gate: the project's own files, with its own make targets."""
    root = tmp_path / "checkout"
    root.mkdir()
    for name in ("Dockerfile", "setup.cfg", "deploy", "scripts", ".ci"):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, root / name)
    (root / "tests").mkdir()
    (root / "tests" / "test_one.py").write_text("def test_one():\n    assert 1 + 1 == 2\n")
    (root / "module.py").write_text('"""A module."""\n')
    python = prepublish_gates.sys.executable
    (root / "Makefile").write_text(
        f"check:\n\t{python} -m ruff check --isolated module.py\n"
        f"test:\n\t{python} -m pytest -q -p no:cacheprovider -c /dev/null --rootdir . tests\n"
    )
    (root / ".gitignore").write_text("__pycache__/\n.ruff_cache/\n")
    for command in ("init -q", "add -A", "-c user.name=t -c user.email=t@t commit -q -m start"):
        subprocess.run(["git", *command.split()], cwd=root, check=True)
    return root


def replace(name: str, old: str, new: str) -> Callable[[Path], None]:
    def mutate(root: Path) -> None:
        text = (root / name).read_text()
        assert old in text, f"{name} no longer holds {old!r}: the mutation would change nothing"
        (root / name).write_text(text.replace(old, new, 1))

    return mutate


def remove(pattern: str) -> Callable[[Path], None]:
    def mutate(root: Path) -> None:
        for path in list(root.glob(pattern)):
            path.unlink()

    return mutate


def append(name: str, text: str) -> Callable[[Path], None]:
    def mutate(root: Path) -> None:
        with (root / name).open("a") as file:
            file.write(text)

    return mutate


MUTATIONS = [
    ("code", "an unused import", append("module.py", "import os\n"), "F401"),
    ("tests", "a failing test", append("tests/test_one.py", "def test_two():\n    assert 0\n"), "1 failed"),
    ("tests", "no tests at all", remove("tests/*.py"), "no tests ran"),
    (
        "tests",
        "no tests and a lenient target",
        lambda root: (remove("tests/*.py")(root), append("Makefile", "\t-true\n")(root)),
        "no test",
    ),
    (
        "locks",
        "a requirement without a hash",
        append("deploy/requirements.lock", "left-pad==1.0\n"),
        "left-pad",
    ),
    (
        "locks",
        "a requirement without a pin",
        replace("deploy/requirements.lock", "flask==", "flask>="),
        "flask>=",
    ),
    (
        "locks",
        "a declared package not locked",
        replace("setup.cfg", "    flask>=", "    lodash\n    flask>="),
        "lodash",
    ),
    ("locks", "a missing lock", remove("deploy/requirements-dev.lock"), "missing"),
    ("dockerfile", "a shell-form entry point", append("Dockerfile", "CMD mbs serve\n"), "DL3025"),
    (
        "manifests",
        "a misspelt probe",
        replace("deploy/k8s/deployment.yaml", "livenessProbe", "livenesProbe"),
        "livenes",
    ),
    (
        "manifests",
        "a wrong type",
        replace("deploy/k8s/deployment.yaml", "replicas: 3", "replicas: many"),
        "many",
    ),
    ("manifests", "no manifests", remove("deploy/k8s/*.yaml"), "no manifest"),
    ("shell", "an unquoted variable", append("scripts/prepublish-check.sh", "rm $1\n"), "SC2086"),
    ("tree", "an uncommitted file", append("stray.txt", "x"), "stray.txt"),
]


def run(root: Path, *names: str) -> tuple[dict[str, Result], str]:
    out = io.StringIO()
    project = Project(root=root, environ=dict(prepublish.os.environ))
    results = run_gates(prepublish.select(",".join(names)), project, [], out)
    return {result.name: result for result in results}, out.getvalue()


class TestCheapGates:
    def test_pass_on_a_clean_checkout(self, checkout: Path) -> None:
        results, output = run(checkout, *CHEAP)
        assert {name: result.status for name, result in results.items()} == dict.fromkeys(CHEAP, "PASS"), (
            output
        )

    @pytest.mark.parametrize(
        ("name", "mutate", "evidence"),
        [
            pytest.param(name, mutate, evidence, id=f"{name}-{what}")
            for name, what, mutate, evidence in MUTATIONS
        ],
    )
    def test_fail_on_what_they_guard(
        self, checkout: Path, name: str, mutate: Callable[[Path], None], evidence: str
    ) -> None:
        mutate(checkout)
        results, output = run(checkout, name)
        assert results[name].status == "FAIL", output
        assert evidence in results[name].detail

    def test_report_two_faults_in_one_run_and_go_on(self, checkout: Path) -> None:
        append("tests/test_one.py", "def test_two():\n    assert 0\n")(checkout)
        append("Dockerfile", "CMD mbs serve\n")(checkout)
        results, output = run(checkout, "tests", "dockerfile", "shell")
        assert [result.status for result in results.values()] == ["FAIL", "FAIL", "PASS"]
        assert "not passed: G3, G10" in output


class TestRunGates:
    project = Project(root=ROOT, environ={})

    def test_prints_status_id_name_and_seconds(self) -> None:
        out = io.StringIO()
        run_gates([Gate("G1", "first", lambda project: None)], self.project, [], out)
        assert out.getvalue().splitlines()[0] == "PASS G1 first 0.0"

    def test_goes_on_after_a_gate_that_breaks(self) -> None:
        def broken(project: Project) -> None:
            raise ZeroDivisionError("never seen before")

        gates = [Gate("G1", "broken", broken), Gate("G2", "sound", lambda project: None)]
        results = run_gates(gates, self.project, [], io.StringIO())
        assert [result.status for result in results] == ["FAIL", "PASS"]
        assert "ZeroDivisionError: never seen before" in results[0].detail

    def test_takes_a_skip_for_a_failure_unless_the_gate_is_optional(self) -> None:
        def lacking(project: Project) -> None:
            raise GateSkipped("no server here")

        gates = [Gate("G1", "needed", lacking), Gate("G2", "extra", lacking, optional=True)]
        results = run_gates(gates, self.project, [], io.StringIO())
        assert [(result.status, result.passed) for result in results] == [("SKIP", False), ("SKIP", True)]

    def test_reports_a_gate_left_out_as_skipped(self) -> None:
        gate = Gate("G1", "first", lambda project: None)
        (result,) = run_gates([gate], self.project, [gate], io.StringIO())
        assert (result.status, result.passed) == ("SKIP", False)


class TestRun:
    def arguments(self, *words: str) -> argparse.Namespace:
        parser = argparse.ArgumentParser()
        prepublish.add_arguments(parser)
        return parser.parse_args(words)

    def test_refuses_a_gate_that_does_not_exist(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert prepublish.run(self.arguments("--only", "G99")) == 2
        assert "no gate g99" in capsys.readouterr().err

    def test_writes_json_and_exits_by_the_outcome(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(project: Project) -> None:
            raise GateFailed("because")

        monkeypatch.setattr(
            prepublish, "GATES", (Gate("G1", "one", refuse), Gate("G2", "two", lambda project: None))
        )
        file = tmp_path / "out.json"
        assert prepublish.run(self.arguments("--json", str(file))) == 1
        document = json.loads(file.read_text())
        assert document["passed"] is False
        assert [(gate["id"], gate["status"]) for gate in document["gates"]] == [
            ("G1", "FAIL"),
            ("G2", "PASS"),
        ]
        assert document["gates"][0]["detail"] == "because"
        assert prepublish.run(self.arguments("--only", "two")) == 0

    def test_knows_every_gate_by_a_number_and_a_name_of_its_own(self) -> None:
        assert len({gate.id for gate in GATES} | {gate.name for gate in GATES}) == 2 * len(GATES)


class TestScript:
    def test_is_the_make_target_by_the_runbooks_name(self, tmp_path: Path) -> None:
        make = tmp_path / "make"
        make.write_text('#!/bin/sh\npwd\nprintf "%s\\n" "$@"\nexit 7\n')
        make.chmod(0o755)
        finished = subprocess.run(
            [ROOT / "scripts" / "prepublish-check.sh", "--only", "G1,G9"],
            cwd="/",
            env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert finished.returncode == 7
        assert finished.stdout.splitlines() == [
            str(ROOT),
            "--no-print-directory",
            "prepublish",
            "ARGS=--only G1,G9",
        ]
