"""Following events: what is done about them is done once each, in the order of each business's events."""

import logging
import re
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Busy, Unavailable
from mbs.foundation.scope import TenantId
from mbs.outbox.models import BATCH, PAUSES, Follower
from mbs.outbox.repository import CursorQueue, CursorRepository, FailureQueue, FailureRepository

log = logging.getLogger("mbs.job")

ROOM = re.compile(r"/mbs/(?!foundation/)")

BEFORE_ALL = UUID(int=0)


class FollowingService:
    """`followers` get each event in one transaction with the cursor, so what they write is written once."""

    def __init__(self, *, begin: Begin, clock: Clock, followers: Sequence[Follower]) -> None:
        self._begin = begin
        self._clock = clock
        self._followers = {follower.name: follower for follower in followers}
        self._last_retried = BEFORE_ALL

    def follow_next(self) -> bool:
        """Hand a batch of events to each follower, of the business that had its turn longest ago.

        Whoever dies in the middle leaves nothing half done: it is all in one transaction.

        :return: whether any business's events waited.
        """
        with self._begin(Role.IDENTITY) as transaction:
            CursorQueue(transaction).open_missing()
        served: TenantId | None = None
        try:
            with self._begin(Role.IDENTITY) as transaction:
                cursor = CursorQueue(transaction).take_turn()
                if cursor is None:
                    return False
                served = TenantId(cursor.tenant_id)
                transaction.enter_tenant(served)
                self._follow(transaction, cursor.seq)
        except Exception:
            # What takes too long of one business must not keep the others from their turns.
            if served is not None:
                self._give_way(served)
            raise
        return True

    def retry_next(self) -> bool:
        """Hand an event that a follower failed over to it again; tell whether one was due.

        Each business has its turn, so that many failures of one do not hold up another's.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            failure = FailureQueue(transaction).claim(self._followers, after=self._last_retried, at=now)
            if failure is None:
                return False
            self._last_retried = failure.tenant_id
            transaction.enter_tenant(TenantId(failure.tenant_id))
            failures = FailureRepository(transaction)
            event = EventRepository(transaction).get(failure.event_id)
            error = self._attempt(transaction, self._followers[failure.follower], [event])
            if error is None:
                failures.clear(failure.id)
                return True
            attempts = failure.attempts + 1
            due_at = now + PAUSES[attempts - 1] if attempts <= len(PAUSES) else None
            failures.note(failure.id, attempts=attempts, due_at=due_at, error=_place_of(error))
        about = {**_about(failure.follower, event, failure.tenant_id), "attempts": attempts}
        if due_at is None:
            log.error("event is dead", extra={**about, "event": "job.event_dead"})
        else:
            log.error("event failed", extra={**about, "event": "job.event_failed"})
        return True

    def waiting(self) -> int:
        """Return how many events wait to be followed."""
        with self._begin(Role.IDENTITY) as transaction:
            return CursorQueue(transaction).waiting()

    def failing(self) -> int:
        """Return how many events a follower failed over and is to get again."""
        with self._begin(Role.IDENTITY) as transaction:
            return FailureQueue(transaction).waiting()

    def _follow(self, transaction: Transaction, after: int) -> None:
        events = EventRepository(transaction).after(after, limit=BATCH)
        for follower in self._followers.values() if events else ():
            self._hand(transaction, follower, events)
        seq = events[-1].seq if events else after
        CursorRepository(transaction).move(seq, caught_up=len(events) < BATCH)

    def _give_way(self, tenant_id: TenantId) -> None:
        # Where this fails too, the turn's own failure is the one to tell of.
        with suppress(Unavailable, Busy), self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(tenant_id)
            CursorRepository(transaction).give_way()

    def _hand(self, transaction: Transaction, follower: Follower, events: Sequence[Row[Any]]) -> None:
        if self._attempt(transaction, follower, events) is None:
            return
        failures = FailureRepository(transaction)
        for event in events:
            error = self._attempt(transaction, follower, [event])
            if error is not None:
                due_at = self._clock.now() + PAUSES[0]
                failures.record(event.id, follower.name, due_at=due_at, error=_place_of(error))
                about = _about(follower.name, event, transaction.tenant_id)
                log.error("event failed", extra={**about, "event": "job.event_failed", "attempts": 1})

    def _attempt(
        self, transaction: Transaction, follower: Follower, events: Sequence[Row[Any]]
    ) -> Exception | None:
        try:
            with transaction.savepoint():
                follower.handle(transaction, events)
        except Unavailable:
            # That is not the event's fault; the whole turn is undone, and comes again.
            raise
        except Exception as error:
            first, name = events[0], "job.follower_failed"
            about = {**_about(follower.name, first, transaction.tenant_id), "event": name}
            log.warning("follower failed", exc_info=error, extra={**about, "events": len(events)})
            return error
        return None


def _place_of(error: Exception) -> str:
    """Return what went wrong, and where in a room; not the error's text, which may name anybody."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if ROOM.search(frame.filename)]
    return f"{type(error).__name__} at {PurePath(frames[-1].filename).name}:{frames[-1].lineno}"


def _about(follower: str, event: Row[Any], tenant_id: UUID) -> dict[str, Any]:
    return {
        "follower": follower,
        "event_id": str(event.id),
        "event_type": event.type,
        "seq": event.seq,
        "tenant_id": str(tenant_id),
    }
