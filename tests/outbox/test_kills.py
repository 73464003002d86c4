"""The worker killed in the middle of its work, fifty times: nothing is lost, nothing is half done."""

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.factories.stand_in_provider import StandInProvider
from tests.outbox.conftest import Sql
from tests.outbox.traffic import Traffic
from tests.webhooks.receivers import Receiver

ROOT = Path(__file__).resolve().parents[2]
KILLS, EVENTS_EACH = 50, 100
PATIENCE = 90.0
SEED = 20
IN_HAND = 32
"""So many messages, or deliveries, a worker has in hand at most."""

CONFIRMED = "FROM notifications WHERE rule = 'booking.confirmed'"
CREATED = "FROM events, webhook_endpoints WHERE type = 'customer.created' AND seq > events_after"

Start = Callable[[], int]


@pytest.fixture
def start(worker_environ: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Return a function that starts a worker, and gives its process id once it works."""
    launcher = subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.launcher"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **worker_environ},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    numbers = itertools.count()

    def start() -> int:
        log = tmp_path / f"worker-{next(numbers)}.log"
        assert launcher.stdin is not None
        assert launcher.stdout is not None
        print(log, file=launcher.stdin, flush=True)
        pid = int(launcher.stdout.readline())
        until(lambda: log.exists() and "job.worker_started" in log.read_text())
        return pid

    try:
        yield start
    finally:
        os.killpg(launcher.pid, signal.SIGKILL)
        launcher.communicate()


def end(pid: int, number: int) -> None:
    """Send a worker a signal, and wait until it is gone."""
    os.kill(pid, number)
    until(lambda: not Path(f"/proc/{pid}").exists())


def until(done: Callable[[], Any], seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestAWorkerKilledFiftyTimes:
    def test_loses_nothing_and_leaves_nothing_half_done(
        self,
        worker_environ: dict[str, str],
        provider: StandInProvider,
        receiver: Receiver,
        start: Start,
        sql: Sql,
    ) -> None:
        traffic = Traffic(worker_environ, receiver, sql)
        moments = random.Random(SEED)

        def came(since: int = 0) -> int:
            return len(provider.requests) + len(receiver.came) - since

        for _ in range(KILLS):
            worker = start()
            before = came()
            traffic.append(EVENTS_EACH)
            until(partial(came, since=before))
            time.sleep(moments.uniform(0, 0.2))
            end(worker, signal.SIGKILL)
        # Nobody lives who could hold a lease; that they end by themselves would take another minute.
        sql("UPDATE notifications SET due_at = now() WHERE status = 'sending'")
        sql("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'sending'")
        last = start()
        until(lambda: not sql("SELECT 1 FROM event_heads WHERE pending"))
        until(lambda: sql(f"SELECT DISTINCT status {CONFIRMED}") == [("sent",)])
        until(lambda: sql("SELECT DISTINCT status FROM webhook_deliveries") == [("delivered",)])
        end(last, signal.SIGTERM)

        messages = [str(id_) for (id_,) in sql(f"SELECT id {CONFIRMED}")]
        taken = Counter(one.notification_id for one in provider.taken())
        assert len(messages) == 1 + KILLS * EVENTS_EACH // 2
        assert all(taken[id_] for id_ in messages)
        known = sql("SELECT id FROM notifications UNION SELECT id FROM account_mails")
        assert taken.keys() <= {str(id_) for (id_,) in known}

        events = [str(id_) for (id_,) in sql(f"SELECT events.id {CREATED}")]
        delivered = Counter(one.headers["webhook-id"] for one in receiver.came)
        assert len(events) == KILLS * EVENTS_EACH // 2
        assert delivered.keys() == set(events)

        assert sql("SELECT 1 FROM event_failures") == []
        # What a worker had sent and not yet written down comes twice, and nothing else.
        assert taken.total() - len(taken) <= KILLS * IN_HAND
        assert delivered.total() - len(delivered) <= KILLS * IN_HAND
