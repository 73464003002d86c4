"""Whose events are to be followed next, and what of them could not be handled."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, select, text
from sqlalchemy.dialects.postgresql import insert
from uuid_utils.compat import uuid7

from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.outbox.models import EventCursor, EventFailure

OPEN_CURSORS = """
INSERT INTO event_cursors (tenant_id)
SELECT tenant_id FROM event_heads AS head
WHERE pending AND NOT EXISTS (SELECT FROM event_cursors AS made WHERE made.tenant_id = head.tenant_id)
ON CONFLICT DO NOTHING
"""

TAKE_TURN = text(
    """
    UPDATE event_cursors SET turn_at = clock_timestamp()
    WHERE tenant_id = (
        SELECT waiting.tenant_id FROM event_cursors AS waiting
        JOIN event_heads AS head ON head.tenant_id = waiting.tenant_id AND head.pending
        JOIN tenants ON tenants.id = waiting.tenant_id AND tenants.status = 'active'
        ORDER BY waiting.turn_at, waiting.tenant_id
        LIMIT 1 FOR UPDATE OF waiting SKIP LOCKED)
    RETURNING tenant_id, seq
    """
)

COUNT_WAITING = text(
    """
    SELECT coalesce(sum(head.seq - coalesce(reached.seq, 0)), 0) FROM event_heads AS head
    JOIN tenants ON tenants.id = head.tenant_id AND tenants.status = 'active'
    LEFT JOIN event_cursors AS reached ON reached.tenant_id = head.tenant_id
    WHERE head.pending
    """
)

OF_ACTIVE_BUSINESS = text(
    "(SELECT status FROM tenants WHERE tenants.id = event_failures.tenant_id) = 'active'"
)

MOVE_CURSOR = "UPDATE event_cursors SET seq = %(seq)s WHERE tenant_id = %(tenant)s"

CATCH_UP = """
UPDATE event_heads SET pending = false
WHERE tenant_id = (
    SELECT tenant_id FROM event_heads
    WHERE tenant_id = %(tenant)s AND seq = %(seq)s
    FOR NO KEY UPDATE SKIP LOCKED)
"""
"""Whoever holds the head appends another event, and leaves it pending."""


class CursorQueue:
    """How far the events of all businesses have been followed; identity role only."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def open_missing(self) -> None:
        """Give each business whose first events wait a place in the queue, as the transaction's last act."""
        self._transaction.finish(OPEN_CURSORS, {})

    def take_turn(self) -> Row[Any] | None:
        """Lock the cursor of the business that had its turn longest ago, of those whose events wait.

        A suspended business's events wait until it is active again.

        :return: `tenant_id`, `seq`; None if nobody's wait, or other workers have them all.
        """
        return self._transaction.execute(TAKE_TURN).one_or_none()

    def waiting(self) -> int:
        """Return how many events wait to be followed."""
        return int(self._transaction.execute(COUNT_WAITING).scalar_one())


class CursorRepository(Repository):
    """How far the events of one business have been followed."""

    model = EventCursor

    def move(self, seq: int, *, caught_up: bool) -> None:
        """Put the cursor behind an event, as the transaction's last act.

        :param caught_up: whether no event was seen behind it; only a later one makes the business wait again.
        """
        place = {"tenant": self._transaction.tenant_id, "seq": seq}
        self._transaction.finish(MOVE_CURSOR, place)
        if caught_up:
            self._transaction.finish(CATCH_UP, place)

    def give_way(self) -> None:
        """Count a turn that was undone: others have theirs before this business has its next."""
        self._transaction.execute(self.update().values(turn_at=func.clock_timestamp()))


class FailureQueue:
    """The events of all businesses that a follower could not handle; identity role only."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, followers: Collection[str], *, after: UUID, at: datetime) -> Row[Any] | None:
        """Lock a failure that is due, of the next business behind `after`, and from the last to the first.

        :return: `tenant_id`, `id`, `event_id`, `follower`, `attempts`; None if none is due.
        """
        failure = EventFailure.__table__.c
        statement = (
            select(failure.tenant_id, failure.id, failure.event_id, failure.follower, failure.attempts)
            .where(
                failure.status == "retrying",
                failure.due_at <= at,
                failure.follower.in_(followers),
                OF_ACTIVE_BUSINESS,
            )
            .order_by(failure.tenant_id <= after, failure.tenant_id, failure.due_at, failure.id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        return self._transaction.execute(statement).one_or_none()

    def waiting(self) -> int:
        """Return how many failed events are to be tried again."""
        statement = select(func.count()).where(EventFailure.__table__.c.status == "retrying")
        return int(self._transaction.execute(statement).scalar_one())


class FailureRepository(Repository):
    """The events of one business that a follower could not handle."""

    model = EventFailure

    def record(self, event_id: UUID, follower: str, *, due_at: datetime, error: str) -> None:
        """Note that a follower has failed over an event for the first time."""
        statement = insert(EventFailure).values(
            id=uuid7(), event_id=event_id, follower=follower, due_at=due_at, last_error=error
        )
        self._transaction.execute(statement.on_conflict_do_nothing())

    def clear(self, id_: UUID) -> None:
        """Forget a failure: the event has been handled."""
        self._transaction.execute(self.delete().where(self._id() == id_))

    def note(self, id_: UUID, *, attempts: int, due_at: datetime | None, error: str) -> None:
        """Note that a follower has failed over an event once more.

        :param due_at: when it is tried again; None: never, it is dead.
        """
        values: dict[str, Any] = {"attempts": attempts, "last_error": error, "updated_at": func.now()}
        values |= {"status": "dead"} if due_at is None else {"due_at": due_at}
        self._transaction.execute(self.update().where(self._id() == id_).values(**values))
