"""Each mail reaches its gateway, outages and killed workers notwithstanding, and no mail is two workers'."""

import logging
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope
from mbs.foundation.sealing import Sealer
from mbs.mail.gateways.console import NoGateway
from mbs.mail.gateways.interface import Receipt, Refused, Unavailable
from mbs.mail.models import LEASE, PAUSES, Message
from mbs.mail.repository import MailRepository
from tests.factories.mails import Mailbox, SetClock, delivery
from tests.mail.conftest import Enqueue, Sql

STATE = "SELECT status, attempts, sealed IS NULL, last_error FROM account_mails ORDER BY created_at"


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def worker(queue_environ: dict[str, str], queue: Database, mailbox: Mailbox, clock: SetClock) -> Any:
    return delivery(queue_environ, queue, mailbox, clock)


class TestDelivery:
    def test_sends_the_oldest_first_and_forgets_what_it_said(
        self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql
    ) -> None:
        for number in range(3):
            enqueue(f"person{number}@example.com")
        assert [worker.deliver_next() for _ in range(4)] == [True, True, True, False]
        assert [message.to for message in mailbox.messages] == [f"person{n}@example.com" for n in range(3)]
        assert "https://mbs.test/verify-email#token=t0ken" in mailbox.messages[0].text
        assert sql(STATE) == [("sent", 1, True, None)] * 3

    def test_sends_nothing_while_a_transaction_is_open(
        self, queue_environ: dict[str, str], queue: Database, enqueue: Enqueue, sql: Sql
    ) -> None:
        seen: list[Any] = []

        class Observer(Mailbox):
            def send(self, message: Message) -> Receipt:
                seen.append(queue.engine.pool.checkedout())  # type: ignore[attr-defined]
                seen.append(sql("SELECT claimed_until > now() FROM account_mails FOR UPDATE NOWAIT"))
                return super().send(message)

        enqueue("person@example.com")
        delivery(queue_environ, queue, Observer()).deliver_next()
        assert seen == [0, [(True,)]], "the claim is committed, and no connection is held"

    def test_loses_nothing_in_an_outage(
        self, worker: Any, mailbox: Mailbox, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        mailbox.failures = [Unavailable("503") for _ in range(len(PAUSES))]
        for number, pause in enumerate(PAUSES, 1):
            assert worker.deliver_next()
            assert sql(STATE) == [("queued", number, False, "503")]
            clock.ahead += pause - timedelta(seconds=5)
            assert not worker.deliver_next(), "too early"
            clock.ahead += timedelta(seconds=10)
        assert mailbox.messages == []

        assert worker.deliver_next()
        assert [message.to for message in mailbox.messages] == ["person@example.com"]
        assert sql(STATE) == [("sent", 6, True, None)]

    def test_gives_up_after_six_attempts_and_says_so(
        self,
        worker: Any,
        mailbox: Mailbox,
        clock: SetClock,
        enqueue: Enqueue,
        sql: Sql,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        enqueue("person@example.com")
        mailbox.failures = [Unavailable("503") for _ in range(6)]
        for _ in range(6):
            assert worker.deliver_next()
            clock.ahead += PAUSES[-1] + timedelta(seconds=1)
        assert not worker.deliver_next()
        assert sql(STATE) == [("failed", 6, True, "503")]
        (failed,) = [one for one in caplog.records if one.__dict__.get("event") == "job.mail_failed"]
        assert failed.levelno == logging.ERROR

    def test_tries_no_second_time_what_is_refused(
        self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("nobody@example.com")
        enqueue("person@example.com")
        mailbox.failures = [Refused("no such mailbox")]
        while worker.deliver_next():
            pass
        assert sql(STATE) == [("failed", 1, True, "no such mailbox"), ("sent", 1, True, None)]

    def test_without_a_provider_ends_with_a_warning(
        self,
        queue_environ: dict[str, str],
        queue: Database,
        enqueue: Enqueue,
        sql: Sql,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        enqueue("person@example.com")
        assert delivery(queue_environ, queue, NoGateway()).deliver_next()
        assert sql(STATE) == [("suppressed", 1, True, "no provider is configured")]
        assert [one.levelname for one in caplog.records if one.name == "mbs.job"] == ["WARNING"]

    def test_of_a_mail_sealed_with_a_lost_secret_fails_cleanly(
        self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com", secret="of a deployment long ago")
        enqueue("other@example.com")
        while worker.deliver_next():
            pass
        assert sql(STATE) == [
            ("failed", 1, True, "sealed with a secret that is gone"),
            ("sent", 1, True, None),
        ]
        assert [message.to for message in mailbox.messages] == ["other@example.com"]

    def test_of_a_template_that_only_the_next_release_knows_waits_for_it(
        self, worker: Any, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com", "birthday")
        assert worker.deliver_next()
        assert sql(STATE) == [("queued", 1, False, "KeyError")]

    def test_notes_no_address_when_a_gateway_breaks(
        self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql, caplog: pytest.LogCaptureFixture
    ) -> None:
        enqueue("person@example.com")
        mailbox.failures = [RuntimeError("person@example.com bounced")]
        assert worker.deliver_next()
        assert sql(STATE) == [("queued", 1, False, "RuntimeError")]

    def test_to_nobody_never_happens(self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql) -> None:
        enqueue(None)
        assert not worker.deliver_next()
        assert sql(STATE) == [("suppressed", 0, True, None)]

    def test_forgets_mails_after_thirty_days(
        self, worker: Any, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        worker.deliver_next()
        clock.ahead = timedelta(days=29)
        assert worker.forget_old() == 0
        clock.ahead = timedelta(days=31)
        assert worker.forget_old() == 1


class TestTwoWorkers:
    def test_share_the_queue_without_a_duplicate(
        self, queue_environ: dict[str, str], queue: Database, enqueue: Enqueue, sql: Sql
    ) -> None:
        for number in range(60):
            enqueue(f"person{number}@example.com")
        mailboxes = [Mailbox() for _ in range(4)]
        barrier = threading.Barrier(len(mailboxes))

        def work(mailbox: Mailbox) -> None:
            service = delivery(queue_environ, queue, mailbox)
            barrier.wait(10)
            # A worker that finds the only due mail locked goes home early; so it looks again.
            while service.deliver_next() or service.waiting():
                pass

        threads = [threading.Thread(target=work, args=(mailbox,), daemon=True) for mailbox in mailboxes]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        sent = Counter(message.to for mailbox in mailboxes for message in mailbox.messages)
        assert sent == Counter(f"person{number}@example.com" for number in range(60))
        assert sum(bool(mailbox.messages) for mailbox in mailboxes) > 1

    def test_take_over_what_a_killed_one_had_claimed(
        self,
        queue_environ: dict[str, str],
        queue: Database,
        mailbox: Mailbox,
        clock: SetClock,
        enqueue: Enqueue,
        sql: Sql,
    ) -> None:
        class Killer(Mailbox):
            def send(self, message: Message) -> Receipt:
                raise SystemExit("killed between claim and finish")

        enqueue("person@example.com")
        with pytest.raises(SystemExit):
            delivery(queue_environ, queue, Killer(), clock).deliver_next()
        other = delivery(queue_environ, queue, mailbox, clock)
        clock.ahead = LEASE - timedelta(seconds=5)
        assert not other.deliver_next(), "the lease still stands"
        clock.ahead = LEASE + timedelta(seconds=5)
        assert other.deliver_next()
        assert [message.to for message in mailbox.messages] == ["person@example.com"]
        assert sql(STATE) == [("sent", 2, True, None)]

    def test_are_spared_a_mail_that_kills_each_of_them(
        self, worker: Any, mailbox: Mailbox, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com")
        sql("UPDATE account_mails SET attempts = 6")
        assert worker.deliver_next()
        assert mailbox.messages == []
        assert sql(STATE) == [("failed", 7, True, "each attempt ended its worker")]

    def test_do_not_wait_for_each_other(
        self, worker: Any, mailbox: Mailbox, queue: Database, clock: SetClock, enqueue: Enqueue
    ) -> None:
        enqueue("first@example.com")
        enqueue("second@example.com")
        with queue.transaction(Scope(), Role.IDENTITY) as claiming:
            assert MailRepository(claiming, Sealer(["x"])).claim(at=clock.now(), lease=LEASE)
            assert worker.deliver_next()
        assert [message.to for message in mailbox.messages] == ["second@example.com"]

    def test_leave_a_late_one_s_failure_aside(
        self, queue_environ: dict[str, str], queue: Database, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        class Late(Mailbox):
            def send(self, message: Message) -> Receipt:
                clock.ahead += LEASE + timedelta(seconds=5)
                with queue.transaction(Scope(), Role.IDENTITY) as claiming:
                    assert MailRepository(claiming, Sealer(["x"])).claim(at=clock.now(), lease=LEASE)
                raise Unavailable("too slow")

        enqueue("person@example.com")
        assert delivery(queue_environ, queue, Late(), clock).deliver_next()
        assert sql("SELECT attempts, claimed_until IS NULL, last_error FROM account_mails") == [
            (2, False, None)
        ], "the other worker's claim stands"


class TestSuspendedBusiness:
    def test_has_its_mails_parked(
        self, worker: Any, mailbox: Mailbox, clock: SetClock, enqueue: Enqueue, sql: Sql
    ) -> None:
        enqueue("person@example.com", "invitation", inviter="Asha", business="Salon")
        sql(
            "INSERT INTO tenants (id, name, slug, business_type, country, currency, timezone, locale, status)"
            " VALUES (gen_random_uuid(), 'Salon', 'salon', 'salon', 'IN', 'INR', 'Asia/Kolkata', 'en-IN',"
            " 'suspended')"
        )
        sql("UPDATE account_mails SET tenant_id = (SELECT id FROM tenants)")
        assert not worker.deliver_next()
        sql("UPDATE tenants SET status = 'active'")
        assert worker.deliver_next()
        assert mailbox.messages[0].subject == "Asha invites you to Salon"
