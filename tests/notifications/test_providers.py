"""Messages sent over HTTP: each answer of a provider, and each silence, ends in its state."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from mbs.config import Config
from mbs.foundation.db import Database
from mbs.foundation.limits import NoLimits
from mbs.notifications.models.attempts import LEASE
from mbs.notifications.service.sending import SendingService
from mbs.operations.worker_jobs import sending_service
from mbs.parts import Parts, mail_gateway
from tests.factories.mails import SetClock
from tests.factories.messages_queued import Sql, open_business, queue_message
from tests.factories.stand_in_provider import (
    CLOSING,
    GARBAGE,
    REDIRECTING,
    Provider,
    Reply,
    StandInProvider,
    stand_in_provider,
)

STATE = "SELECT status, attempts, provider FROM notifications WHERE id = %s"

Worker = Callable[..., SendingService]


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with stand_in_provider() as running:
        yield running


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def worker(
    queue: Database, queue_environ: dict[str, str], provider: StandInProvider, clock: SetClock
) -> Worker:
    """Return a function that starts a worker whose mails some providers carry, played on loopback."""

    def start(*providers: Provider) -> SendingService:
        config = Config.load({**queue_environ, **provider.environ(*(providers or ("sendgrid",)))})
        parts = Parts.of(config, database=queue, throttle=NoLimits())
        service = sending_service(parts, email=mail_gateway(config))
        service._clock = clock
        return service

    return start


@pytest.fixture
def salon(sql: Sql) -> UUID:
    return open_business(sql)


def state(sql: Sql, id_: UUID) -> Any:
    return sql(STATE, str(id_))[0]


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("reply", "ending"),
        [
            (None, ("sent", 1, "sendgrid")),
            (Reply(400), ("permanent_failure", 1, None)),
            (Reply(404), ("permanent_failure", 1, None)),
            (Reply(413), ("permanent_failure", 1, None)),
            (Reply(422), ("permanent_failure", 1, None)),
            (Reply(401), ("technical_failure", 1, None)),
            (Reply(403), ("technical_failure", 1, None)),
            (Reply(429), ("temporary_failure", 1, None)),
            (Reply(500), ("temporary_failure", 1, None)),
            (Reply(503), ("temporary_failure", 1, None)),
            (GARBAGE, ("temporary_failure", 1, None)),
            (CLOSING, ("temporary_failure", 1, None)),
            (REDIRECTING, ("temporary_failure", 1, None)),
        ],
        ids=str,
    )
    def test_ends_an_attempt(
        self,
        worker: Worker,
        provider: StandInProvider,
        sql: Sql,
        salon: UUID,
        reply: Reply | None,
        ending: tuple[str, int, str | None],
    ) -> None:
        if reply is not None:
            provider.reply("sendgrid", reply)
        id_ = queue_message(sql, salon)
        assert worker().send_next()
        assert state(sql, id_) == ending
        assert provider.asked("sendgrid") == 1

    @pytest.mark.slow
    def test_that_does_not_come_is_none(
        self, worker: Worker, provider: StandInProvider, sql: Sql, salon: UUID
    ) -> None:
        provider.freeze()
        ids = [queue_message(sql, salon) for _ in range(32)]
        service = worker()
        assert service.send_next()
        found = Counter(state(sql, id_)[:2] for id_ in ids)
        assert found[("temporary_failure", 1)] >= 5
        assert found == Counter(
            {("temporary_failure", 1): 32 - found[("queued", 0)], ("queued", 0): found[("queued", 0)]}
        ), "who did not get to it has used up no attempt"
        assert not service.send_next(), "the provider is left alone"

    def test_says_how_long_to_wait(
        self, worker: Worker, provider: StandInProvider, sql: Sql, salon: UUID
    ) -> None:
        provider.reply("sendgrid", Reply(429, retry_after="900"))
        queue_message(sql, salon)
        worker().send_next()
        ((left,),) = sql("SELECT due_at - now() FROM notifications")
        assert timedelta(minutes=14) < left < timedelta(minutes=16)


class TestTheProvider:
    def test_that_is_away_has_another_in_its_place(
        self, worker: Worker, provider: StandInProvider, sql: Sql, salon: UUID
    ) -> None:
        provider.always("sendgrid", Reply(503))
        id_ = queue_message(sql, salon)
        worker("sendgrid", "resend").send_next()
        assert state(sql, id_) == ("sent", 1, "resend")
        (request,) = provider.taken("resend")
        assert request.headers["Idempotency-Key"] == str(id_)

    def test_that_refuses_the_service_is_left_alone_at_once(
        self, worker: Worker, provider: StandInProvider, sql: Sql, salon: UUID
    ) -> None:
        provider.always("sendgrid", Reply(401))
        id_, service = queue_message(sql, salon), worker()
        service.send_next()
        assert state(sql, id_)[0] == "technical_failure"
        waits = queue_message(sql, salon)
        assert not service.send_next()
        assert (state(sql, waits), provider.asked("sendgrid")) == (("queued", 0, None), 1)

    def test_gets_each_message_once_from_three_workers(
        self, worker: Worker, provider: StandInProvider, sql: Sql, salon: UUID
    ) -> None:
        ids = [queue_message(sql, salon) for _ in range(96)]
        services, ready = [worker() for _ in range(3)], threading.Barrier(3)

        def race(service: SendingService) -> None:
            ready.wait(10)
            while service.send_next():
                pass

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(race, services))
        sent = Counter(request.notification_id for request in provider.taken())
        assert sent == Counter(map(str, ids))
        assert sql("SELECT DISTINCT status, attempts FROM notifications") == [("sent", 1)]

    def test_gets_the_same_id_again_when_a_worker_has_died(
        self, worker: Worker, provider: StandInProvider, clock: SetClock, sql: Sql, salon: UUID
    ) -> None:
        class Killed(SendingService):
            def _mark(self, *_: Any) -> None:
                raise SystemExit

        id_, dying = queue_message(sql, salon), worker("resend")
        dying.__class__ = Killed
        with pytest.raises(SystemExit):
            dying.send_next()
        clock.ahead += LEASE + timedelta(seconds=1)
        another = worker("resend")
        another.promote()
        assert another.send_next()
        assert state(sql, id_) == ("sent", 2, "resend")
        keys = [request.headers["Idempotency-Key"] for request in provider.taken()]
        assert keys == [str(id_)] * 2
        # Resend takes a second one with the same key for the first, as long as it says the same.
        assert len({request.message_id for request in provider.taken()}) == 1
