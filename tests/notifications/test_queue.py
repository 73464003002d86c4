"""Whose turn it is, what goes next, and that what became of a message is written by whoever sent it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from mbs.foundation.db import Database, Role
from mbs.foundation.scope import Scope, TenantId
from mbs.notifications.models.attempts import Outcome
from mbs.notifications.repository.queue import NotificationQueue, QueueRepository
from tests.factories.messages_queued import (
    Sql,
    add_customer,
    copy_message,
    digest_of,
    open_business,
    queue_message,
)

BOTH = ("email", "whatsapp")
SENT = Outcome(status="sent", provider="sendgrid", provider_message_id="m-1")

Ask = Callable[[Callable[[NotificationQueue], Any]], Any]


@pytest.fixture
def ask(queue: Database) -> Ask:
    """Return a function that puts a question to the queue of all businesses."""

    def put(question: Callable[[NotificationQueue], Any]) -> Any:
        with queue.transaction(Scope(), Role.IDENTITY) as transaction:
            return question(NotificationQueue(transaction))

    return put


def of(queue: Database, tenant_id: UUID) -> Any:
    return queue.transaction(Scope(tenant_id=TenantId(tenant_id)))


def state(sql: Sql, id_: UUID) -> Any:
    (row,) = sql("SELECT status, attempts, reason, provider FROM notifications WHERE id = %s", str(id_))
    return row


def now() -> datetime:
    return datetime.now(UTC)


class TestPromoting:
    def test_queues_what_has_become_due_and_nothing_else(self, ask: Ask, sql: Sql) -> None:
        salon, past = open_business(sql), now() - timedelta(seconds=1)
        due = [
            queue_message(sql, salon, status=status, due_at=past)
            for status in ("scheduled", "temporary_failure", "sending")
        ]
        others = [queue_message(sql, salon, status="scheduled", due_at=now() + timedelta(hours=1))]
        others += [
            queue_message(sql, salon, status=status, due_at=past)
            for status in ("sent", "cancelled", "suppressed")
        ]
        assert ask(lambda queue: queue.promote(now())) == 3
        assert [state(sql, id_)[0] for id_ in due] == ["queued"] * 3
        assert [state(sql, id_)[0] for id_ in others] == ["scheduled", "sent", "cancelled", "suppressed"]
        assert ask(lambda queue: queue.waiting()) == 3

    def test_takes_500_at_a_time(self, ask: Ask, sql: Sql) -> None:
        salon = open_business(sql)
        model = queue_message(sql, salon, status="scheduled", due_at=now() - timedelta(hours=1))
        copy_message(sql, model, 501)
        assert [ask(lambda queue: queue.promote(now())) for _ in range(3)] == [500, 2, 0]


class TestTheTurn:
    def test_goes_round_all_businesses(self, ask: Ask, sql: Sql) -> None:
        salons = [open_business(sql) for _ in range(3)]
        for salon in salons:
            queue_message(sql, salon)
            queue_message(sql, salon)
        turns: list[Any] = [None]
        for _ in range(4):
            turns.append(ask(lambda queue: queue.next_tenant(turns[-1], channels=BOTH)))
        assert turns[1:] == [*sorted(salons), min(salons)]

    def test_passes_over_whoever_is_suspended_or_has_nothing(self, ask: Ask, sql: Sql) -> None:
        queue_message(sql, open_business(sql, status="suspended"))
        open_business(sql)
        queue_message(sql, open_business(sql), status="scheduled")
        assert ask(lambda queue: queue.next_tenant(None, channels=BOTH)) is None
        salon = open_business(sql)
        queue_message(sql, salon)
        assert ask(lambda queue: queue.next_tenant(None, channels=BOTH)) == salon
        assert ask(lambda queue: queue.next_tenant(salon, channels=BOTH)) == salon

    def test_is_of_those_whose_channel_is_open(self, ask: Ask, sql: Sql) -> None:
        queue_message(sql, open_business(sql), channel="whatsapp", recipient="+919876543210")
        assert ask(lambda queue: queue.next_tenant(None, channels=("email",))) is None
        assert ask(lambda queue: queue.next_tenant(None, channels=BOTH)) is not None


class TestClaiming:
    def test_takes_what_waits_longest(self, queue: Database, sql: Sql) -> None:
        salon, at = open_business(sql), now()
        ids = [queue_message(sql, salon, due_at=at - timedelta(minutes=age)) for age in (1, 3, 2)]
        with of(queue, salon) as transaction:
            claimed = QueueRepository(transaction).claim(limit=2, channels=BOTH)
        assert [row.id for row in claimed] == [ids[1], ids[2]]

    def test_passes_over_what_another_has_in_hand(self, queue: Database, sql: Sql) -> None:
        salon = open_business(sql)
        for _ in range(3):
            queue_message(sql, salon)
        with of(queue, salon) as one, of(queue, salon) as other:
            first = QueueRepository(one).claim(limit=2, channels=BOTH)
            second = QueueRepository(other).claim(limit=2, channels=BOTH)
        assert (len(first), len(second)) == (2, 1)
        assert not {row.id for row in first} & {row.id for row in second}

    def test_sees_nothing_of_another_business(self, queue: Database, sql: Sql) -> None:
        queue_message(sql, open_business(sql))
        with of(queue, open_business(sql)) as transaction:
            assert QueueRepository(transaction).claim(limit=9, channels=BOTH) == []


class TestDeciding:
    def test_counts_an_attempt_only_of_what_is_to_be_sent(self, queue: Database, sql: Sql) -> None:
        salon, at = open_business(sql), now()
        goes, rests, ends = (queue_message(sql, salon) for _ in range(3))
        until = at + timedelta(hours=8)
        words = {"subject": "Usage", "body": "80 of 100 \x01 \u2603", "template_version": 3}
        decisions: list[dict[str, Any]] = [
            {"id": goes, "status": "sending", "due_at": at + timedelta(minutes=1), **words},
            {"id": rests, "status": "scheduled", "due_at": until},
            {"id": ends, "status": "suppressed", "reason": "no_consent"},
        ]
        with of(queue, salon) as transaction:
            QueueRepository(transaction).decide(decisions, at=at)
        assert [state(sql, id_)[:3] for id_ in (goes, rests, ends)] == [
            ("sending", 1, None),
            ("scheduled", 0, None),
            ("suppressed", 0, "no_consent"),
        ]
        written = "subject, body, template_version, due_at, finished_at, version"
        rows = [
            sql(f"SELECT {written} FROM notifications WHERE id = %s", str(id_))[0]
            for id_ in (goes, rests, ends)
        ]
        assert rows[0][:3] == ("Usage", "80 of 100 \x01 \u2603", 3)
        assert (rows[1][3], [row[4] for row in rows]) == (until, [None, None, at])
        assert [row[5] for row in rows] == [2, 2, 2]


class TestMarking:
    @pytest.fixture
    def salon(self, sql: Sql) -> UUID:
        return open_business(sql)

    def mark(self, queue: Database, salon: UUID, id_: UUID, outcome: Outcome, attempts: int = 1) -> Any:
        with of(queue, salon) as transaction:
            return QueueRepository(transaction).mark({id_: (attempts, outcome)}, at=now())

    def test_writes_many_outcomes_at_once(self, queue: Database, sql: Sql, salon: UUID) -> None:
        ids = [queue_message(sql, salon, status="sending", attempts=1) for _ in range(4)]
        outcomes = [
            SENT,
            Outcome(status="permanent_failure", reason="400"),
            Outcome.put_off("503", attempts=1, at=now(), retry_after=None),
            Outcome.given_back(),
        ]
        with of(queue, salon) as transaction:
            said = {id_: (1, outcome) for id_, outcome in zip(ids, outcomes, strict=True)}
            assert len(QueueRepository(transaction).mark(said, at=now())) == 4
        assert [state(sql, id_) for id_ in ids] == [
            ("sent", 1, None, "sendgrid"),
            ("permanent_failure", 1, "400", None),
            ("temporary_failure", 1, "503", None),
            ("queued", 0, None, None),
        ]

    def test_leaves_what_another_worker_has_taken(self, queue: Database, sql: Sql, salon: UUID) -> None:
        id_ = queue_message(sql, salon, status="sending", attempts=2)
        assert self.mark(queue, salon, id_, SENT, attempts=1) == []
        assert state(sql, id_) == ("sending", 2, None, None)

    def test_knows_that_it_was_sent_though_its_lease_is_over(
        self, queue: Database, sql: Sql, salon: UUID
    ) -> None:
        id_ = queue_message(sql, salon, status="queued", attempts=1)
        failed = Outcome.put_off("503", attempts=1, at=now(), retry_after=None)
        assert self.mark(queue, salon, id_, failed) == [], "it is already tried again"
        assert len(self.mark(queue, salon, id_, SENT)) == 1
        assert state(sql, id_) == ("sent", 1, None, "sendgrid")

    @pytest.mark.parametrize("known", ["delivered", "read", "permanent_failure"])
    def test_keeps_what_the_provider_told_meanwhile(
        self, queue: Database, sql: Sql, salon: UUID, known: str
    ) -> None:
        id_ = queue_message(sql, salon, status=known, attempts=1, reason="told")
        self.mark(queue, salon, id_, SENT)
        assert state(sql, id_) == (known, 1, "told", "sendgrid")

    @pytest.mark.parametrize("over", ["cancelled", "sent"])
    def test_fails_nothing_that_is_over(self, queue: Database, sql: Sql, salon: UUID, over: str) -> None:
        id_ = queue_message(sql, salon, status=over, attempts=1)
        assert self.mark(queue, salon, id_, Outcome(status="permanent_failure", reason="400")) == []
        assert state(sql, id_)[0] == over


class TestFallingBack:
    def test_takes_the_next_channel(self, queue: Database, sql: Sql) -> None:
        salon = open_business(sql)
        jane = add_customer(sql, salon, email="Jane@Example.com")
        about = {"audience": "customer", "customer_id": jane, "rule": "booking.confirmed"}
        about |= {"channel": "whatsapp", "recipient": "+919876543210"}
        id_ = queue_message(
            sql, salon, fallback_channels=["email"], status="suppressed", attempts=3, reason="x", **about
        )
        for _ in range(2):
            with of(queue, salon) as transaction:
                QueueRepository(transaction).fall_back([id_], at=now())
        shown = (
            "channel, recipient, recipient_digest, status, attempts, reason, fallback_of, fallback_channels"
        )
        shown += ", dedupe_key, rule, customer_id::text"
        (row,) = sql(f"SELECT {shown} FROM notifications WHERE id <> %s", str(id_))
        assert row == (
            *("email", "Jane@Example.com", digest_of("email", "jane@example.com"), "queued", 0, None),
            *(str(id_), [], f"{id_.hex}|email", "booking.confirmed", str(jane)),
        )

    def test_needs_another_channel_and_an_address_there(self, queue: Database, sql: Sql) -> None:
        salon = open_business(sql)
        jane = add_customer(sql, salon)
        about = {"audience": "customer", "customer_id": jane, "status": "permanent_failure"}
        ids = [
            queue_message(sql, salon, fallback_channels=["whatsapp"], **about),
            queue_message(sql, salon, fallback_channels=[], **about),
        ]
        with of(queue, salon) as transaction:
            QueueRepository(transaction).fall_back(ids, at=now())
        assert sql("SELECT count(*) FROM notifications") == [(2,)]


class TestForgetting:
    def test_removes_what_ended_long_ago_and_keeps_what_has_to_go(self, queue: Database, sql: Sql) -> None:
        salon, old = open_business(sql), now() - timedelta(days=100)
        aged = {"created_at": old, "updated_at": old}
        gone = queue_message(sql, salon, status="read", **aged)
        kept = {
            queue_message(sql, salon, status="scheduled", due_at=now() + timedelta(days=1), **aged),
            queue_message(sql, salon, status="sent", created_at=old),
            queue_message(sql, salon, status="sent"),
        }
        before = now() - timedelta(days=90)
        with queue.transaction(Scope(), Role.IDENTITY) as transaction:
            assert NotificationQueue(transaction).forgetful(before) == [salon]
        with of(queue, salon) as transaction:
            assert QueueRepository(transaction).forget(before) == 1
        left = {UUID(row[0]) for row in sql("SELECT id::text FROM notifications")}
        assert (left, gone in left) == (kept, False)
