"""The counters in Redis: while it is away, when it hangs and, where one is installed, when it works."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from flask import Flask
from limits import RateLimitItemPerMinute

from mbs.app import create_app
from mbs.config import Config
from mbs.foundation import limits, passwords
from tests.factories.callers import PASSWORD, Business, Caller
from tests.factories.servers import free_port

REDIS = shutil.which("redis-server") or shutil.which("valkey-server")


def counting_in(environ: dict[str, str], uri: str) -> Flask:
    return create_app(Config.load({**environ, "RATELIMIT_STORAGE_URI": uri}))


class TestRedisAway:
    @pytest.fixture(params=["redis://127.0.0.1:1", "redis+unix:///nonexistent/redis.sock"])
    def cut_off(self, environ: dict[str, str], request: pytest.FixtureRequest) -> Flask:
        return counting_in(environ, request.param)

    def test_refuses_logins_and_registers(self, cut_off: Flask, resident: Business) -> None:
        login = {"email": resident.email, "password": PASSWORD}
        for path, body in (("/api/auth/login", login), ("/api/auth/register", {})):
            response = Caller(cut_off).post(path, body)
            assert (response.status_code, response.get_json()["code"]) == (503, "SERVICE_UNAVAILABLE")
            assert int(response.headers["Retry-After"]) >= 1

    def test_counts_everything_else_in_the_process(
        self, cut_off: Flask, resident: Business, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "API", RateLimitItemPerMinute(3))
        monkeypatch.setattr(limits, "ANONYMOUS", RateLimitItemPerMinute(2))
        signed_in, stranger = Caller(cut_off, token=resident.token), Caller(cut_off)

        answers = [signed_in.get("/api/auth/me") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [200] * 3 + [429]
        assert [answer.headers["X-RateLimit-Remaining"] for answer in answers] == ["2", "1", "0", "0"]
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
        assert [stranger.get("/api/nothing").status_code for _ in range(3)] == [404, 404, 429]
        assert Caller(cut_off, token=resident.token).get("/health").status_code == 200

    def test_in_the_middle_of_a_login_refuses_it(
        self, resident: Business, monkeypatch: pytest.MonkeyPatch, cut_off: Flask
    ) -> None:
        # The hits are counted, and then the store goes away before the attempts can be forgotten.
        monkeypatch.setattr(limits.Limits, "_hit", lambda *_: (True, (time.time() + 60, 4)))
        response = Caller(cut_off).post("/api/auth/login", {"email": resident.email, "password": PASSWORD})
        assert response.status_code == 503


class TestRedisThatHangs:
    @pytest.fixture
    def silent(self, environ: dict[str, str]) -> Iterator[Flask]:
        """A service whose Redis takes connections and never answers."""
        with closing(socket.socket()) as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(16)
            yield counting_in(environ, f"redis://127.0.0.1:{listener.getsockname()[1]}")

    def test_costs_a_request_a_moment_and_not_its_thread(self, silent: Flask, resident: Business) -> None:
        started = time.monotonic()
        assert Caller(silent).post("/api/auth/login", {}).status_code == 503
        assert Caller(silent, token=resident.token).get("/api/auth/me").status_code == 200
        assert time.monotonic() - started < 8


@pytest.mark.skipif(REDIS is None, reason="no redis-server is installed on this machine")
class TestRedisAtWork:
    @pytest.fixture
    def port(self, tmp_path: Path) -> Iterator[int]:
        assert REDIS is not None
        number = free_port()
        options = ["--port", str(number), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
        with subprocess.Popen([REDIS, *options], stdout=subprocess.DEVNULL) as process:
            try:
                deadline = time.monotonic() + 10
                while time.monotonic() < deadline:
                    with suppress(OSError), closing(socket.create_connection(("127.0.0.1", number), 1)):
                        break
                    time.sleep(0.05)
                yield number
            finally:
                process.terminate()

    def test_counts_for_all_processes(
        self, environ: dict[str, str], port: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(passwords, "verify", lambda password, stored: False)
        apps = [counting_in(environ, f"redis://127.0.0.1:{port}") for _ in range(2)]
        address = Caller(apps[0]).address
        statuses = [
            Caller(apps[number % 2], address=address)
            .post("/api/auth/login", {"email": f"nobody{number}@example.com", "password": "x"})
            .status_code
            for number in range(7)
        ]
        assert statuses == [401] * 5 + [429] * 2
