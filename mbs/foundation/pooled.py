"""What happens to a pooled connection when it is made, lent, given back, and lost."""

import os
import time
from typing import Any

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_IDLE
from sqlalchemy import event
from sqlalchemy.engine import Engine
from sqlalchemy.exc import DisconnectionError

from mbs.foundation.connections import PING_SECONDS

PING_AFTER_SECONDS = 5.0
"""A pooled connection is pinged only after this much idleness; busy ones prove by working that they live."""


def watch(engine: Engine, *, patience: float) -> None:
    """Keep an engine's connections in order.

    :param patience: seconds that a statement may take, the client's wait included.
    """

    def made(raw: Any, record: Any) -> None:
        raw.autocommit = True
        raw.patience = patience
        record.info["pid"] = os.getpid()
        record.info["used_at"] = time.monotonic()

    def lent(raw: Any, record: Any, proxy: Any) -> None:
        # A socket that crossed fork() is shared with the parent and once served another tenant's rows.
        if record.info["pid"] != os.getpid():
            record.dbapi_connection = proxy.dbapi_connection = None
            raise DisconnectionError("this connection belongs to another process")
        if time.monotonic() - record.info["used_at"] > PING_AFTER_SECONDS:
            raw.patience = PING_SECONDS
            try:
                with raw.cursor() as cursor:
                    cursor.execute("SELECT 1")
            except psycopg2.Error as error:
                raise DisconnectionError("the idle connection does not answer") from error
            raw.patience = patience

    # Before SQLAlchemy's own first queries, which would otherwise leave psycopg2 inside a transaction.
    event.listen(engine, "connect", made, insert=True)
    event.listen(engine, "checkout", lent)
    event.listen(engine, "checkin", _given_back)
    event.listen(engine, "handle_error", _lost)


def _given_back(raw: Any, record: Any) -> None:
    if raw is None:
        return
    raw.opening = raw.pending = b""
    record.info["used_at"] = time.monotonic()
    # Each transaction has ended by now. In place of the pool's own reset, which costs ten times as much.
    if raw.closed or raw.get_transaction_status() != TRANSACTION_STATUS_IDLE:
        record.invalidate()


def is_lost(error: BaseException | None) -> bool:
    """Tell whether what the server said ends the use of this connection."""
    # Without this a demoted primary passes every ping and is kept for ever.
    code = getattr(error, "pgcode", None) or ""
    return code == "25006" or code.startswith(("08", "57P"))


def _lost(context: Any) -> None:
    if is_lost(context.original_exception):
        context.is_disconnect = True
