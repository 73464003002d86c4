"""Stopping, reloading, recycling and losing worker processes, under load (runbook sections 3 and 7)."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.factories.servers import ROOT, RunningService, serve
from tests.resilience.conftest import Deployment
from tests.resilience.load import Answer, Client, under_load
from tests.resilience.test_contention import held, send

pytestmark = pytest.mark.slow

SHAPE = {"ts", "level", "category", "event", "message", "pid"}
RESPAWN_SECONDS = 3.0


def wait_for_workers(service: RunningService, gone: set[int], count: int) -> float:
    """Wait until so many workers run, none of them among `gone`; return the seconds it took."""
    start = time.monotonic()
    while True:
        now = set(service.workers())
        if len(now) == count and not now & gone:
            return time.monotonic() - start
        assert time.monotonic() - start < 60, (gone, now)
        time.sleep(0.02)


class TestTermination:
    def test_answers_what_is_in_flight_and_leaves_no_connection(self, deployment: Deployment) -> None:
        with serve(deployment.environ) as service:

            def read(token: str) -> Answer:
                return send(service, "GET", "/api/customers", token)

            assert {read(token).status for token in deployment.tokens[:8]} == {200}
            with ThreadPoolExecutor(8) as pool:
                with held(deployment, "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"):
                    pending = [pool.submit(read, token) for token in deployment.tokens[:8]]
                    while deployment.connections("active") < 1:
                        time.sleep(0.02)
                    time.sleep(0.2)
                    service.process.send_signal(signal.SIGTERM)
                    time.sleep(0.3)
                answers = [one.result() for one in pending]
            assert [one.status for one in answers] == [200] * 8
            start = time.monotonic()
            assert service.stop() == 0
            print(f"ended {time.monotonic() - start:.2f} s after the last answer")
        # PostgreSQL notices a moment later that its clients are gone.
        deadline = time.monotonic() + 5
        while deployment.connections():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert all(set(line) >= SHAPE for line in service.lines())

    def test_leaves_no_socket_of_gunicorns_own(self, deployment: Deployment, tmp_path: Path) -> None:
        before = {path.name for path in ROOT.iterdir()}
        with serve({**deployment.environ, "HOME": str(tmp_path)}) as service:
            assert service.get("/health")[0] == 200
            found = list(tmp_path.rglob("*"))
        assert found == []
        assert {path.name for path in ROOT.iterdir() if path.suffix in (".ctl", ".sock")} <= before


class TestLostWorker:
    def test_is_replaced_at_once(self, deployment: Deployment, service: RunningService) -> None:
        seconds = []
        with under_load(service.port, deployment.tokens) as record:
            for _ in range(3):
                time.sleep(0.5)
                victim = service.workers()[0]
                os.kill(victim, signal.SIGKILL)
                seconds.append(wait_for_workers(service, {victim}, 2))
            back = time.monotonic()
            time.sleep(RESPAWN_SECONDS)
        cut = record.statuses()[0]
        print(f"{record.summary()}; replaced in {', '.join(f'{one:.2f}' for one in seconds)} s")
        assert max(seconds) <= RESPAWN_SECONDS
        # Only what the dead worker had in its hands is lost: a connection of each client at most.
        assert cut <= 3 * 8
        assert {one.status // 100 for one in record.answers if one.status} == {2}
        assert [one for one in record.answers if one.status == 0 and one.at > back + 1] == []
        assert deployment.connections("idle in transaction%") == 0


class TestReload:
    def test_fails_no_request(self, deployment: Deployment, service: RunningService) -> None:
        with under_load(service.port, deployment.tokens) as record:
            for _ in range(2):
                time.sleep(1)
                old = set(service.workers())
                service.process.send_signal(signal.SIGHUP)
                wait_for_workers(service, old, 2)
            time.sleep(1)
        print(record.summary())
        assert set(record.statuses()) == {200, 201}
        assert {one.status for one in record.probes} == {200}

    def test_by_age_fails_no_request(self, deployment: Deployment) -> None:
        young = {"MAX_REQUESTS": "60", "MAX_REQUESTS_JITTER": "20"}
        with serve({**deployment.environ, **young}) as service:
            first = set(service.workers())
            with under_load(service.port, deployment.tokens) as record:
                wait_for_workers(service, first, 2)
                time.sleep(1)
        print(record.summary())
        assert set(record.statuses()) == {200, 201}
        assert {one.status for one in record.probes} == {200}


class TestLog:
    def test_is_one_json_object_a_line_whatever_happens(
        self, deployment: Deployment, service: RunningService
    ) -> None:
        old = set(service.workers())
        os.kill(service.workers()[0], signal.SIGKILL)
        wait_for_workers(service, old & {min(old)}, 2)
        service.process.send_signal(signal.SIGHUP)
        wait_for_workers(service, old, 2)
        client = Client(service.port)
        for path in ("/api/customers", "/no-such-path", "/api/customers?limit=x"):
            client.send("GET", path, deployment.tokens[0])
        client.close()
        assert service.stop() == 0
        lines = service.lines()
        assert all(set(line) >= SHAPE for line in lines)
        assert {line["category"] for line in lines} >= {"startup", "request", "config"}
        told = [line for line in lines if line["category"] == "config"]
        assert len(told) == len({line["variable"] for line in told}), "a reload told it again"

    def test_holds_warnings_and_tracebacks_in_one_line_too(self, deployment: Deployment) -> None:
        program = (
            "import logging, warnings, wsgi\n"
            "warnings.warn('two\\nlines')\n"
            "logging.getLogger('mbs.health').error('failed', exc_info=ValueError('x'))\n"
            "logging.getLogger('some.library').warning('said %s', 'this')\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **deployment.environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert done.stderr == ""
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert all(set(line) >= SHAPE for line in lines)
        assert any("two\nlines" in line["message"] for line in lines)
        assert any(line.get("error", {}).get("type") == "ValueError" for line in lines)
