"""What becomes of a message when its turn has come: the objections to it, and the endings of an attempt."""

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest
from sqlalchemy import event
from uuid_utils.compat import uuid7

from mbs.foundation.db import Database
from mbs.foundation.errors import Unavailable as DatabaseAway
from mbs.mail.gateways.interface import Misconfigured, NotTried, Refused, Suppressed, Unavailable
from mbs.notifications.models.attempts import LAST_START, LEASE, MOST_ATTEMPTS, PAUSES
from mbs.notifications.repository.eligibility import EligibilityRepository
from mbs.notifications.service.sending import SendingService
from tests.factories.mails import SetClock
from tests.factories.messages_queued import Sql, add_customer, open_business, queue_message
from tests.factories.sending import Outbox, sending

STATE = "SELECT status, attempts, reason FROM notifications WHERE id = %s"
NIGHT = {"from": "00:00", "to": "23:59"}
ALL_DAY = {"notifications": {"quietHours": NIGHT}}
BOOKING = ("customer", "service", "startLocal", "location", "reference")
BOOKING_SAYS = orjson.dumps(dict.fromkeys(BOOKING, "said")).decode()
NEVER = {"notifications": {"quietHours": None}}


@pytest.fixture
def outbox() -> Outbox:
    return Outbox()


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def worker(queue: Database, outbox: Outbox, clock: SetClock) -> Iterator[SendingService]:
    service = sending(queue, outbox, clock=clock)
    yield service
    service.close()


@pytest.fixture
def salon(sql: Sql) -> UUID:
    """A business whose customers sleep at no hour."""
    return open_business(sql, settings=NEVER)


def state(sql: Sql, id_: UUID) -> Any:
    return sql(STATE, str(id_))[0]


def drain(worker: SendingService) -> int:
    """Send what is due, and what becomes due meanwhile; return how many turns that took."""
    worker.promote()
    return sum(iter(worker.send_next, False))


def to_customer(sql: Sql, salon: UUID, **values: Any) -> UUID:
    """Queue a message to a new customer, about nothing that could have changed."""
    customer = values.pop("customer_id", None) or add_customer(sql, salon)
    return queue_message(
        sql,
        salon,
        rule="payment.received",
        audience="customer",
        customer_id=customer,
        object_type="payment",
        variables={"customer": "Jane", "location": "Bandra", "number": "RCP/1", "amount": "INR 500.00"},
        **values,
    )


def agree(sql: Sql, salon: UUID, customer: UUID, channel: str, status: str = "granted") -> None:
    names = "tenant_id, id, customer_id, channel, category, status, source, created_by"
    values = (str(salon), str(uuid7()), str(customer), channel, "transactional", status, "staff", str(salon))
    sql(f"INSERT INTO consents ({names}) VALUES ({', '.join(['%s'] * 8)})", *values)


class TestAMessage:
    def test_goes_out_in_its_words(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID
    ) -> None:
        id_ = queue_message(sql, salon, recipient="asha@example.com")
        assert worker.waiting() == 1
        assert [worker.send_next(), worker.send_next()] == [True, False]
        (message,) = outbox.messages
        assert (message.to, message.id) == ("asha@example.com", id_)
        assert message.subject == "Asha's Salon: 80 of 100 used this month"
        assert message.html.startswith("<!DOCTYPE html>")
        written = "status, attempts, provider, provider_message_id, subject, body, sent_at > created_at"
        (row,) = sql(f"SELECT {written} FROM notifications")
        assert row == ("sent", 1, "recorded", "m-1", message.subject, message.text, True)

    def test_bears_the_name_and_the_address_that_the_business_wants(
        self, worker: SendingService, outbox: Outbox, sql: Sql
    ) -> None:
        rules = {"senderName": "Asha", "replyTo": "desk@example.com"}
        salon = open_business(sql, settings={"notifications": rules, "invoicing": {"brandColor": "#AA0000"}})
        queue_message(sql, salon)
        worker.send_next()
        (message,) = outbox.messages
        assert (message.sender_name, message.reply_to) == ("Asha", "desk@example.com")
        assert "#AA0000" in message.html

    def test_is_sent_while_no_transaction_is_open(self, queue: Database, sql: Sql, salon: UUID) -> None:
        seen: list[Any] = []

        def look(_: Any) -> None:
            seen.append(queue.engine.pool.checkedout())  # type: ignore[attr-defined]
            seen.append(sql("SELECT status, attempts, due_at > now() FROM notifications FOR UPDATE NOWAIT"))

        queue_message(sql, salon)
        sending(queue, Outbox(during=look)).send_next()
        assert seen == [0, [("sending", 1, True)]], "the claim is committed, and no connection is held"

    def test_is_sent_once_by_three_workers(self, queue: Database, sql: Sql, salon: UUID) -> None:
        ids = [queue_message(sql, salon) for _ in range(60)]
        outboxes = [Outbox() for _ in range(3)]
        ready = threading.Barrier(3)

        def race(outbox: Outbox) -> None:
            ready.wait(10)
            drain(sending(queue, outbox))

        with ThreadPoolExecutor(3) as pool:
            list(pool.map(race, outboxes))
        sent = Counter(id_ for outbox in outboxes for id_ in outbox.ids)
        assert sent == Counter(ids)
        assert sql("SELECT DISTINCT status, attempts FROM notifications") == [("sent", 1)]

    def test_costs_as_many_statements_as_many_do(self, queue: Database, sql: Sql) -> None:
        counts = []
        for size in (1, 30):
            salon = open_business(sql, settings=NEVER, plan="basic")
            for _ in range(size):
                to_customer(sql, salon)
            counts.append(statements(queue, sending(queue, Outbox())))
        assert counts[0] == counts[1] <= 16, counts


def statements(queue: Database, worker: SendingService) -> int:
    """Return how many statements one turn sends."""
    sent: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, *_: Any) -> None:
        sent.append(statement)

    event.listen(queue.engine, "before_cursor_execute", note)
    try:
        assert worker.send_next()
    finally:
        event.remove(queue.engine, "before_cursor_execute", note)
    return len(sent)


class TestAWorkerThatDies:
    def test_leaves_its_messages_to_another_under_the_same_ids(
        self, queue: Database, outbox: Outbox, clock: SetClock, sql: Sql, salon: UUID
    ) -> None:
        ids = [queue_message(sql, salon) for _ in range(3)]

        class Killed(SendingService):
            def _mark(self, *_: Any) -> None:
                raise SystemExit

        dying = sending(queue, outbox, clock=clock)
        dying.__class__ = Killed
        with pytest.raises(SystemExit):
            dying.send_next()
        assert [state(sql, id_) for id_ in ids] == [("sending", 1, None)] * 3
        another = sending(queue, outbox, clock=clock)
        assert drain(another) == 0, "they are not yet anybody else's"
        clock.ahead += LEASE + timedelta(seconds=1)
        drain(another)
        assert [state(sql, id_) for id_ in ids] == [("sent", 2, None)] * 3
        assert Counter(outbox.ids) == Counter(ids * 2)

    def test_six_times_over_one_message_has_seen_the_last_of_it(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID
    ) -> None:
        id_ = to_customer(sql, salon, attempts=MOST_ATTEMPTS)
        drain(worker)
        assert state(sql, id_) == ("technical_failure", MOST_ATTEMPTS, "attempts_lost")
        assert outbox.messages == []


class TestAnAttempt:
    @pytest.mark.parametrize(
        ("failure", "ending"),
        [
            (Refused("400 to"), ("permanent_failure", 1, "400 to")),
            (Misconfigured("401"), ("technical_failure", 1, "401")),
            (Suppressed("nobody"), ("suppressed", 1, "provider_not_configured")),
            (Unavailable("503"), ("temporary_failure", 1, "503")),
            (RuntimeError("jane@example.com"), ("temporary_failure", 1, "RuntimeError")),
            (NotTried("away"), ("queued", 0, None)),
        ],
    )
    def test_ends_as_the_provider_answers(
        self,
        worker: SendingService,
        outbox: Outbox,
        sql: Sql,
        salon: UUID,
        failure: Exception,
        ending: tuple[str, int, str | None],
    ) -> None:
        outbox.failures = [failure]
        id_ = queue_message(sql, salon)
        assert worker.send_next()
        assert state(sql, id_) == ending

    def test_is_made_six_times_with_longer_and_longer_pauses(
        self, worker: SendingService, outbox: Outbox, clock: SetClock, sql: Sql, salon: UUID
    ) -> None:
        outbox.failures = [Unavailable("503") for _ in range(MOST_ATTEMPTS)]
        id_ = queue_message(sql, salon)
        for number, pause in enumerate(PAUSES, 1):
            assert drain(worker) == 1
            assert state(sql, id_) == ("temporary_failure", number, "503")
            clock.ahead += pause - timedelta(seconds=5)
            assert drain(worker) == 0, "too early"
            clock.ahead += timedelta(seconds=10)
        assert drain(worker) == 1
        assert state(sql, id_) == ("permanent_failure", MOST_ATTEMPTS, "503")

    @pytest.mark.parametrize(
        ("asked", "wait"), [(5, PAUSES[0]), (900, timedelta(minutes=15)), (9e9, PAUSES[-1])]
    )
    def test_waits_as_long_as_the_provider_asks_up_to_four_hours(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID, asked: float, wait: timedelta
    ) -> None:
        outbox.failures = [Unavailable("429", retry_after=asked)]
        queue_message(sql, salon)
        worker.send_next()
        ((due_at, now),) = sql("SELECT due_at, now() FROM notifications")
        assert timedelta(seconds=-5) < due_at - now - wait < timedelta(seconds=5)

    def test_is_not_begun_when_little_of_the_lease_is_left(
        self, queue: Database, outbox: Outbox, sql: Sql, salon: UUID
    ) -> None:
        times = iter([0.0])
        late = 2 + LAST_START.total_seconds()
        worker = sending(queue, outbox, now=lambda: next(times, late))
        id_ = queue_message(sql, salon)
        assert worker.send_next()
        assert (state(sql, id_), outbox.messages) == (("queued", 0, None), [])

    def test_is_marked_though_others_take_longer(self, queue: Database, sql: Sql, salon: UUID) -> None:
        slow, quick = queue_message(sql, salon), queue_message(sql, salon)
        seen: list[str] = []

        def dawdle(message: Any) -> None:
            until = time.monotonic() + 20
            while message.id == slow and seen[-1:] != ["sent"] and time.monotonic() < until:
                time.sleep(0.1)
                seen.append(state(sql, quick)[0])

        sending(queue, Outbox(during=dawdle)).send_next()
        assert seen[-1] == "sent"

    def test_is_not_repeated_because_the_database_was_away(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        mark, outages = worker._mark, [1, 2]

        def away(*arguments: Any) -> None:
            if outages:
                outages.pop()
                raise DatabaseAway
            mark(*arguments)

        monkeypatch.setattr(worker, "_mark", away)
        id_ = queue_message(sql, salon)
        assert worker.send_next()
        assert (state(sql, id_), len(outbox.messages)) == (("sent", 1, None), 1)


class TestACustomer:
    @pytest.mark.parametrize(
        ("channel", "said", "ending"),
        [
            ("email", None, "sent"),
            ("email", "granted", "sent"),
            ("email", "withdrawn", "no_consent"),
            ("whatsapp", None, "no_consent"),
            ("whatsapp", "withdrawn", "no_consent"),
            ("whatsapp", "granted", "no_content_template"),
        ],
    )
    def test_gets_what_they_agreed_to(
        self,
        worker: SendingService,
        sql: Sql,
        salon: UUID,
        channel: str,
        said: str | None,
        ending: str,
    ) -> None:
        jane = add_customer(sql, salon, phone="+919876543210")
        if said is not None:
            agree(sql, salon, jane, channel, said)
        address = {"whatsapp": "+919876543210", "email": "jane@example.com"}[channel]
        id_ = to_customer(sql, salon, customer_id=jane, channel=channel, recipient=address)
        drain(worker)
        status, _, reason = state(sql, id_)
        assert (reason or status) == ending
        assert status == ("sent" if ending == "sent" else "suppressed")

    def test_gets_no_advertisement_unasked(self, worker: SendingService, sql: Sql, salon: UUID) -> None:
        id_ = to_customer(sql, salon, category="marketing")
        drain(worker)
        assert state(sql, id_) == ("suppressed", 0, "no_consent")

    def test_who_bounced_gets_nothing(self, worker: SendingService, sql: Sql, salon: UUID) -> None:
        sql(
            "INSERT INTO suppressions (tenant_id, id, channel, address, address_key, reason)"
            " VALUES (%s, %s, 'email', 'Jane@Example.com', 'jane@example.com', 'bounced')",
            str(salon),
            str(uuid7()),
        )
        id_ = to_customer(sql, salon, recipient="JANE@example.com")
        owner = queue_message(sql, salon, recipient="jane@example.com")
        drain(worker)
        assert [state(sql, one)[2] for one in (id_, owner)] == ["suppressed_address"] * 2

    def test_is_left_alone_at_night_and_others_are_not(
        self, worker: SendingService, outbox: Outbox, sql: Sql
    ) -> None:
        salon = open_business(sql, settings=ALL_DAY)
        id_ = to_customer(sql, salon, timezone="UTC")
        owner = queue_message(sql, salon, timezone="UTC")
        if datetime.now(UTC).strftime("%H:%M") == "23:59":
            pytest.skip("the one minute of the day that is none of night")
        drain(worker)
        assert (state(sql, id_), state(sql, owner)[0]) == (("scheduled", 0, None), "sent")
        ((due_at,),) = sql("SELECT due_at FROM notifications WHERE id = %s", str(id_))
        assert due_at.astimezone(UTC).strftime("%H:%M:%S") == "23:59:00"

    def test_hears_nothing_of_a_booking_that_is_no_more(
        self, worker: SendingService, sql: Sql, salon: UUID
    ) -> None:
        about = {"rule": "booking.confirmed", "object_type": "booking", "object_id": str(uuid7())}
        ids = [queue_message(sql, salon, audience=audience, **about) for audience in ("staff", "test")]
        sql("UPDATE notifications SET variables = %s", BOOKING_SAYS)
        drain(worker)
        assert [state(sql, id_)[0] for id_ in ids] == ["cancelled", "sent"], "a sample is about nothing"

    def test_hears_nothing_of_what_is_over(self, worker: SendingService, sql: Sql, salon: UUID) -> None:
        id_ = to_customer(sql, salon, expires_at=datetime.now(UTC) - timedelta(minutes=1))
        drain(worker)
        assert state(sql, id_) == ("expired", 0, None)

    def test_hears_on_the_next_channel_when_the_first_fails(
        self, queue: Database, sql: Sql, salon: UUID
    ) -> None:
        outbox = Outbox()
        worker = sending(queue, outbox, Outbox(failures=[Refused("63024")]))
        jane = add_customer(sql, salon, email="jane@example.com", phone="+919876543210")
        agree(sql, salon, jane, "whatsapp")
        own_words(sql, salon)
        about = {"channel": "whatsapp", "recipient": "+919876543210", "fallback_channels": ["email"]}
        id_ = to_customer(sql, salon, customer_id=jane, **about)
        drain(worker)
        assert state(sql, id_) == ("permanent_failure", 1, "63024")
        assert [message.to for message in outbox.messages] == ["jane@example.com"]
        assert sql("SELECT status FROM notifications WHERE fallback_of = %s", str(id_)) == [("sent",)]

    def test_gets_an_approved_template_on_whatsapp(self, queue: Database, sql: Sql, salon: UUID) -> None:
        outbox = Outbox()
        jane = add_customer(sql, salon, phone="+919876543210")
        agree(sql, salon, jane, "whatsapp")
        own_words(sql, salon)
        id_ = to_customer(sql, salon, customer_id=jane, channel="whatsapp", recipient="+919876543210")
        drain(sending(queue, Outbox(), outbox))
        assert outbox.messages == [("+919876543210", "HX" + 32 * "a", {"1": "Jane"}, id_)]
        shown = "SELECT status, subject, body, template_version FROM notifications"
        assert sql(shown) == [("sent", None, "Thank you, Jane.", 7)]


def own_words(sql: Sql, salon: UUID) -> None:
    names = "tenant_id, id, key, channel, locale, version, body, content_sid, content_variables, created_by"
    sql(
        f"INSERT INTO message_templates ({names}) VALUES ({', '.join(['%s'] * 10)})",
        *(str(salon), str(uuid7()), "payment.received", "whatsapp", "en", 7, "Thank you, {{customer}}."),
        *("HX" + 32 * "a", '{"1": "customer"}', str(salon)),
    )


class TestAPlan:
    def test_bounds_what_is_sent_in_a_month_and_says_so_once(
        self, worker: SendingService, outbox: Outbox, sql: Sql
    ) -> None:
        salon = open_business(sql, settings=NEVER, plan="free")
        month = datetime.now(UTC).date().replace(day=1)
        counted = "INSERT INTO usage_counters (tenant_id, metric, month, used) VALUES (%s, %s, %s, %s)"
        sql(counted, str(salon), "emailsPerMonth", month, 399)
        for _ in range(2):
            to_customer(sql, salon)
        drain(worker)
        sql("UPDATE usage_counters SET used = 499 WHERE tenant_id = %s", str(salon))
        for _ in range(3):
            to_customer(sql, salon)
        drain(worker)
        assert len(outbox.messages) == 3
        ended = "SELECT reason, count(*) FROM notifications WHERE status = 'suppressed' GROUP BY 1"
        assert sql(ended) == [("plan_limit", 2)]
        told = (
            "SELECT data->'object' FROM events WHERE tenant_id = %s AND type = 'usage.threshold' ORDER BY seq"
        )
        assert [row[0] for row in sql(told, str(salon))] == [
            {"metric": "emailsPerMonth", "used": used, "limit": 500, "percent": percent}
            for used, percent in ((401, 80), (500, 100))
        ]

    def test_counts_a_message_once_however_often_it_is_tried(
        self, worker: SendingService, outbox: Outbox, clock: SetClock, sql: Sql, salon: UUID
    ) -> None:
        outbox.failures = [NotTried("away"), Unavailable("503"), Unavailable("503")]
        queue_message(sql, salon)
        for _ in range(4):
            drain(worker)
            clock.ahead += timedelta(hours=1)
        assert len(outbox.messages) == 1
        assert sql("SELECT used FROM usage_counters WHERE tenant_id = %s", str(salon)) == [(1,)]

    def test_counts_nothing_that_does_not_go(self, worker: SendingService, sql: Sql, salon: UUID) -> None:
        to_customer(sql, salon, category="marketing")
        drain(worker)
        assert sql("SELECT used FROM usage_counters WHERE tenant_id = %s", str(salon)) == []


class TestAFailure:
    def test_is_an_event_where_a_customer_got_nothing(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID
    ) -> None:
        outbox.failures = [Refused("400"), Refused("400")]
        id_, owner = to_customer(sql, salon), queue_message(sql, salon)
        faulty = to_customer(sql, salon)
        sql("UPDATE notifications SET variables = '{}' WHERE id = %s", str(faulty))
        drain(worker)
        assert [state(sql, one)[2] for one in (id_, owner, faulty)] == ["400", "400", "unrenderable"]
        told = "SELECT object_id::text, data->'object'->>'status' FROM events"
        told += " WHERE tenant_id = %s AND type = 'notification.failed' ORDER BY seq"
        assert sql(told, str(salon)) == [
            (str(faulty), "technical_failure"),
            (str(id_), "permanent_failure"),
        ]

    @pytest.mark.parametrize(
        ("broken", "reason"),
        [({"timezone": "Mars/Olympus"}, "ZoneInfoNotFoundError"), ({"rule": "no.such"}, "no_template")],
    )
    def test_of_one_message_leaves_those_beside_it_alone(
        self, worker: SendingService, sql: Sql, broken: dict[str, str], reason: str
    ) -> None:
        salon = open_business(
            sql, settings={"notifications": {"quietHours": {"from": "00:00", "to": "00:01"}}}
        )
        faulty, sound = to_customer(sql, salon), to_customer(sql, salon)
        for name, value in broken.items():
            sql(f"UPDATE notifications SET {name} = %s WHERE id = %s", value, str(faulty))
        drain(worker)
        assert state(sql, faulty) == ("technical_failure", 0, reason)
        assert state(sql, sound)[0] in ("sent", "scheduled")

    def test_of_the_program_sets_one_message_aside(
        self, worker: SendingService, sql: Sql, salon: UUID, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [to_customer(sql, salon) for _ in range(5)]
        asked = EligibilityRepository.still_due

        def stumble(repository: Any, messages: Any, **options: Any) -> Any:
            if ids[2] in {message.id for message in messages}:
                raise LookupError("jane@example.com")
            return asked(repository, messages, **options)

        monkeypatch.setattr(EligibilityRepository, "still_due", stumble)
        assert drain(worker) == 1
        assert state(sql, ids.pop(2)) == ("scheduled", 0, "LookupError")
        assert [state(sql, id_) for id_ in ids] == [("sent", 1, None)] * 4

    def test_of_one_business_leaves_the_others_alone(self, worker: SendingService, sql: Sql) -> None:
        faulty = [queue_message(sql, open_business(sql, plan="no such")) for _ in range(2)]
        sound = queue_message(sql, open_business(sql))
        assert drain(worker) == 3
        assert [state(sql, id_) for id_ in faulty] == [("scheduled", 0, "KeyError")] * 2
        assert state(sql, sound) == ("sent", 1, None)

    def test_tells_the_log_nothing_about_anybody(
        self, worker: SendingService, outbox: Outbox, sql: Sql, salon: UUID, caplog: pytest.LogCaptureFixture
    ) -> None:
        outbox.failures = [RuntimeError("x")]
        to_customer(sql, salon, recipient="jane.private@example.com")
        to_customer(sql, salon, recipient="joe.private@example.com")
        with caplog.at_level(logging.INFO, "mbs.job"):
            drain(worker)
        events = [record.__dict__["event"] for record in caplog.records]
        assert {"job.message_sent", "job.message_temporary_failure", "job.message_faulty"} == set(events)
        assert "private" not in caplog.text + repr([record.__dict__ for record in caplog.records])


class TestAChannel:
    def test_that_is_away_is_not_claimed(self, queue: Database, sql: Sql, salon: UUID) -> None:
        away = Outbox(is_ready=False)
        id_ = queue_message(sql, salon)
        assert not sending(queue, away).send_next()
        assert not sending(queue, away, Outbox()).send_next()
        assert state(sql, id_) == ("queued", 0, None)
        assert sending(queue, Outbox(), away).send_next()

    def test_without_a_provider_ends_its_messages(self, queue: Database, sql: Sql, salon: UUID) -> None:
        outbox = Outbox()
        id_ = queue_message(sql, salon)
        drain(sending(queue, outbox, configured=()))
        assert (state(sql, id_), outbox.messages) == (("suppressed", 0, "provider_not_configured"), [])


class TestTidying:
    def test_removes_what_ended_90_days_ago_of_every_business(self, worker: SendingService, sql: Sql) -> None:
        old = datetime.now(UTC) - timedelta(days=91)
        for salon in (open_business(sql), open_business(sql, status="suspended")):
            queue_message(sql, salon, status="sent", created_at=old, updated_at=old)
            queue_message(sql, salon, status="sent", created_at=old + timedelta(days=2))
        assert [worker.tidy(), worker.tidy()] == [2, 0]
