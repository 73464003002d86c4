"""`mbs worker` from an event to what it sets off, over a stand-in of each receiver."""

import os
import subprocess
import sys
from pathlib import Path

from tests.factories.stand_in_provider import StandInProvider
from tests.outbox.conftest import Sql
from tests.outbox.traffic import Traffic
from tests.webhooks.receivers import Receiver

ROOT = Path(__file__).resolve().parents[2]


class TestOnce:
    def test_sends_what_the_events_set_off(
        self, worker_environ: dict[str, str], provider: StandInProvider, receiver: Receiver, sql: Sql
    ) -> None:
        Traffic(worker_environ, receiver, sql).append(2)
        done = subprocess.run(
            [sys.executable, "-m", "mbs", "worker", "--once"],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **worker_environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        )
        assert "1 event batches handled, 0 wait." in done.stderr
        assert "0 failed events handled, 0 wait." in done.stderr
        confirmed = sql("SELECT id FROM notifications WHERE rule = 'booking.confirmed'")
        assert len(confirmed) == 2
        assert {str(id_) for (id_,) in confirmed} <= {one.notification_id for one in provider.taken()}
        (event,) = [one.event for one in receiver.came]
        assert event["type"] == "customer.created"
