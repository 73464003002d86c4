"""Who may migrate, and how long a migration waits for a table: never so long that traffic notices.

A blocking advisory lock deadlocks with CREATE INDEX CONCURRENTLY and a session lock outlives its client
behind a pooler; so the lock is tried for, in a transaction of its own that holds no snapshot.
"""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain, count, repeat

import psycopg2.errors
from sqlalchemy import text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DBAPIError

from mbs.operations.schema_faults import LockLost, LockNotObtained

logger = logging.getLogger("mbs.migration")

POLL_S = 0.5

# A statement waiting for a strong lock makes every later reader wait behind it: so wait briefly, and often.
# In order, milliseconds; the last is repeated until the caller's patience ends.
LOCK_TIMEOUTS_MS = (100, 100, 100, 200, 300, 400, 500, 500, 500, 500, 1000, 1000)
FIRST_PAUSE_S, PAUSE_GROWTH, LONGEST_PAUSE_S = 1.5, 1.5, 60.0

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended('mbs migrate', 0))")
_HOLD_ON = text("SELECT set_config('idle_in_transaction_session_timeout', '0', true)")


@contextmanager
def migration_lock(engine: Engine, deadline: float) -> Iterator[Callable[[], None]]:
    """Hold the database's one migration lock; yields a function that raises LockLost once it is gone.

    :param deadline: by `time.monotonic()`.
    :raises LockNotObtained: if the deadline passes first.
    """
    with engine.connect() as connection:
        while not connection.execute(_TRY_LOCK).scalar_one():
            # Give the snapshot back between tries, or the holder's CREATE INDEX CONCURRENTLY waits for us.
            connection.rollback()
            if time.monotonic() >= deadline:
                raise LockNotObtained("another migration is running and did not end in time; try again later")
            time.sleep(min(POLL_S, max(0.0, deadline - time.monotonic())))
        connection.execute(_HOLD_ON)
        yield lambda: _assert_alive(connection)
        connection.rollback()


def with_lock_retries(attempt: Callable[[int, int], None], deadline: float, what: str) -> int:
    """Run `attempt(lock_timeout_ms, retries)` until no lock is in its way; return the number of retries.

    :param deadline: by `time.monotonic()`; every try, the last one too, has its time-out.
    :param what: for the message: the file that waits.
    :raises LockNotObtained: if the deadline passes first.
    """
    timeouts = chain(LOCK_TIMEOUTS_MS, repeat(LOCK_TIMEOUTS_MS[-1]))
    for retries, timeout_ms in zip(count(), timeouts, strict=False):
        try:
            attempt(timeout_ms, retries)
        except DBAPIError as error:
            if not isinstance(
                error.orig, psycopg2.errors.LockNotAvailable | psycopg2.errors.DeadlockDetected
            ):
                raise
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                raise LockNotObtained(
                    f"{what}: a table it needs stayed in use; end the long transactions "
                    "(pg_stat_activity, xact_start) or try again later"
                ) from error
            pause = min(FIRST_PAUSE_S * PAUSE_GROWTH**retries, LONGEST_PAUSE_S, remaining)
            logger.warning(
                "migration waits for a lock",
                extra={"migration": what, "lock_timeout_ms": timeout_ms, "retry_in_s": round(pause, 1)},
            )
            time.sleep(pause)
        else:
            return retries
    raise AssertionError("the schedule has no end")


def _assert_alive(connection: Connection) -> None:
    try:
        connection.execute(text("SELECT 1"))
    except DBAPIError as error:
        raise LockLost("the connection that held the migration lock broke; run mbs migrate again") from error
