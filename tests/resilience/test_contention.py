"""Requests wait for what others hold: they give up in time, and health does not wait with them."""

import statistics
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest

from tests.factories.servers import RunningService
from tests.resilience.conftest import Deployment
from tests.resilience.load import ANSWER_SECONDS, HEALTH_SECONDS, Answer, Client

pytestmark = pytest.mark.slow

REQUESTS = 60


@contextmanager
def held(deployment: Deployment, statement: str) -> Iterator[None]:
    """Keep the locks that a statement takes, by a transaction outside the service."""
    with closing(psycopg2.connect(deployment.server.server.url(deployment.database))) as connection:
        with connection.cursor() as cursor:
            cursor.execute(statement)
        yield
        connection.rollback()


def send(service: RunningService, method: str, path: str, token: str, body: object = None) -> Answer:
    client = Client(service.port)
    try:
        return client.send(method, path, token, body)
    finally:
        client.close()


@pytest.fixture
def customer(deployment: Deployment, service: RunningService) -> str:
    """The path of a customer of the first owner."""
    answer = send(service, "POST", "/api/customers", deployment.tokens[0], {"name": "Contended"})
    assert answer.status == 201, answer
    found = deployment.server.run("SELECT id FROM customers WHERE name = 'Contended'", deployment.database)
    return f"/api/customers/{found[-1][0]}"


class TestLockedRow:
    def test_is_busy_after_a_second(
        self, deployment: Deployment, service: RunningService, customer: str
    ) -> None:
        token = deployment.tokens[0]
        identifier = customer.rpartition("/")[2]
        with held(deployment, f"SELECT FROM customers WHERE id = '{identifier}' FOR UPDATE"):
            answer = send(service, "PATCH", customer, token, {"name": "Changed"})
            assert (answer.status, answer.retry_after) == (409, "1"), answer
            assert '"code":"BUSY"' in answer.body
            assert 0.9 <= answer.seconds <= 3
            # Reading does not wait for a writer.
            assert send(service, "GET", customer, token).status == 200
        assert send(service, "PATCH", customer, token, {"name": "Changed"}).status == 200
        assert deployment.connections("idle in transaction%") == 0


class TestExhaustedThreads:
    def test_shed_what_cannot_be_served_and_leave_health_alone(
        self, deployment: Deployment, service: RunningService
    ) -> None:
        tokens = deployment.tokens[1:]

        def read(number: int) -> Answer:
            return send(service, "GET", "/api/customers", tokens[number % len(tokens)])

        def probe(_: int) -> Answer:
            return send(service, "GET", "/health", "")

        with ThreadPoolExecutor(REQUESTS) as pool:
            with held(deployment, "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"):
                pending = [pool.submit(read, number) for number in range(REQUESTS)]
                probes = []
                while not all(one.done() for one in pending):
                    probes.append(probe(0))
                    time.sleep(0.01)
                answers = [one.result() for one in pending]
            statuses = Counter((one.status, one.retry_after is not None) for one in answers)
            slowest = max(one.seconds for one in answers)
            health = sorted(one.seconds * 1000 for one in probes)
            p99 = health[int(len(health) * 0.99)]
            print(
                f"{dict(statuses)}, slowest {slowest:.2f} s; /health of {len(health)}: median"
                f" {statistics.median(health):.1f} ms, p99 {p99:.0f} ms"
            )
            assert set(statuses) <= {(503, True), (409, True)}
            assert any('"code":"OVERLOADED"' in one.body for one in answers)
            assert slowest <= ANSWER_SECONDS
            assert {one.status for one in probes} == {200}
            assert p99 <= HEALTH_SECONDS * 1000
            # Every thread, slot and connection is free again.
            time.sleep(0.5)
            for _ in range(3):
                assert Counter(one.status for one in pool.map(read, range(8))) == {200: 8}
        assert deployment.connections("idle in transaction%") == 0
        assert deployment.connections("active") == 0

    def test_survive_clients_that_do_not_wait(self, deployment: Deployment, service: RunningService) -> None:
        tokens = deployment.tokens[1:]

        def abandon(number: int) -> None:
            client = Client(service.port, patience=0.05)
            client.send("GET", "/api/customers", tokens[number % len(tokens)])
            client.close()

        with ThreadPoolExecutor(16) as pool:
            with held(deployment, "LOCK TABLE customers IN ACCESS EXCLUSIVE MODE"):
                list(pool.map(abandon, range(200)))
            time.sleep(2)
            read = [send(service, "GET", "/api/customers", token) for token in tokens[:20]]
        assert {one.status for one in read} == {200}
        assert deployment.connections("idle in transaction%") == 0
        assert deployment.connections("active") == 0
