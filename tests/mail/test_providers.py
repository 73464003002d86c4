"""The queue of mails over real gateways: nothing is lost while providers are away, or refuse."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from mbs.config import Config
from mbs.foundation.db import Database
from mbs.mail.gateways.breaker import FAILURES
from mbs.mail.gateways.interface import Misconfigured, NotTried, Unavailable
from mbs.mail.models import PAUSES
from mbs.mail.service import DeliveryService
from mbs.parts import mail_gateway
from tests.factories.mails import Mailbox, SetClock, delivery
from tests.factories.stand_in_provider import EMAIL_FROM, Reply, StandInProvider, stand_in_provider
from tests.mail.conftest import Enqueue, Sql

STATE = "SELECT status, attempts, last_error FROM account_mails ORDER BY created_at"


@pytest.fixture
def provider() -> Iterator[StandInProvider]:
    with stand_in_provider() as running:
        yield running


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def worker(
    queue_environ: dict[str, str], queue: Database, provider: StandInProvider, clock: SetClock
) -> DeliveryService:
    environ = {**queue_environ, **provider.environ("sendgrid", "resend")}
    return delivery(environ, queue, mail_gateway(Config.load(environ)), clock)


class TestProviders:
    def test_get_a_mail_in_the_service_s_name(
        self, worker: DeliveryService, provider: StandInProvider, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        assert worker.deliver_next()
        (request,) = provider.taken()
        assert request.body["from"] == {"email": EMAIL_FROM, "name": "MyBizStream"}
        assert "https://mbs.test/verify-email#token=t0ken" in request.body["content"][0]["value"]
        assert sql("SELECT id::text FROM account_mails") == [(request.notification_id,)]

    def test_step_in_for_each_other_and_know_a_mail_again(
        self, worker: DeliveryService, provider: StandInProvider, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        provider.reply("sendgrid", Reply(500), Reply(500))
        provider.reply("resend", Reply(503))
        assert worker.deliver_next()
        assert sql(STATE) == [("queued", 1, "sendgrid answered 500 from.email")]
        clock.ahead = PAUSES[0] + timedelta(seconds=1)
        assert worker.deliver_next()
        assert sql(STATE) == [("sent", 2, None)]
        assert provider.taken()[0].provider == "resend"
        assert len({request.notification_id for request in provider.requests}) == 1

    def test_that_refuse_the_service_cost_no_mail(
        self, worker: DeliveryService, provider: StandInProvider, enqueue: Enqueue, sql: Sql
    ) -> None:
        for name in ("first", "second"):
            enqueue(f"{name}@example.com")
        provider.always("sendgrid", Reply(401))
        provider.always("resend", Reply(401))
        assert worker.deliver_next()
        assert not worker.deliver_next(), "nobody is asked for five minutes"
        assert sql("SELECT status, attempts FROM account_mails ORDER BY created_at") == [
            ("queued", 1),
            ("queued", 0),
        ]

    def test_that_are_away_are_left_alone(
        self, worker: DeliveryService, provider: StandInProvider, enqueue: Enqueue, sql: Sql
    ) -> None:
        provider.always("sendgrid", Reply(500))
        provider.always("resend", Reply(500))
        for number in range(2 * FAILURES):
            enqueue(f"person{number}@example.com")
        assert [worker.deliver_next() for _ in range(FAILURES + 1)] == [True] * FAILURES + [False]
        assert (provider.asked("sendgrid"), provider.asked("resend")) == (FAILURES, FAILURES)
        assert sql("SELECT sum(attempts) FROM account_mails") == [(FAILURES,)]

    def test_are_come_back_to_when_they_ask(
        self, worker: DeliveryService, provider: StandInProvider, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        provider.reply("sendgrid", Reply(429, retry_after="600"))
        assert worker.deliver_next()
        clock.ahead = timedelta(seconds=590)
        assert not worker.deliver_next()
        clock.ahead = timedelta(seconds=610)
        assert worker.deliver_next()
        assert sql(STATE) == [("sent", 2, None)]

    def test_that_were_not_asked_use_up_no_attempt(
        self, queue_environ: dict[str, str], queue: Database, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        mailbox = Mailbox(failures=[NotTried("sendgrid is away", retry_after=20)] * 9)
        worker = delivery(queue_environ, queue, mailbox, clock)
        for _ in range(9):
            assert worker.deliver_next()
            clock.ahead += timedelta(seconds=15)
            assert not worker.deliver_next()
            clock.ahead += timedelta(seconds=10)
        assert sql(STATE) == [("queued", 0, "sendgrid is away")]
        assert worker.deliver_next()
        assert sql(STATE) == [("sent", 1, None)]

    @pytest.mark.parametrize("failure", [Misconfigured("401"), Unavailable("503", retry_after=1)])
    def test_are_tried_six_times(
        self,
        queue_environ: dict[str, str],
        queue: Database,
        clock: SetClock,
        enqueue: Enqueue,
        sql: Sql,
        failure: Exception,
    ) -> None:
        enqueue("person@example.com")
        worker: Any = delivery(queue_environ, queue, Mailbox(failures=[failure] * 9), clock)
        for _ in range(6):
            assert worker.deliver_next()
            clock.ahead += PAUSES[-1] + timedelta(seconds=1)
        assert not worker.deliver_next()
        assert sql(STATE) == [("failed", 6, str(failure))]
