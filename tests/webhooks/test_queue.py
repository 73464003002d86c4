"""The queue of deliveries: order, fairness, and workers that die or race."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import text

from mbs.foundation.errors import Unavailable
from mbs.operations.embedded_postgres import Server
from mbs.webhooks.models.attempts import LEASE, PAUSES, Attempt
from mbs.webhooks.models.sending import Sent
from mbs.webhooks.repository.queue import IN_FLIGHT_OF_ENDPOINT
from mbs.webhooks.service.delivering import THREADS
from mbs.webhooks.service.outcomes import write
from tests.conftest import run_as_superuser
from tests.factories.callers import Business
from tests.factories.webhook_objects import new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Answer, Delivered, Receiver
from tests.webhooks.test_delivering import customer, only_delivery

MANY_EVENTS = text(
    """
    SELECT append_event(:tenant, '{', '}', gen_random_uuid(), 'customer.updated', 'customer',
                        CAST(:object AS uuid), '{}', now(), '{"object": {}, "previous": {}}', '')
    FROM generate_series(1, :number)
    """
)


def many_events(owner: Business, object_id: str, number: int) -> None:
    """Append events about one object, past the API: what is in them does not matter here."""
    with owner.database.transaction(owner.scope) as transaction:
        values = {"tenant": owner.tenant_id, "object": object_id, "number": number}
        transaction.execute(MANY_EVENTS, values)


def statuses(owner: Business, endpoint: Any) -> dict[str, int]:
    with owner.database.transaction(owner.scope) as transaction:
        counted = text(
            "SELECT status, count(*) AS number FROM webhook_deliveries WHERE endpoint_id = :id GROUP BY 1"
        )
        rows = transaction.execute(counted, {"id": endpoint["id"]}).all()
        return {row.status: row.number for row in rows}


def most_at_once(came: list[Delivered]) -> int:
    """Return how many requests were being answered at the same time, at most."""
    edges = sorted([(one.came_at, 1) for one in came] + [(one.left_at, -1) for one in came])
    flying = most = 0
    for _, step in edges:
        flying += step
        most = max(most, flying)
    return most


class TestTheOrderOfAnObject:
    @pytest.mark.slow
    def test_holds_while_deliveries_fail_and_three_workers_race(
        self, near_owner: Business, new_worker: Callable[[], Worker], receiver: Receiver
    ) -> None:
        random, lock = Random(7), threading.Lock()

        def answer(_path: str, _event: Any) -> Answer:
            with lock:
                return Answer(status=random.choice([200, 200, 200, 503, 429]), seconds=0.01)

        receiver.answer = answer
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        objects = [customer(near_owner) for _ in range(5)]
        for _ in range(8):
            for one in objects:
                many_events(near_owner, one, 1)
        workers = [new_worker() for _ in range(3)]
        workers[0].follow()
        for _ in range(60):
            with ThreadPoolExecutor(len(workers)) as pool:
                for done in [pool.submit(worker.deliver) for worker in workers]:
                    done.result()
            if set(statuses(near_owner, endpoint)) == {"delivered"}:
                break
            # Each waits in its own time: nothing fails for good before the others have arrived.
            workers[0].clock.ahead += PAUSES[0] + timedelta(seconds=1)
            with near_owner.database.transaction(near_owner.scope) as transaction:
                transaction.execute(
                    text("UPDATE webhook_deliveries SET due_at = now() WHERE status = 'retrying'")
                )
        assert statuses(near_owner, endpoint) == {"delivered": 45}
        of_object: dict[str, list[Delivered]] = defaultdict(list)
        for request in receiver.came:
            of_object[request.event["objectId"]].append(request)
        assert set(of_object) == set(objects)
        for came in of_object.values():
            came.sort(key=lambda one: one.came_at)
            arrived = [one.event["seq"] for one in came if one.status == 200]
            assert arrived == sorted(set(arrived))
            assert len(arrived) == 9
            assert most_at_once(came) == 1
        assert any(one.status == 503 for one in receiver.came)

    def test_keeps_those_behind_one_that_waits_out_of_the_queue(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(status=503)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        many_events(near_owner, customer(near_owner), 20)
        worker.work()
        assert (len(receiver.came), worker.delivering.waiting()) == (1, 0)
        assert statuses(near_owner, endpoint) == {"retrying": 21}
        receiver.answer = lambda path, event: Answer()
        worker.clock.ahead += PAUSES[0] + timedelta(seconds=1)
        worker.deliver()
        assert statuses(near_owner, endpoint) == {"delivered": 21}
        seqs = [one.event["seq"] for one in receiver.came]
        assert seqs == [seqs[0], *range(seqs[0], seqs[0] + 21)]

    def test_does_not_hold_up_other_objects(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        bad = customer(near_owner)
        receiver.answer = lambda path, event: Answer(status=503 if event["objectId"] == bad else 200)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        many_events(near_owner, bad, 300)
        customer(near_owner)
        worker.work()
        assert statuses(near_owner, endpoint) == {"retrying": 300, "delivered": 1}


class TestAnEndpoint:
    def test_has_eight_in_flight_at_most(
        self, near_owner: Business, new_worker: Callable[[], Worker], receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(seconds=0.05)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        for _ in range(60):
            many_events(near_owner, str(near_owner.tenant_id)[:-6] + f"{_:06}", 1)
        workers = [new_worker() for _ in range(3)]
        workers[0].follow()
        with ThreadPoolExecutor(3) as pool:
            for done in [pool.submit(worker.deliver) for worker in workers]:
                done.result()
        assert statuses(near_owner, endpoint) == {"delivered": 60}
        assert len(receiver.came) == 60
        assert 1 < most_at_once(receiver.came) <= IN_FLIGHT_OF_ENDPOINT

    def test_that_fails_has_one(self, near_owner: Business, worker: Worker, receiver: Receiver) -> None:
        receiver.answer = lambda path, event: Answer(status=500, seconds=0.05)
        new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.work()
        receiver.came.clear()
        for number in range(10):
            many_events(near_owner, str(near_owner.tenant_id)[:-6] + f"{number:06}", 1)
        worker.work()
        assert len(receiver.came) == 10
        assert most_at_once(receiver.came) == 1


class TestADeadReceiver:
    def test_of_one_business_does_not_delay_another_s(
        self, near_business: Callable[[], Business], worker: Worker, receiver: Receiver
    ) -> None:
        enough = threading.Event()

        def answer(path: str, _event: Any) -> Answer:
            if path == "/dead":
                enough.wait(9)
            return Answer()

        receiver.answer = answer
        dead, well = near_business(), near_business()
        for _ in range(1 + THREADS // IN_FLIGHT_OF_ENDPOINT):
            new_endpoint(dead, "customer.*", url=f"{receiver.url}/dead")
        endpoint = new_endpoint(well, "customer.*", url=f"{receiver.url}/well")
        for number in range(10):
            many_events(dead, str(dead.tenant_id)[:-6] + f"{number:06}", 1)
        worker.follow()
        for _ in range(5):
            worker.delivering.deliver_next()
        customer(well)
        worker.follow()
        since = time.monotonic()
        try:
            while statuses(well, endpoint) != {"delivered": 1}:
                assert time.monotonic() - since < 5, "it waits for the other business's receiver"
                worker.delivering.deliver_next()
            assert receiver.of("/dead") == []
        finally:
            enough.set()
            worker.deliver()
        assert len(receiver.of("/dead")) == 40


class TestAWorker:
    def test_that_dies_leaves_its_deliveries_to_another(
        self, near_owner: Business, new_worker: Callable[[], Worker], receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        dying, other = new_worker(), new_worker()
        dying.follow()
        (held,) = dying.delivering._claim_next()
        other.deliver()
        assert receiver.came == []
        other.clock.ahead += LEASE + timedelta(seconds=1)
        other.deliver()
        assert len(receiver.came) == 1
        delivery = only_delivery(near_owner, endpoint)
        assert (delivery["status"], delivery["attempts"]) == ("delivered", 2)
        # What the first one says of it after all is no longer heard.
        late = Sent(held, Attempt(at=other.clock.now(), duration_ms=1, error="timeout"))
        with near_owner.database.transaction(near_owner.scope) as transaction:
            write(transaction, [late], at=other.clock.now())
        assert only_delivery(near_owner, endpoint) == delivery

    def test_that_was_stopped_for_a_while_sends_nothing_stale(
        self, near_owner: Business, worker: Worker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.follow()
        (held,) = worker.delivering._claim_next()
        now = time.monotonic()
        monkeypatch.setattr("mbs.webhooks.service.delivering.time.monotonic", lambda: now + 40)
        assert worker.delivering._send(held) is None
        monkeypatch.undo()
        assert receiver.came == []

    def test_writes_what_it_has_sent_when_the_database_is_back(
        self, near_owner: Business, worker: Worker, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.follow()
        service, begin = worker.delivering, worker.delivering._begin
        assert service.deliver_next()

        def away(*_: Any) -> Any:
            raise Unavailable

        monkeypatch.setattr(service, "_begin", away)
        with pytest.raises(Unavailable):
            worker.deliver()
        monkeypatch.setattr(service, "_begin", begin)
        worker.deliver()
        assert (len(receiver.came), statuses(near_owner, endpoint)) == (1, {"delivered": 1})

    def test_writes_what_it_has_in_hand_before_it_ends(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        receiver.answer = lambda path, event: Answer(seconds=0.3)
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.follow()
        assert worker.delivering.deliver_next()
        worker.delivering.close()
        assert statuses(near_owner, endpoint) == {"delivered": 1}

    def test_cannot_sign_without_the_secret_that_sealed(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        with near_owner.database.transaction(near_owner.scope) as transaction:
            transaction.execute(text("UPDATE webhook_endpoints SET secret = 'gAAAAA'"))
        customer(near_owner)
        worker.work()
        assert only_delivery(near_owner, endpoint)["lastError"] == "secret_lost"
        assert receiver.came == []


class TestABusiness:
    def test_that_is_suspended_waits(
        self, near_owner: Business, worker: Worker, receiver: Receiver, server: Server, database_name: str
    ) -> None:
        endpoint = new_endpoint(near_owner, "customer.*", url=receiver.url)
        customer(near_owner)
        worker.follow()
        for status, came in (("suspended", 0), ("active", 1)):
            change = f"UPDATE tenants SET status = '{status}' WHERE id = '{near_owner.tenant_id}'"
            run_as_superuser(server, change, database_name)
            worker.deliver()
            assert len(receiver.came) == came
        assert statuses(near_owner, endpoint) == {"delivered": 1}
