"""scripts/bootstrap: quiet when there is nothing to do, one clear sentence for each thing that is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOCK = Path("deploy/requirements-dev.lock")


class Bootstrap:
    """The script in a checkout of its own, with stand-ins for the interpreters it may meet."""

    def __init__(self, checkout: Path) -> None:
        self.checkout = checkout
        (checkout / "scripts").mkdir(parents=True)
        (checkout / "deploy").mkdir()
        shutil.copy(ROOT / "scripts/bootstrap", checkout / "scripts")
        shutil.copy(ROOT / LOCK, checkout / LOCK)

    def interpreter(self, body: str, path: str = "interpreter") -> Path:
        file = self.checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
        return file

    def run(self, *arguments: str, **variables: str | Path) -> subprocess.CompletedProcess[str]:
        environ = {name: value for name, value in os.environ.items() if name != "PYTHON"}
        return subprocess.run(
            [self.checkout / "scripts/bootstrap", *arguments],
            env={**environ, **{name: str(value) for name, value in variables.items()}},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def installs(self) -> list[str]:
        log = self.checkout / "installs"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def bootstrap(tmp_path: Path) -> Bootstrap:
    return Bootstrap(tmp_path / "a check'out")


@pytest.fixture
def installed(bootstrap: Bootstrap) -> Bootstrap:
    """An environment whose pip writes down what it is asked for."""
    bootstrap.interpreter(
        'case "$*" in *"pip install"*) echo "$*" >>installs;; *) exec "' + sys.executable + '" "$@";; esac',
        ".venv/bin/python",
    )
    assert bootstrap.run().returncode == 0
    return bootstrap


class TestBootstrap:
    def test_installs_the_lock_by_hash_and_then_the_project_alone(self, installed: Bootstrap) -> None:
        lock, project = installed.installs()
        assert "--require-hashes -r deploy/requirements-dev.lock" in lock
        assert "--no-deps --no-build-isolation -e ." in project

    def test_does_and_says_nothing_the_second_time(self, installed: Bootstrap) -> None:
        again = installed.run()
        assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
        assert len(installed.installs()) == 2

    def test_installs_again_when_the_lock_changed(self, installed: Bootstrap) -> None:
        with (installed.checkout / LOCK).open("a") as lock:
            lock.write("# changed\n")
        assert "Installing" in installed.run().stderr
        assert len(installed.installs()) == 4

    def test_tries_again_after_an_installation_that_failed(self, installed: Bootstrap) -> None:
        pip, lock = installed.checkout / ".venv/bin/python", installed.checkout / LOCK
        sound, before = pip.read_text(), lock.read_text()
        lock.write_text(before + "# changed\n")
        pip.write_text(sound.replace("echo", "exit 1; echo"))
        failed = installed.run()
        assert failed.returncode == 1
        assert "pip could not install the locked packages" in failed.stderr
        pip.write_text(sound)
        lock.write_text(before)  # half of the other lock may be installed by now
        assert installed.run().returncode == 0
        assert len(installed.installs()) == 4

    def test_makes_a_moved_environment_anew(self, installed: Bootstrap, tmp_path: Path) -> None:
        installed.checkout = installed.checkout.rename(tmp_path / "moved")
        python = installed.interpreter('case "$*" in *"-m venv"*) exit 1;; esac', "bin/python3")
        moved = installed.run(PATH=f"{python.parent}:{os.environ['PATH']}")
        assert "the virtual environment .venv could not be made" in moved.stderr

    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (
                'case "$*" in --version) echo Python 3.9.2;; *) exit 1;; esac',
                "Python 3.9.2 does not do: install Python 3.11, 3.12 or 3.13",
            ),
            (
                'case "$*" in *ensurepip*) exit 1;; esac',
                "cannot make virtual environments: on Debian and Ubuntu, apt-get install python3-venv.",
            ),
        ],
        ids=["old", "without-venv"],
    )
    def test_says_in_one_sentence_what_the_interpreter_lacks(
        self, bootstrap: Bootstrap, body: str, sentence: str
    ) -> None:
        python = bootstrap.interpreter(body)
        refused = bootstrap.run(PYTHON=python)
        assert refused.returncode == 1
        assert sentence in refused.stderr
        assert refused.stderr.count("\n") == 1

    def test_says_in_one_sentence_that_there_is_no_interpreter(self, bootstrap: Bootstrap) -> None:
        refused = bootstrap.run(PYTHON="/nonexistent/python3")
        assert refused.returncode == 1
        assert refused.stderr.startswith("bootstrap: /nonexistent/python3 was not found: install Python 3.11")

    def test_explains_itself(self, bootstrap: Bootstrap) -> None:
        assert bootstrap.run("--help").returncode == 0
        assert bootstrap.run("--sideways").returncode == 2
