"""The `limits` storage on PostgreSQL: one row a key, one upsert a request, exact over all workers and hosts.

The row lock of the upsert serialises a key; the clock is the server's, read after the lock. Two
tables: `login_attempts` survives a crash of PostgreSQL, `rate_limits` (UNLOGGED) is cheaper.
"""

import hashlib
import threading
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from limits.storage import MovingWindowSupport, Storage

from mbs.foundation.caller import Question
from mbs.foundation.db import Database, Role
from mbs.foundation.errors import Unavailable
from mbs.foundation.http import current_scope

DURABLE = "DURABLE"
"""Namespace of the limits that must survive a crash of the database."""

MOVING_ONLY = "this storage counts moving windows only"

ACQUIRE = {
    "login_attempts": "SELECT * FROM count_attempt(%(key)s, %(limit)s, %(window)s, %(amount)s) AS counted",
    "rate_limits": "SELECT * FROM count_request(%(key)s, %(limit)s, %(window)s, %(amount)s) AS counted",
}
"""The upsert itself is a function of migration 0008, so that it is planned once a connection."""

SWEEP = """
DELETE FROM {table} WHERE key IN (
  SELECT key FROM {table} WHERE expires_at < clock_timestamp() LIMIT 10 FOR UPDATE SKIP LOCKED)
RETURNING key
"""

CLEAR = "DELETE FROM {table} WHERE key = %(key)s RETURNING key"

PEEK = """
SELECT extract(epoch FROM coalesce(min(hit), clock_timestamp()))::float8, count(hit)
FROM {table}, unnest(hits) AS hit
WHERE key = %(key)s AND hit > clock_timestamp() - make_interval(secs => %(window)s)
"""


class Hit(NamedTuple):
    """One request counted, or refused; `oldest` in seconds since the epoch, `answer` the question's row."""

    admitted: bool
    held: int
    oldest: float
    answer: Sequence[Any]


class PostgresStorage(Storage, MovingWindowSupport):
    """Registered with `limits` under the scheme `mbs+postgresql` when this module is imported."""

    STORAGE_SCHEME = ["mbs+postgresql"]  # noqa: RUF012 - the library declares it for instances

    def __init__(
        self, uri: str, *, database: Database, wrap_exceptions: bool = False, **options: Any
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._database = database
        self._last = threading.local()

    @property
    def base_exceptions(self) -> type[Exception]:
        return Unavailable

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count one hit if the window has room."""
        hit = self.count(key, limit, expiry, amount)
        # The headers of this very request ask for the window next: no second statement for that.
        self._last.window = (key, (hit.oldest, hit.held))
        return hit.admitted

    def count(
        self, key: str, limit: int, expiry: int, amount: int = 1, *, question: Question | None = None
    ) -> Hit:
        """Count one hit if the window has room, and ask a question in the same message."""
        table = _table(key)
        statement = ACQUIRE[table]
        parameters = {"key": _digest(key), "limit": limit, "window": expiry, "amount": amount}
        if question is not None:
            statement, parameters = f"{statement}, {question.item}", {**parameters, **question.parameters}
        ((admitted, held, oldest, inserted, *answer),) = self._send(statement, parameters)
        if inserted:
            self._send(SWEEP.format(table=table), {})
        return Hit(bool(admitted), held, oldest, answer)

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """Return when the window's oldest hit was (seconds since the epoch) and how many hits it holds."""
        remembered = getattr(self._last, "window", None)
        if remembered is not None and remembered[0] == key:
            self._last.window = None
            window: tuple[float, int] = remembered[1]
            return window
        rows = self._send(PEEK.format(table=_table(key)), {"key": _digest(key), "window": expiry})
        return float(rows[0][0]), int(rows[0][1])

    def clear(self, key: str) -> None:
        """Forget a key, as after a successful login."""
        self._last.window = None
        self._send(CLEAR.format(table=_table(key)), {"key": _digest(key)})

    def check(self) -> bool:
        """Tell whether the store answers."""
        self._send("SELECT 1", {})
        return True

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        raise NotImplementedError(MOVING_ONLY)

    def get(self, key: str) -> int:
        raise NotImplementedError(MOVING_ONLY)

    def get_expiry(self, key: str) -> float:
        raise NotImplementedError(MOVING_ONLY)

    def reset(self) -> int | None:
        raise NotImplementedError(MOVING_ONLY)

    def _send(self, sql: str, parameters: Mapping[str, Any]) -> Any:
        return self._database.statement(Role.IDENTITY, sql, parameters, scope=current_scope())


def _table(key: str) -> str:
    return "login_attempts" if key.startswith(DURABLE + "/") else "rate_limits"


def _digest(key: str) -> str:
    # Bounds the key's length and keeps addresses and e-mails out of the table.
    return hashlib.sha256(key.encode()).hexdigest()[:32]
