"""How often following and delivering ask the database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from sqlalchemy import event as engine_event
from sqlalchemy import text

from mbs.events.repository import EventRepository
from mbs.webhooks.repository.queue import WINDOW, ClaimRepository
from mbs.webhooks.service.delivering import NOBODY
from mbs.webhooks.service.following import WebhookFollower
from tests.factories.callers import Business
from tests.factories.webhook_objects import new_endpoint
from tests.webhooks.conftest import Worker
from tests.webhooks.receivers import Receiver
from tests.webhooks.test_delivering import customer
from tests.webhooks.test_queue import many_events

FIRST_FAILED = text(
    "UPDATE webhook_deliveries SET status = 'retrying'"
    " WHERE endpoint_id = :id AND event_type = 'customer.created'"
)


@contextmanager
def statements(business: Business) -> Iterator[list[str]]:
    """Yield what is sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    engine_event.listen(business.database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        engine_event.remove(business.database.engine, "before_cursor_execute", note)


class TestStatements:
    def test_of_following_are_as_many_for_one_event_as_for_a_batch(
        self, near_owner: Business, worker: Worker
    ) -> None:
        for _ in range(20):
            new_endpoint(near_owner)
        id_ = customer(near_owner)
        many_events(near_owner, id_, 99)
        with near_owner.database.transaction(near_owner.scope) as transaction:
            events = EventRepository(transaction).after(0, limit=200)
            wanted = [one for one in events if one.type.startswith("customer.")]
            with statements(near_owner) as sent:
                WebhookFollower().handle(transaction, wanted[:1])
                of_one = len(sent)
                WebhookFollower().handle(transaction, wanted[1:])
                of_many = len(sent) - of_one
            made = transaction.execute(text("SELECT count(*) FROM webhook_deliveries")).scalar_one()
        assert (of_one, of_many, made) == (2, 2, 2000)

    def test_of_delivering_are_as_many_for_one_as_for_eight(
        self, near_owner: Business, worker: Worker, receiver: Receiver
    ) -> None:
        new_endpoint(near_owner, "customer.*", url=receiver.url)

        def count(number: int) -> int:
            for one in range(number):
                many_events(near_owner, str(near_owner.tenant_id)[:-6] + f"{one:06}", 1)
            worker.follow()
            worker.delivering._last = NOBODY
            with statements(near_owner) as sent:
                assert worker.delivering.deliver_next()
                until = time.monotonic() + 10
                while not all(future.done() for future in worker.delivering._flying):
                    assert time.monotonic() < until
                worker.delivering._settle()
            return len(sent)

        assert count(1) == count(8) <= 9
        assert len(receiver.came) == 9

    def test_of_setting_aside_take_no_longer_the_more_waits(
        self, near_owner: Business, worker: Worker
    ) -> None:
        endpoint = UUID(new_endpoint(near_owner, "customer.*")["id"])
        many_events(near_owner, customer(near_owner), WINDOW + 50)
        worker.follow()
        with near_owner.database.transaction(near_owner.scope) as transaction:
            assert transaction.execute(FIRST_FAILED, {"id": endpoint}).rowcount == 1
            claims = ClaimRepository(transaction)
            taken = [claims.park([endpoint], at=worker.clock.now()) for _ in range(3)]
        assert taken == [WINDOW, 50, 0]
