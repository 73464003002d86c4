"""`mbs run` in a clone of its own: up from nothing, shared fairly, and gone without a trace of a process."""

import argparse
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mbs.config import Config
from mbs.operations import development, embedded_postgres
from mbs.operations.postgres_binaries import free_port

CLONE = embedded_postgres.CLONE
RUNNING = "MyBizStream is running."


class Clone:
    """A copy of the program, which therefore has servers, data and secrets of its own."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for name in ("mbs", "migrations", "deploy"):
            shutil.copytree(CLONE / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copy(CLONE / "wsgi.py", path)
        # Asked of the copy itself, since the place is derived from where the program lies.
        code = "from mbs.operations.embedded_postgres import base_directory; print(base_directory())"
        self.base = Path(
            subprocess.run(
                [sys.executable, "-c", code], cwd=path, capture_output=True, text=True, check=True
            ).stdout.strip()
        )

    def server_is_running(self) -> bool:
        return any(self.base.glob("development-*/data/postmaster.pid"))


class Run:
    """A running `mbs run`, with what it has printed so far."""

    def __init__(self, clone: Clone, port: int | None = None, **variables: str) -> None:
        self.port = port or free_port()
        unset = ("APP_ENV", "NODE_ENV", "DATABASE_URL", "MIGRATION_DATABASE_URL")
        inherited = {name: value for name, value in os.environ.items() if name not in unset}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mbs", "run"],
            cwd=clone.path,
            env={**inherited, "PORT": str(self.port), "PYTHONUNBUFFERED": "1", **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    @property
    def output(self) -> str:
        return "\n".join(self.lines)

    def wait_until_up(self) -> "Run":
        deadline = time.monotonic() + 60
        while RUNNING not in self.lines:
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)
        return self

    def health(self, path: str = "/health/db") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        with contextlib.closing(connection):
            connection.request("GET", path)
            return connection.getresponse().status

    def end(self, number: signal.Signals = signal.SIGINT) -> int:
        """Stop as a terminal does, whose signals go to the whole foreground group."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, number)
        code = self.process.wait(40)
        # The pipe ends when every process that holds it has: gunicorn's workers hold it too.
        self._reader.join(10)
        assert not self._reader.is_alive(), "a process was left behind"
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clone]:
    clone = Clone(tmp_path_factory.mktemp("a clone"))
    yield clone
    assert not clone.server_is_running()
    shutil.rmtree(clone.base)


@pytest.fixture
def start(clone: Clone) -> Iterator[Callable[..., Run]]:
    """Start `mbs run` in the clone; whatever the test says, none outlives it."""
    runs: list[Run] = []

    def start(**options: Any) -> Run:
        runs.append(Run(clone, **options))
        return runs[-1]

    yield start
    for run in runs:
        run.end()


@pytest.mark.slow
class TestRun:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
    def test_comes_up_with_a_database_and_leaves_nothing_running(
        self, clone: Clone, start: Callable[..., Run], number: signal.Signals
    ) -> None:
        run = start().wait_until_up()
        assert run.health() == 200
        assert run.health("/health/ready") == 200
        assert f"http://127.0.0.1:{run.port}/docs" in run.output
        assert run.end(number) == 0
        # gunicorn drops running requests on the terminal's interrupt, and lets them end on `term`.
        assert re.findall(r"Handling signal: (\w+)", run.output) == ["term"]
        assert not clone.server_is_running()
        with pytest.raises(ConnectionRefusedError):
            run.health()

    def test_keeps_its_secrets_from_other_accounts_and_over_a_restart(
        self, clone: Clone, start: Callable[..., Run]
    ) -> None:
        start().wait_until_up().end()
        path = clone.base / "development-secrets.json"
        before = path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        run = start().wait_until_up()
        run.end()
        assert path.read_text() == before
        assert not any(secret in run.output for secret in json.loads(before).values())

    def test_shares_the_database_with_a_second_run_until_the_last_ends(
        self, clone: Clone, start: Callable[..., Run]
    ) -> None:
        first = start().wait_until_up()
        second = start().wait_until_up()
        assert first.end() == 0
        assert second.health() == 200
        assert second.end() == 0
        assert not clone.server_is_running()

    def test_says_in_one_line_that_the_port_is_in_use(self, clone: Clone, start: Callable[..., Run]) -> None:
        first = start().wait_until_up()
        second = start(port=first.port)
        assert second.process.wait(30) == os.EX_CONFIG
        second.end()
        message = (
            f"mbs run: port {first.port} is in use, perhaps by another `make run`: stop that, "
            f"or choose another port, as in PORT={first.port + 1} make run."
        )
        assert second.lines == [message]
        assert first.health() == 200
        first.end()

    def test_stops_while_it_is_still_starting(self, clone: Clone, start: Callable[..., Run]) -> None:
        run = start()
        deadline = time.monotonic() + 30
        while not clone.server_is_running() and time.monotonic() < deadline:
            time.sleep(0.01)
        assert run.end() == 0
        assert RUNNING not in run.lines
        assert not clone.server_is_running()

    def test_takes_the_database_it_is_given_and_leaves_it_running(
        self, clone: Clone, start: Callable[..., Run]
    ) -> None:
        server = embedded_postgres.ensure(f"trial-{os.getpid()}")
        try:
            run = start(DATABASE_URL=server.url()).wait_until_up()
            assert run.health() == 200
            assert not clone.server_is_running()
            assert run.end() == 0
            assert not any(server.url() in line for line in run.lines)
        finally:
            assert server.stop()
            shutil.rmtree(server.data_directory.parent)

    def test_ends_when_the_service_does(self, clone: Clone, start: Callable[..., Run]) -> None:
        run = start().wait_until_up()
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
        os.kill(int(children[0]), signal.SIGTERM)
        assert run.process.wait(40) == os.EX_SOFTWARE
        run.end()
        assert "the service ended by itself" in run.output
        assert not clone.server_is_running()

    def test_shows_mails_instead_of_sending_them(self, clone: Clone, start: Callable[..., Run]) -> None:
        run = start().wait_until_up()
        connection = http.client.HTTPConnection("127.0.0.1", run.port, timeout=5)
        with contextlib.closing(connection):
            body = json.dumps({"email": "demo@example.com"})
            connection.request(
                "POST", "/api/auth/forgot-password", body, {"Content-Type": "application/json"}
            )
            assert connection.getresponse().status == 202
        deadline = time.monotonic() + 20
        link = f"http://localhost:{run.port}/reset-password#token="
        while link not in run.output:
            assert time.monotonic() < deadline, run.output
            time.sleep(0.05)
        assert "mail to demo@example.com: Choose a new password" in run.output
        assert run.end() == 0

    def test_ends_when_the_worker_does(self, clone: Clone, start: Callable[..., Run]) -> None:
        run = start().wait_until_up()
        children = Path(f"/proc/{run.process.pid}/task/{run.process.pid}/children").read_text().split()
        os.kill(int(children[1]), signal.SIGKILL)
        assert run.process.wait(40) == os.EX_SOFTWARE
        run.end()
        assert "the worker ended by itself" in run.output


class TestRefusal:
    def refused(self, monkeypatch: pytest.MonkeyPatch, **variables: str) -> int:
        for name in ("APP_ENV", "NODE_ENV", "DATABASE_URL", "MIGRATION_DATABASE_URL"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return development.run(argparse.Namespace())

    @pytest.mark.parametrize("name", ["APP_ENV", "NODE_ENV"])
    def test_meets_production(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
    ) -> None:
        assert self.refused(monkeypatch, **{name: "production"}) == os.EX_CONFIG
        assert "use `mbs serve`" in capsys.readouterr().err

    def test_meets_a_database_elsewhere_that_was_not_called_development(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        url = "postgresql://owner:hushhush@db.example.com/live?sslmode=require"
        assert self.refused(monkeypatch, DATABASE_URL=url) == os.EX_CONFIG
        message = capsys.readouterr().err
        assert "db.example.com" in message
        assert "hushhush" not in message

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.1.1", "[::1]", ""])
    def test_does_not_meet_a_database_on_this_machine(self, host: str) -> None:
        environ = {"DATABASE_URL": f"postgresql://owner:hushhush@{host}/mine"}
        config = Config.load({**environ, "APP_ENV": "development"})
        development.refuse_foreign_database(config, environ)

    def test_does_not_meet_one_elsewhere_that_was_called_development(self) -> None:
        environ = {"DATABASE_URL": "postgresql://o:p@db.example.com/x", "APP_ENV": "development"}
        development.refuse_foreign_database(Config.load(environ), environ)


class TestKeptSecrets:
    def test_are_generated_once_and_differ_from_each_other(self, tmp_path: Path) -> None:
        first = development.kept_secrets(tmp_path / "secrets")
        assert development.kept_secrets(tmp_path / "secrets") == first
        assert len(set(first.values())) == 3
        assert min(map(len, first.values())) >= 32

    def test_give_way_to_those_of_the_caller(self) -> None:
        own = development.development_environment({"SESSION_SECRET": "mine", "JWT_ACCESS_SECRET_FILE": "/x"})
        assert own["SESSION_SECRET"] == "mine"
        assert "JWT_ACCESS_SECRET" not in own
        assert len(own["JWT_REFRESH_SECRET"]) >= 32
