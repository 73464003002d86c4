"""The smoke tests against a right service, an absent one, a silent one and a degraded one."""

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.operations.smoke_runs import Captured, closed_port, script, smoked, summary
from tests.operations.smoke_stand_in import RELEASE, Reply, Request, StandIn, serving


@contextlib.contextmanager
def listening(reply: bytes = b"", *, every: float = 0.1) -> Iterator[str]:
    """Accept connections and drip `reply` for ever, one byte at a time; with nothing to say, stay silent."""
    listener = socket.create_server(("127.0.0.1", 0))
    stopped = threading.Event()
    accepted: list[socket.socket] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted.append(listener.accept()[0])
                threading.Thread(target=drip, args=(accepted[-1],), daemon=True).start()

    def drip(connection: socket.socket) -> None:
        with contextlib.suppress(OSError):
            for byte in reply:
                connection.sendall(bytes([byte]))
                if stopped.wait(every):
                    return

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        stopped.set()
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
        for connection in accepted:
            connection.close()


class TestARightService:
    def test_passes_with_more_than_thirty_checks_and_no_token(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            assert smoked(url, "--json", "-") == 0
        counts = summary(capsys)["summary"]
        assert counts["failed"] == 0
        assert counts["passed"] >= 30

    @pytest.mark.usefixtures("smoke_caller")
    def test_passes_every_check_but_those_of_the_network_with_a_token(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            options = ("--require-auth", "--exhaust-rate-limit", "--expect-release", RELEASE[:12])
            assert smoked(url, "--json", "-", *options) == 0
        skipped = [check["id"] for check in summary(capsys)["checks"] if check["status"] == "skipped"]
        assert skipped == ["S-T1", "S-T2", "S-T3", "S-T4"]

    @pytest.mark.usefixtures("smoke_caller")
    def test_is_asked_at_most_sixty_times_one_login_and_nothing_that_writes(self, capsys: Captured) -> None:
        stand_in = StandIn()
        with serving(stand_in) as url:
            assert smoked(url) == 0
        posts = [request.target for request in stand_in.requests if request.method == "POST"]
        assert len(stand_in.requests) <= 60
        assert {request.method for request in stand_in.requests} == {"GET", "OPTIONS", "POST"}
        assert posts.count("/api/auth/login") == 1
        assert all(
            request.body == b"" for request in stand_in.requests if request.target != "/api/auth/login"
        )
        blocked = re.compile(r"/api/(seed|demo|test-data|mock|reset-demo|clear-data)/mbs-smoke-[0-9a-f]{8}")
        assert all(blocked.fullmatch(path) for path in posts if path != "/api/auth/login")

    def test_can_tell_the_run_by_its_user_agent_and_correlation_ids(self, capsys: Captured) -> None:
        stand_in = StandIn()
        with serving(stand_in) as url:
            smoked(url)
        sent = [request.headers.get("x-correlation-id", "") for request in stand_in.requests]
        ours = [value for value in sent if re.fullmatch(r"smoke-[0-9a-f]{8}-\d+", value)]
        assert len(set(ours)) == len(ours) == len(stand_in.requests) - 2
        assert all(request.headers["user-agent"].startswith("mbs-smoke/") for request in stand_in.requests)

    def test_meets_the_disguised_paths_as_they_are_written(self, capsys: Captured) -> None:
        stand_in = StandIn()
        with serving(stand_in) as url:
            smoked(url, "--only", "S-B7")
        targets = [request.target for request in stand_in.requests]
        assert {"//api/seed", "/api/%73eed", "/api/./seed", "/API/SEED"} <= set(targets)

    def test_gets_the_headers_of_the_platform_gate(self, capsys: Captured) -> None:
        stand_in = StandIn()
        with serving(stand_in) as url:
            smoked(url, "--header", "X-Gate=open=sesame", "--only", "S-H2")
        assert {request.headers["x-gate"] for request in stand_in.requests} == {"open=sesame"}

    def test_in_development_needs_no_hsts_and_no_block(self, capsys: Captured) -> None:
        def development(request: Request, reply: Reply) -> Reply:
            reply.headers.pop("Strict-Transport-Security")
            unblocked = reply.status == 403
            return Reply(404, {**reply.payload, "code": "NOT_FOUND"}, reply.headers) if unblocked else reply

        with serving(StandIn(development)) as url:
            assert smoked(url, "--expect-env", "development") == 0
            assert smoked(url) == 1

    def test_that_limits_this_address_already_is_inconclusive_not_broken(self, capsys: Captured) -> None:
        with serving(StandIn(logins=5)) as url:
            assert smoked(url, "--json", "-") == 4
            assert [
                check["id"]
                for check in summary(capsys)["checks"]
                if check["status"] == "skipped" and "used up" in check["got"]
            ] == ["S-A14"]
            assert smoked(url, "--skip", "S-A14") == 0

    def test_that_limits_this_address_must_say_for_how_long(self, capsys: Captured) -> None:
        def silent(request: Request, reply: Reply) -> Reply:
            reply.headers.pop("Retry-After", None)
            return reply

        with serving(StandIn(silent, logins=5)) as url:
            assert smoked(url, "--only", "S-A14") == 1

    def test_without_a_token_is_inconclusive_if_one_is_required(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            assert smoked(url, "--require-auth") == 4


class TestADegradedService:
    def test_fails_the_normal_run_and_passes_the_run_that_expects_it(self, capsys: Captured) -> None:
        with serving(StandIn(degraded=True)) as url:
            assert smoked(url) == 1
            assert smoked(url, "--expect-degraded") == 0

    def test_is_not_what_a_right_service_is(self, capsys: Captured) -> None:
        with serving(StandIn()) as url:
            assert smoked(url, "--expect-degraded") == 1


class TestAnAbsentService:
    @pytest.mark.parametrize("url", ["http://127.0.0.1:1", "http://no-such-host.invalid"])
    def test_is_unreachable_in_text_and_in_json(self, url: str) -> None:
        start = time.monotonic()
        result = script(url, "--json", "-")
        assert result.returncode == 69
        assert time.monotonic() - start < 8
        assert "cannot be reached" in result.stderr
        assert json.loads(result.stdout)["checks"] == []

    def test_is_waited_for_as_long_as_was_said(self) -> None:
        start = time.monotonic()
        result = script(closed_port(), "--wait", "2")
        assert result.returncode == 75
        assert 2 <= time.monotonic() - start < 6

    def test_that_appears_while_it_is_waited_for_is_tested(self, capsys: Captured) -> None:
        asked: list[Request] = []

        def starting(request: Request, reply: Reply) -> Reply:
            if request.path == "/health/ready" and len(asked) < 3:
                asked.append(request)
                return Reply(503, "starting", {"Content-Type": "text/plain"})
            return reply

        with serving(StandIn(starting)) as url:
            assert smoked(url, "--wait", "20") == 0
        assert len(asked) == 3


class TestASilentService:
    @pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nX-Drip: " + b"a" * 1000])
    def test_is_unreachable_within_the_time_out(self, reply: bytes) -> None:
        start = time.monotonic()
        with listening(reply) as url:
            assert script(url, "--timeout", "1").returncode == 69
        assert time.monotonic() - start < 6

    def test_that_answers_health_only_fails_within_the_budget(self) -> None:
        def silent(request: Request, reply: Reply) -> Reply:
            if request.path != "/health":
                time.sleep(2)
            return reply

        start = time.monotonic()
        with serving(StandIn(silent)) as url:
            result = script(url, "--timeout", "0.5", "--budget", "3")
        assert result.returncode == 1
        assert "the budget of 3 s is used up" in result.stdout
        assert time.monotonic() - start < 12
