"""However much one business has to send, the others are not kept waiting."""

import time
from collections.abc import Iterator
from uuid import UUID

import pytest

from mbs.foundation.db import Database
from mbs.mail.models import Message
from mbs.notifications.models.attempts import BATCH
from mbs.notifications.service.sending import SendingService
from tests.factories.messages_queued import Sql, copy_message, open_business, queue_message
from tests.factories.sending import Outbox, sending

MANY = 10_000


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def worker(queue: Database, outbox: Outbox) -> Iterator[SendingService]:
    service = sending(queue, outbox)
    yield service
    service.close()


def turns_until(worker: SendingService, outbox: Outbox, id_: UUID, most: int = 10) -> int:
    """Take turns until a message has gone out; return how many that took."""
    for number in range(1, most + 1):
        assert worker.send_next()
        if id_ in outbox.ids:
            return number
    raise AssertionError(f"not sent in {most} turns")


class TestOneMessage:
    @pytest.mark.parametrize("first", ["the many", "the one"])
    def test_goes_within_two_turns_whoever_has_10_000_before_it(
        self, worker: SendingService, outbox: Outbox, sql: Sql, first: str
    ) -> None:
        salons = sorted([open_business(sql), open_business(sql)])
        crowded, small = salons if first == "the many" else salons[::-1]
        copy_message(sql, queue_message(sql, crowded), MANY - 1)
        assert worker.send_next(), "its turn had come before the other had anything"
        since = time.monotonic()
        wanted = queue_message(sql, small)
        assert turns_until(worker, outbox, wanted) <= 2
        assert time.monotonic() - since < 5
        assert worker.waiting() >= MANY - 3 * BATCH

    def test_of_each_of_40_businesses_goes_in_its_turn(
        self, worker: SendingService, outbox: Outbox, sql: Sql
    ) -> None:
        crowded = open_business(sql)
        copy_message(sql, queue_message(sql, crowded), 500)
        wanted = {queue_message(sql, open_business(sql)) for _ in range(40)}
        for _ in range(41):
            assert worker.send_next()
        assert wanted <= set(outbox.ids)
        mails = [one for one in outbox.messages if isinstance(one, Message)]
        assert len(mails) == 40 + BATCH, "the crowded one had one turn among the others'"


class TestASuspendedBusiness:
    def test_keeps_its_messages_and_stops_nobody(
        self, worker: SendingService, outbox: Outbox, sql: Sql
    ) -> None:
        suspended = open_business(sql, status="suspended")
        copy_message(sql, queue_message(sql, suspended), 100)
        wanted = queue_message(sql, open_business(sql))
        assert turns_until(worker, outbox, wanted) == 1
        assert not worker.send_next()
        assert worker.waiting() == 101
        sql("UPDATE tenants SET status = 'active' WHERE id = %s", str(suspended))
        assert worker.send_next()
