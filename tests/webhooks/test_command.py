"""`mbs worker`, which sends webhooks."""

import os
import subprocess
import sys

from tests.factories.answers import listed
from tests.factories.callers import Business
from tests.factories.webhook_objects import PATH, new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Answer, Receiver
from tests.webhooks.test_delivering import customer


class TestTheWorker:
    def test_sends_what_happened_and_writes_it_down_before_it_ends(
        self, near_owner: Business, near_environ: dict[str, str], worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(seconds=0.5)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        ids = {customer(near_owner) for _ in range(3)}
        ended = subprocess.run(
            [sys.executable, "-m", "mbs", "worker", "--once"],
            env={"PATH": os.environ["PATH"], **near_environ},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        assert {one.verified_by(endpoint["secret"])["objectId"] for one in receiver.came} == ids
        sent = listed(near_owner, f"{PATH}/{endpoint['id']}/deliveries")
        assert [one["status"] for one in sent] == ["delivered"] * 3
