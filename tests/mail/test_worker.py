"""`mbs worker` as a process: it sends, it waits for its database, and it ends when it is told to."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mbs.operations.embedded_postgres import Server
from mbs.operations.worker import work
from mbs.operations.worker_jobs import Job
from tests.conftest import PLAIN_LOGIN, login_url, run_as_superuser
from tests.mail.conftest import Enqueue, Sql

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0

Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(queue_environ: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start workers, whose output goes to `tmp_path/output`; none outlives the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **changes: str) -> "subprocess.Popen[str]":
        variables = {name: value for name, value in {**queue_environ, **changes}.items() if value}
        with (tmp_path / "output").open("a") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "mbs", "worker", *arguments],
                cwd=ROOT,
                env={"PATH": os.environ["PATH"], "LOG_FORMAT": "json", **variables},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()


@pytest.fixture
def output(tmp_path: Path) -> Callable[..., str]:
    """Return a function that gives what the workers have written, once it holds a text."""

    def read(text: str = "") -> str:
        deadline = time.monotonic() + PATIENCE
        while text not in (tmp_path / "output").read_text():
            assert time.monotonic() < deadline, (tmp_path / "output").read_text()
            time.sleep(0.05)
        return (tmp_path / "output").read_text()

    return read


class TestWorker:
    def test_sends_what_comes_and_stops_when_told(
        self, start: Start, output: Callable[..., str], enqueue: Enqueue, sql: Sql
    ) -> None:
        worker = start()
        output("job.worker_started")
        enqueue("person@example.com")
        assert "https://mbs.test/verify-email#token=t0ken" in output("mail to person@example.com")
        output("job.mail_sent")
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(PATIENCE) == 0
        (stopped,) = (json.loads(line) for line in output().splitlines() if "job.worker_stopped" in line)
        assert stopped["handled"]["mails"] == 1
        assert "Traceback" not in output()

    def test_lets_no_job_wait_for_another(self) -> None:
        stop, all_sent = threading.Event(), threading.Event()
        left = 3

        def print_next() -> bool:
            assert all_sent.wait(PATIENCE)
            stop.set()
            return True

        def send_next() -> bool:
            nonlocal left
            if left == 0:
                all_sent.set()
                return False
            left -= 1
            return True

        jobs = [Job("documents", print_next, waiting=lambda: 0), Job("mails", send_next, waiting=lambda: 0)]
        assert work(jobs, stop) == {"documents": 1, "mails": 3}

    def test_lets_a_job_that_fails_wait_alone(self) -> None:
        stop = threading.Event()
        rounds = {"broken": 0, "sound": 0}

        def broken() -> bool:
            rounds["broken"] += 1
            raise RuntimeError("what no release has foreseen")

        def sound() -> bool:
            rounds["sound"] += 1
            if rounds["sound"] == 1000:
                stop.set()
            return True

        jobs = [Job("broken", broken, waiting=lambda: 0), Job("sound", sound, waiting=lambda: 0)]
        assert work(jobs, stop) == {"broken": 0, "sound": 1000}
        assert rounds["broken"] <= 1

    def test_works_on_where_tidying_fails(self) -> None:
        stop = threading.Event()

        def tidy() -> None:
            raise RuntimeError("a table that no release has foreseen")

        def next_one() -> bool:
            stop.set()
            return True

        assert work([Job("mails", next_one, waiting=lambda: 0, tidy=tidy)], stop) == {"mails": 1}

    def test_once_sends_what_is_due_and_ends(
        self, start: Start, output: Callable[..., str], enqueue: Enqueue, sql: Sql
    ) -> None:
        for number in range(3):
            enqueue(f"person{number}@example.com")
        assert start("--once").wait(PATIENCE) == 0
        assert "3 mails handled, 0 wait." in output()

    def test_once_says_that_the_database_is_away(self, start: Start, output: Callable[..., str]) -> None:
        url = "postgresql://nobody:nothing@127.0.0.1:9/nowhere"
        assert start("--once", DATABASE_URL=url).wait(PATIENCE) == os.EX_UNAVAILABLE
        assert "the database could not be reached" in output()

    def test_outlives_its_database(
        self, start: Start, output: Callable[..., str], server: Server, template: str
    ) -> None:
        name = f"mbs_test_worker_{os.getpid()}"
        worker = start(DATABASE_URL=login_url(server, name, PLAIN_LOGIN))
        try:
            output("job.worker_waits")
            assert worker.poll() is None
            run_as_superuser(server, f"CREATE DATABASE {name} TEMPLATE {template}")
            run_as_superuser(
                server,
                "INSERT INTO account_mails (id, template, sealed) VALUES (gen_random_uuid(), 'x', 'lost')",
                name,
            )
            output("sealed with a secret that is gone")
            worker.send_signal(signal.SIGINT)
            assert worker.wait(PATIENCE) == 0
        finally:
            worker.kill()
            worker.wait()
            run_as_superuser(server, f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"JWT_ACCESS_SECRET": "short", "APP_ENV": "production"}, "JWT_ACCESS_SECRET"),
            ({"BASE_URL": "", "APP_ENV": "production"}, "set BASE_URL"),
        ],
    )
    def test_does_not_start_where_the_configuration_has_a_fault(
        self, start: Start, output: Callable[..., str], changes: dict[str, str], said: str
    ) -> None:
        assert start(**changes).wait(PATIENCE) == os.EX_CONFIG
        assert said in output()

    def test_sends_nobody_anything_from_a_deployment_without_a_provider(
        self, start: Start, output: Callable[..., str], enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        assert start("--once", APP_ENV="production").wait(PATIENCE) == 0
        assert "job.mail_suppressed" in output()
        assert "person@example.com" not in output()
