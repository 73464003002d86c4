"""`mbs serve`: gunicorn with the settings the configuration declares, listening even in degraded mode."""

import argparse
import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from mbs.config import Config
from mbs.foundation.bulkhead import thread_count
from mbs.operations import serve

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment in which nothing is set: production, with every critical variable missing."""
    for name in set(os.environ) - {"PATH", "HOME"}:
        monkeypatch.delenv(name)
    return monkeypatch


def settings() -> dict[str, Any]:
    return {name: setting.get() for name, setting in serve.resolve().settings.items()}


class TestSettings:
    def test_follow_the_environment(self, bare: pytest.MonkeyPatch) -> None:
        values = {"HOST": "127.0.0.1", "PORT": "8123", "WEB_CONCURRENCY": "3", "WEB_THREADS": "5"}
        values |= {
            "KEEPALIVE": "90",
            "GRACEFUL_TIMEOUT": "20",
            "MAX_REQUESTS": "300",
            "MAX_REQUESTS_JITTER": "30",
        }
        for name, value in values.items():
            bare.setenv(name, value)
        found = settings()
        assert found["bind"] == ["127.0.0.1:8123"]
        assert (found["workers"], found["threads"]) == (3, thread_count(5))
        assert (found["keepalive"], found["graceful_timeout"]) == (90, 20)
        assert (found["max_requests"], found["max_requests_jitter"]) == (300, 30)

    def test_have_the_runbooks_defaults(self, bare: pytest.MonkeyPatch) -> None:
        found = settings()
        assert found["bind"] == ["0.0.0.0:5000"]
        assert (found["keepalive"], found["graceful_timeout"], found["timeout"]) == (75, 25, 60)
        assert (found["max_requests"], found["max_requests_jitter"]) == (2000, 200)
        assert found["worker_class"] == "gthread"
        assert found["accesslog"] is None

    def test_listen_where_they_are_told_although_another_variable_is_at_fault(
        self, bare: pytest.MonkeyPatch
    ) -> None:
        bare.setenv("PORT", "8123")
        bare.setenv("JWT_ACCESS_SECRET", "short")
        bare.setenv("DATABASE_URL", "nonsense")
        assert settings()["bind"] == ["0.0.0.0:8123"]

    def test_replace_a_faulty_value_and_keep_the_sound_ones(self, bare: pytest.MonkeyPatch) -> None:
        bare.setenv("PORT", "8123")
        bare.setenv("WEB_CONCURRENCY", "many")
        bare.setenv("KEEPALIVE", "-1")
        found = settings()
        assert found["bind"] == ["0.0.0.0:8123"]
        assert found["workers"] >= 1
        assert found["keepalive"] == 75

    def test_write_an_ipv6_address_as_gunicorn_wants_it(self, bare: pytest.MonkeyPatch) -> None:
        bare.setenv("HOST", "::1")
        assert settings()["bind"] == ["[::1]:5000"]

    def test_trust_nobody_in_gunicorn_itself(self, bare: pytest.MonkeyPatch) -> None:
        bare.setenv("FORWARDED_ALLOW_IPS", "*")
        found = settings()
        assert found["forwarded_allow_ips"] == []
        assert found["forwarder_headers"] == []

    def test_run_on_a_read_only_disk_without_a_shared_connection_pool(self, bare: pytest.MonkeyPatch) -> None:
        found = settings()
        assert found["control_socket_disable"] is True
        assert found["preload_app"] is False
        if Path("/dev/shm").is_dir():
            assert found["worker_tmp_dir"] == "/dev/shm"

    def test_give_all_workers_the_secrets_that_development_generates(self, bare: pytest.MonkeyPatch) -> None:
        bare.setenv("APP_ENV", "development")
        for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET", "SESSION_SECRET"):
            bare.setenv(name, "")
        settings()
        one, other = Config.load(os.environ), Config.load(os.environ)
        assert one.jwt_access_secret == other.jwt_access_secret
        assert len({one.jwt_access_secret, one.jwt_refresh_secret, one.session_secret}) == 3

    def test_generate_no_secret_for_production(self, bare: pytest.MonkeyPatch) -> None:
        settings()
        assert "JWT_ACCESS_SECRET" not in os.environ

    def test_bound_the_size_of_a_request(self, bare: pytest.MonkeyPatch) -> None:
        found = settings()
        assert 0 < found["limit_request_line"] <= 8190
        assert 0 < found["limit_request_fields"] <= 100
        assert 0 < found["limit_request_field_size"] <= 8190


@contextlib.contextmanager
def serving(log: Path, *command: str, **environ: str) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    """Run `mbs serve`, or another command, with these variables alone; yield it and its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    clean = {"PATH": os.environ["PATH"], "HOST": "127.0.0.1", "PORT": str(port), "WEB_CONCURRENCY": "2"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *(command or ("-m", "mbs", "serve"))],
            cwd=ROOT,
            env=clean | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 30
            while not answers(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
            yield process, port
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for_workers(master: int, count: int) -> None:
    """Wait until the master has this many workers: the first may answer before the next is born."""
    children = Path(f"/proc/{master}/task/{master}/children")
    deadline = time.monotonic() + 10
    while len(found := children.read_text().split()) != count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def answers(port: int) -> bool:
    try:
        return get(port, "/health")[0] == http.HTTPStatus.OK
    except OSError:
        return False


def get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


class TestServe:
    def test_listens_in_degraded_mode_and_stops_cleanly(self, tmp_path: Path) -> None:
        log = tmp_path / "log"
        # gunicorn reads this variable of its own; its settings would then no longer be those of the project.
        environ = {"APP_ENV": "production", "SKIP_RATE_LIMIT": "true", "GUNICORN_CMD_ARGS": "--workers 1"}
        with serving(log, **environ) as (process, port):
            assert get(port, "/health")[1]["status"] == "degraded"
            status, body = get(port, "/api/customers")
            assert (status, body["code"]) == (503, "DEGRADED_MODE")
            wait_for_workers(process.pid, 2)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 0
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        assert all({"ts", "level", "category", "message"} <= set(line) for line in lines)
        told = [(line["variable"], line["event"]) for line in lines if line["category"] == "config"]
        assert len(told) == len(set(told)), "each once, although there are two workers"
        assert set(told) >= {
            ("DATABASE_URL", "config.missing"),
            ("JWT_ACCESS_SECRET", "config.missing"),
            ("JWT_REFRESH_SECRET", "config.missing"),
            ("SESSION_SECRET", "config.missing"),
            ("SKIP_RATE_LIMIT", "config.ignored_in_production"),
        }

    def test_sends_a_developer_without_a_database_to_make_run(
        self, bare: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        bare.setenv("APP_ENV", "development")
        assert serve.run(argparse.Namespace(print_config=False)) == os.EX_CONFIG
        assert "make run" in capsys.readouterr().err


SLOW_APPLICATION = """
import time

def app(environ, start_response):
    time.sleep(float(environ["QUERY_STRING"] or 0))
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", "2")])
    return [b"{}"]
"""


class TestStop:
    def test_finishes_what_runs(self, tmp_path: Path) -> None:
        (tmp_path / "slow.py").write_text(SLOW_APPLICATION)
        command = ["-m", "gunicorn", "-c", str(serve.SETTINGS), "slow:app"]
        with serving(tmp_path / "log", *command, PYTHONPATH=f"{tmp_path}:{ROOT}") as (process, port):
            with ThreadPoolExecutor(8) as pool:
                running = [pool.submit(get, port, "/?3") for _ in range(8)]
                time.sleep(1)
                process.send_signal(signal.SIGTERM)
                assert [one.result() for one in running] == [(200, {})] * 8
            assert process.wait(25) == 0
