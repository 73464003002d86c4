"""Following: each event once, in order, in turns of the businesses, whatever one event does to a follower."""

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

import psycopg2
import pytest
from sqlalchemy import Row, text
from sqlalchemy.exc import DataError

from mbs.events.repository import EventRepository
from mbs.foundation.db import Database, Transaction, driver_connection
from mbs.foundation.errors import Unavailable
from mbs.foundation.scope import Scope, TenantId
from mbs.outbox.models import BATCH, PAUSES, Follower
from mbs.outbox.service import FollowingService
from tests.factories.mails import SetClock
from tests.outbox.conftest import APPEND, Following, Open, Sql, noting, poisoned_at

EACH_ATTEMPT = timedelta(hours=4, seconds=1)


def effects(sql: Sql, tenant: UUID, writer: str = "notes") -> list[int]:
    """Return the numbers of the events that a follower has noted, in the order of the notes."""
    rows = sql(
        "SELECT seq FROM effects WHERE tenant_id = %s AND writer = %s ORDER BY place", (str(tenant), writer)
    )
    return [seq for (seq,) in rows]


def pending(sql: Sql) -> int:
    return len(sql("SELECT 1 FROM event_heads WHERE pending"))


def follow_all(service: FollowingService) -> int:
    turns = 0
    while service.follow_next():
        turns += 1
    return turns


class TestFollowing:
    def test_hands_each_event_to_each_follower_once_and_in_order(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        tenant = open_business(events=2 * BATCH + 1)
        service = following(noting(), noting("others"))
        assert service.waiting() == 2 * BATCH + 1
        assert follow_all(service) == 3
        assert effects(sql, tenant) == effects(sql, tenant, "others") == list(range(1, 2 * BATCH + 2))
        assert service.waiting() == pending(sql) == 0

    def test_goes_on_with_what_comes_later(
        self, following: Following, open_business: Open, outbox: Database, sql: Sql, clock: SetClock
    ) -> None:
        tenant = open_business()
        service = following()
        assert follow_all(service) == 1  # Nothing is there yet, and that is known from here on.
        for seq in (1, 2):
            with outbox.transaction(Scope(tenant_id=TenantId(tenant))) as transaction:
                EventRepository(transaction).append(
                    type_="customer.created",
                    object_type="customer",
                    object_id=tenant,
                    at=clock.now(),
                    data={},
                )
            assert pending(sql) == 1
            assert follow_all(service) == 1
            assert effects(sql, tenant) == list(range(1, seq + 1))

    def test_stays_awake_for_an_event_that_comes_while_it_reads(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        tenant = open_business(events=1)

        def append(_transaction: Transaction, events: Sequence[Row[Any]]) -> None:
            if events[-1].seq == 1:
                sql(APPEND, {"tenant": str(tenant), "number": 1, "type": "customer.updated"})

        service = following(Follower("slow", append), noting())
        assert service.follow_next()
        assert pending(sql) == 1
        assert follow_all(service) == 1
        assert effects(sql, tenant) == [1, 2]

    def test_costs_a_writer_no_message(self, open_business: Open, outbox: Database, sql: Sql) -> None:
        tenant = open_business()
        sql("UPDATE event_heads SET pending = false")
        with outbox.transaction(Scope(tenant_id=TenantId(tenant))) as transaction:
            raw = driver_connection(transaction._connection)
            before = raw.messages
            EventRepository(transaction).append(
                type_="customer.created",
                object_type="customer",
                object_id=tenant,
                at=datetime.now(UTC),
                data={},
            )
        assert raw.messages - before == 1
        assert pending(sql) == 1

    def test_waits_for_no_writer(
        self, following: Following, open_business: Open, outbox_url: str, sql: Sql, server: Any
    ) -> None:
        tenant = open_business(events=1)
        writer = psycopg2.connect(server.url(sql("SELECT current_database()")[0][0]))
        try:
            with writer.cursor() as cursor:
                cursor.execute(APPEND, {"tenant": str(tenant), "number": 1, "type": "customer.updated"})
            assert following().follow_next()
            assert effects(sql, tenant) == [1]
            assert pending(sql) == 1
            writer.commit()
        finally:
            writer.close()
        assert follow_all(following()) == 1
        assert effects(sql, tenant) == [1, 2]

    def test_gives_a_business_its_turn_at_once_beside_ten_thousand_events_of_another(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        busy, service = open_business(events=10_000), following()
        for _ in range(3):
            assert service.follow_next()
        assert len(effects(sql, busy)) == 3 * BATCH
        small = open_business(events=1)
        assert service.follow_next()
        assert effects(sql, small) == [1]
        assert len(effects(sql, busy)) == 3 * BATCH
        # And again, when it has had turns before.
        sql(APPEND, {"tenant": str(small), "number": 1, "type": "customer.updated"})
        for _ in range(2):
            assert service.follow_next()
        assert effects(sql, small) == [1, 2]
        assert len(effects(sql, busy)) == 4 * BATCH

    def test_leaves_a_business_to_the_worker_that_has_it_and_serves_another(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        held, free = open_business(events=1), open_business(events=1)
        note, other, turns = noting().handle, following(), list[bool]()

        def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
            turns.extend(other.follow_next() for _ in range(2))
            note(transaction, events)

        assert following(Follower("slow", handle)).follow_next()
        assert turns == [True, False]
        assert effects(sql, held) == effects(sql, free) == [1]

    @pytest.mark.parametrize("status", ["suspended", "closed"])
    def test_parks_a_business_until_it_is_active_again(
        self, following: Following, open_business: Open, sql: Sql, status: str
    ) -> None:
        tenant, service = open_business(events=1), following(poisoned_at(1))
        follow_all(service)
        sql(APPEND, {"tenant": str(tenant), "number": 1, "type": "customer.updated"})
        sql("UPDATE tenants SET status = %s", (status,))
        sql("UPDATE event_failures SET due_at = now() - interval '1 hour'")
        assert not service.follow_next()
        assert not service.retry_next()
        assert service.waiting() == 0
        sql("UPDATE tenants SET status = 'active'")
        assert service.waiting() == 1
        assert follow_all(service) == 1
        assert service.retry_next()
        assert effects(sql, tenant) == [2]

    def test_leaves_nothing_half_done_when_its_connection_is_lost(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        tenant = open_business(events=3)
        note, lost = noting().handle, list[bool]()

        def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
            note(transaction, events)
            if not lost:
                lost.append(True)
                backend = transaction.execute(text("SELECT pg_backend_pid()")).scalar_one()
                sql("SELECT pg_terminate_backend(%s)", (backend,))
                transaction.execute(text("SELECT 1"))

        service = following(noting("others"), Follower("notes", handle))
        with pytest.raises(Unavailable):
            service.follow_next()
        assert effects(sql, tenant) == effects(sql, tenant, "others") == []
        assert sql("SELECT 1 FROM event_failures") == []
        follow_all(service)
        assert effects(sql, tenant) == effects(sql, tenant, "others") == [1, 2, 3]


class TestAPoisonedEvent:
    def test_does_not_stop_the_ones_behind_it_nor_another_follower(
        self, following: Following, open_business: Open, sql: Sql, caplog: pytest.LogCaptureFixture
    ) -> None:
        tenant = open_business(events=5)
        service = following(poisoned_at(2, 4), noting("others"))
        assert follow_all(service) == 1
        assert effects(sql, tenant) == [1, 3, 5]
        assert effects(sql, tenant, "others") == [1, 2, 3, 4, 5]
        rows = sql(
            "SELECT seq, follower, status, attempts, last_error FROM event_failures"
            " JOIN events ON events.id = event_id ORDER BY seq"
        )
        assert [row[:4] for row in rows] == [(2, "notes", "retrying", 1), (4, "notes", "retrying", 1)]
        assert rows[0][4].startswith("DataError")
        failed = [record for record in caplog.records if getattr(record, "event", "") == "job.event_failed"]
        assert [(record.name, record.levelno) for record in failed] == [("mbs.job", logging.ERROR)] * 2

    def test_takes_what_would_be_written_last_along(
        self, following: Following, open_business: Open, sql: Sql
    ) -> None:
        tenant = open_business(events=2)

        def handle(transaction: Transaction, events: Sequence[Row[Any]]) -> None:
            transaction.finish("INSERT INTO effects (seq) VALUES (%(seq)s)", {"seq": events[-1].seq})
            if any(event.seq == 1 for event in events):
                raise KeyError("customer")

        follow_all(following(Follower("late", handle)))
        assert sql("SELECT seq, tenant_id::text FROM effects") == [(2, str(tenant))]

    def test_is_tried_again_until_it_is_dead(
        self,
        following: Following,
        open_business: Open,
        sql: Sql,
        clock: SetClock,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        tenant = open_business(events=1)
        service = following(poisoned_at(1))
        follow_all(service)
        assert service.failing() == 1
        for attempt, pause in enumerate(PAUSES, start=2):
            (due,) = sql("SELECT due_at FROM event_failures")[0]
            assert timedelta() < pause - (due - clock.now()) < timedelta(seconds=30)
            assert not service.retry_next()
            clock.ahead += pause
            assert service.retry_next()
            assert sql("SELECT attempts FROM event_failures") == [(attempt,)]
        assert attempt == 8
        assert sql("SELECT status FROM event_failures") == [("dead",)]
        assert [record.levelno for record in caplog.records if "dead" in record.message] == [logging.ERROR]
        clock.ahead += timedelta(days=30)
        assert not service.retry_next()
        assert effects(sql, tenant) == []

    def test_is_forgotten_once_it_is_handled(
        self, following: Following, open_business: Open, sql: Sql, clock: SetClock
    ) -> None:
        tenant = open_business(events=3)
        follow_all(following(poisoned_at(2)))
        clock.ahead += EACH_ATTEMPT
        mended = following()
        assert mended.retry_next()
        assert not mended.retry_next()
        assert sql("SELECT 1 FROM event_failures") == []
        assert effects(sql, tenant) == [1, 3, 2]

    def test_of_a_follower_that_this_release_does_not_know_is_left_to_another(
        self, following: Following, open_business: Open, clock: SetClock
    ) -> None:
        open_business(events=1)
        follow_all(following(poisoned_at(1, name="newer")))
        clock.ahead += EACH_ATTEMPT
        assert not following().retry_next()

    def test_of_one_business_waits_for_no_many_of_another(
        self, following: Following, open_business: Open, sql: Sql, clock: SetClock
    ) -> None:
        tenants = [open_business(events=1), open_business(events=BATCH), open_business(events=1)]
        follow_all(following(poisoned_at(*range(1, BATCH + 1))))
        clock.ahead += EACH_ATTEMPT
        service = following()
        for _ in tenants:
            assert service.retry_next()
        assert all(len(effects(sql, tenant)) == 1 for tenant in tenants)


class TestSavepoint:
    def test_undoes_its_block_alone(self, outbox: Database, open_business: Open, sql: Sql) -> None:
        tenant = open_business()
        with outbox.transaction(Scope(tenant_id=TenantId(tenant))) as transaction:
            with transaction.savepoint():
                transaction.execute(text("INSERT INTO effects (seq) VALUES (1)"))
            with pytest.raises(DataError), transaction.savepoint():
                poisoned_at(2).handle(transaction, [cast(Any, SimpleNamespace(seq=2))])
            transaction.execute(text("INSERT INTO effects (seq) VALUES (3)"))
        assert sql("SELECT seq FROM effects ORDER BY seq") == [(1,), (3,)]

    def test_may_be_the_first_of_a_transaction(self, outbox: Database, open_business: Open, sql: Sql) -> None:
        tenant = open_business()
        with outbox.transaction(Scope(tenant_id=TenantId(tenant))) as transaction, transaction.savepoint():
            assert transaction.execute(text("SELECT app_tenant()")).scalar_one() == tenant
