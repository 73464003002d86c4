"""psycopg2 connections that never wait for ever, and the dialect that lets statements share a message.

A frozen PostgreSQL still acknowledges TCP, so neither keepalives nor `statement_timeout` free a
waiting client: only a client-side deadline does. psycopg2 has none; its wait callback makes one.
"""

import select
import time
from contextvars import ContextVar
from typing import Any

import psycopg2
from psycopg2.extensions import POLL_OK, POLL_READ, POLL_WRITE, TRANSACTION_STATUS_IDLE, set_wait_callback
from sqlalchemy.dialects.postgresql.psycopg2 import PGDialect_psycopg2

CONNECT_SECONDS = 2.0
PING_SECONDS = 1.0
STATEMENT_SECONDS = 3.5
"""Above the server's own statement_timeout (3 s), so that a merely slow statement gets the server's error."""

LOST = "server closed the connection unexpectedly: no answer within the client-side deadline"
"""Words that SQLAlchemy's psycopg2 dialect takes for a disconnect, so that the pool drops the connection."""


_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)


class until:  # noqa: N801 - reads as the word it is; a generator would cost every message five times as much
    """Let nothing inside the block wait beyond an instant of `time.monotonic()`, connecting included."""

    __slots__ = ("_deadline", "_token")

    def __init__(self, deadline: float | None) -> None:
        self._deadline = deadline

    def __enter__(self) -> None:
        self._token = _deadline.set(self._deadline)

    def __exit__(self, *_: object) -> None:
        _deadline.reset(self._token)


class DeadlineConnection(psycopg2.extensions.connection):
    """A connection whose every wait ends after `patience` seconds, or earlier if `until` says so."""

    patience: float = CONNECT_SECONDS
    messages: int = 0
    opening: bytes = b""
    """SQL that goes ahead of the next statement in the same message, set by `db.Database.transaction`."""
    opens_once: bool = True
    pending: bytes = b""
    """SQL that goes ahead of COMMIT in the same message, behind every other statement."""


def patient_while_connecting(seconds: float) -> type[DeadlineConnection]:
    """Return the connection class for `connection_factory`: psycopg2 offers no other moment to set it."""
    return type("DeadlineConnection", (DeadlineConnection,), {"patience": seconds})


def wait(connection: Any) -> None:
    """Wait for libpq like psycopg2 does, but not beyond the connection's patience and the deadline.

    Never closes the connection: closing inside the callback deadlocks the process. psycopg2 closes
    it itself when this raises.

    :raises psycopg2.OperationalError: if the server does not answer in time.
    """
    limit = None
    if isinstance(connection, DeadlineConnection):
        connection.messages += 1
        limit = time.monotonic() + connection.patience
    deadline = _deadline.get()
    if deadline is not None:
        limit = deadline if limit is None else min(limit, deadline)
    while True:
        state = connection.poll()
        if state == POLL_OK:
            return
        # A new poll object each round: while connecting, libpq may change to another socket.
        poller = select.poll()
        if state == POLL_READ:
            poller.register(connection.fileno(), select.POLLIN)
        elif state == POLL_WRITE:
            poller.register(connection.fileno(), select.POLLOUT)
        else:
            raise psycopg2.OperationalError(f"unexpected state {state} of the connection")
        if limit is None:
            poller.poll()
            continue
        milliseconds = (limit - time.monotonic()) * 1000
        if milliseconds <= 0 or not poller.poll(milliseconds):
            raise psycopg2.OperationalError(LOST)


set_wait_callback(wait)


class OneMessageDialect(PGDialect_psycopg2):
    """psycopg2 in its autocommit mode, with BEGIN, COMMIT and ROLLBACK sent by us.

    psycopg2 itself sends BEGIN as a message of its own before the first statement; sent by us it
    shares one message with the context (role, tenant, time-outs) and the first statement, and COMMIT
    does with the last one where that is known (ADR 0011).
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Send nothing: BEGIN is part of the connection's `opening`."""

    def do_execute(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        connection = cursor.connection
        if not connection.opening:
            cursor.execute(statement, parameters)
            return
        message = connection.opening + cursor.mogrify(statement, parameters)
        try:
            cursor.execute(message)
        finally:
            # A message that was no SQL began nothing: whatever comes after it still needs the opening.
            if connection.opens_once and connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
                connection.opening = b""

    def do_execute_no_params(self, cursor: Any, statement: str, context: Any = None) -> None:
        self.do_execute(cursor, statement, None)

    def do_executemany(self, cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        # psycopg2 composes these messages itself, so the opening has to go before them.
        if cursor.connection.opening:
            if not cursor.connection.opens_once:
                raise RuntimeError("a read-only transaction has nothing to write")
            self.do_execute(cursor, "SELECT", None)
        super().do_executemany(cursor, statement, parameters, context)  # type: ignore[no-untyped-call]

    def do_commit(self, dbapi_connection: Any) -> None:
        connection = dbapi_connection.dbapi_connection
        if connection.pending:
            # When it fails, PostgreSQL skips the rest of the message: nothing is committed.
            message = connection.opening + connection.pending + b"COMMIT"
            connection.opening = connection.pending = b""
        elif connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            message = b"COMMIT"
        else:
            return
        with connection.cursor() as cursor:
            cursor.execute(message)

    def do_rollback(self, dbapi_connection: Any) -> None:
        connection = dbapi_connection.dbapi_connection
        connection.opening = connection.pending = b""
        if not connection.closed and connection.get_transaction_status() != TRANSACTION_STATUS_IDLE:
            with connection.cursor() as cursor:
                cursor.execute("ROLLBACK")
