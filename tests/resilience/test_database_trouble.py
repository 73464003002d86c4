"""The database stops, crashes, freezes, refuses: under load there are honest answers, and recovery by itself.

Each test prints its figures (`pytest -rP`). The bounds are those of runbook section 9.
"""

import time
from collections.abc import Callable

import pytest

from tests.factories.servers import RunningService, serve
from tests.resilience.conftest import Deployment
from tests.resilience.load import Record, under_load

pytestmark = pytest.mark.slow

RECOVERY_SECONDS = 5.0
WORKERS = 2
CONNECTIONS_PER_WORKER = 4 + 2 + 1  # the pool, the limiter's, the probes'


def settle(deployment: Deployment, record: Record, back: float, title: str) -> None:
    """Demand that the service came back by itself, and left nothing behind in the database."""
    recovery = max(0.0, record.last_failure() - back)
    print(f"{title}: {record.summary()}; last failure {recovery:.2f} s after its return")
    record.check()
    assert record.statuses()[503] > 0, "nothing was disturbed"
    assert recovery <= RECOVERY_SECONDS
    after = [one.status for one in record.answers if one.at > back + recovery]
    assert len(after) >= 20
    assert deployment.connections("idle in transaction%") == 0
    assert deployment.connections() <= WORKERS * CONNECTIONS_PER_WORKER


def until(condition: Callable[[], bool], seconds: float) -> float:
    """Wait for a condition and return how long it took."""
    start = time.monotonic()
    while not condition():
        assert time.monotonic() - start < seconds, f"not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - start


def is_ready(service: RunningService) -> bool:
    return service.get("/health/ready")[0] == 200


class TestStoppedServer:
    @pytest.mark.parametrize(("mode", "away"), [("fast", 2.0), ("fast", 0.0), ("immediate", 0.0)])
    def test_is_missed_only_as_long_as_it_is_away(
        self, deployment: Deployment, service: RunningService, mode: str, away: float
    ) -> None:
        before = deployment.customers()
        with under_load(service.port, deployment.tokens) as record:
            time.sleep(1)
            deployment.server.stop(mode)
            time.sleep(away)
            if away:
                assert service.get("/health/db")[0] == 503
                assert not is_ready(service)
            deployment.server.start()
            back = time.monotonic()
            until(lambda: is_ready(service), 10)
            time.sleep(3)
        settle(deployment, record, back, f"stopped ({mode}), away {away:g} s")
        assert deployment.customers() - before >= record.statuses()[201], "an acknowledged write was lost"

    def test_is_waited_for_when_the_service_starts_first(self, deployment: Deployment) -> None:
        deployment.server.stop()
        try:
            with serve(deployment.environ) as service:
                assert service.get("/health")[2] == b'{"status":"ok"}'
                assert service.get("/health/db")[0] == 503
                assert not is_ready(service)
                status, headers, body = service.get("/api/customers", headers=bearer(deployment))
                assert (status, b"SERVICE_UNAVAILABLE" in body) == (503, True)
                assert int(headers["retry-after"]) > 0
                deployment.server.start()
                seconds = until(lambda: is_ready(service), RECOVERY_SECONDS)
                print(f"ready {seconds:.2f} s after the database")
                assert service.get("/api/customers", headers=bearer(deployment))[0] == 200
        finally:
            if not (deployment.server.server.data_directory / "postmaster.pid").exists():
                deployment.server.start()


class TestFrozenServer:
    def test_is_given_up_on_in_time(self, deployment: Deployment, service: RunningService) -> None:
        with under_load(service.port, deployment.tokens) as record:
            time.sleep(1)
            with deployment.server.frozen():
                time.sleep(1.5)
                start = time.monotonic()
                assert service.get("/health/db")[0] == 503
                seconds = time.monotonic() - start
                assert not is_ready(service)
                time.sleep(6)
            back = time.monotonic()
            until(lambda: is_ready(service), 10)
            time.sleep(3)
        print(f"/health/db of a frozen database: 503 in {seconds:.2f} s")
        assert seconds <= 3.5
        settle(deployment, record, back, "frozen")


class TestTerminatedBackends:
    def test_are_replaced(self, deployment: Deployment, service: RunningService) -> None:
        victims = 0
        with under_load(service.port, deployment.tokens) as record:
            end = time.monotonic() + 4
            while time.monotonic() < end:
                victims += len(
                    deployment.server.run(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        f" WHERE datname = '{deployment.database}' ORDER BY random() LIMIT 2"
                    )
                )
                time.sleep(0.1)
            back = time.monotonic()
            time.sleep(2)
        print(f"{victims} backends terminated")
        settle(deployment, record, back, "terminated")


class TestReadOnlyServer:
    def test_is_not_written_to_and_recovers(self, deployment: Deployment, service: RunningService) -> None:
        def switch(value: str) -> None:
            deployment.server.run(f"ALTER SYSTEM SET default_transaction_read_only = {value}")
            deployment.server.run("SELECT pg_reload_conf()")

        try:
            with under_load(service.port, deployment.tokens) as record:
                time.sleep(1)
                switch("on")
                until(lambda: not is_ready(service), 5)
                assert service.get("/health/db")[0] == 200
                time.sleep(1)
                switch("off")
                back = time.monotonic()
                until(lambda: is_ready(service), 10)
                time.sleep(2)
        finally:
            switch("off")
        settle(deployment, record, back, "read-only")


def bearer(deployment: Deployment) -> dict[str, str]:
    return {"Authorization": f"Bearer {deployment.tokens[0]}"}
