"""Rate limits (runbook section 11): which limit a request counts against, under which key, and the headers.

Built on `limits`, the library under Flask-Limiter, whose own hooks ask the storage a second time for
the headers and parse limits anew on every request (ADR 0008).
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Flask, current_app, g, request
from limits import (
    RateLimitItem,
    RateLimitItemPerDay,
    RateLimitItemPerHour,
    RateLimitItemPerMinute,
    WindowStats,
)
from limits.storage import MemoryStorage, storage_from_string
from limits.strategies import MovingWindowRateLimiter
from werkzeug.wrappers import Response

from mbs.foundation import response_headers
from mbs.foundation.addresses import caller_address, household
from mbs.foundation.caller import Question
from mbs.foundation.errors import RateLimited, Unavailable
from mbs.foundation.http import current_request, is_health
from mbs.foundation.limits_postgres import DURABLE, PostgresStorage

log = logging.getLogger("mbs.security")

F = TypeVar("F", bound=Callable[..., Any])

LOGIN = RateLimitItemPerMinute(5, 15, namespace=DURABLE)
REGISTER = RateLimitItemPerMinute(10, 15, namespace=DURABLE)
SECOND_FACTOR = RateLimitItemPerMinute(20, 15, namespace=DURABLE)
ACCOUNT = RateLimitItemPerMinute(10, 15, namespace=DURABLE)
ACCOUNT_MAIL = RateLimitItemPerHour(10, namespace=DURABLE)
WARNING = RateLimitItemPerDay(1, namespace=DURABLE)
MAILBOX = RateLimitItemPerHour(3, namespace=DURABLE)
API = RateLimitItemPerMinute(100)
ANONYMOUS = RateLimitItemPerMinute(100)

REDIS_PATIENCE = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
"""Seconds that a Redis which hangs may cost a request; without them it would cost the thread."""

NAMED: dict[str, RateLimitItem] = {
    "login": LOGIN,
    "second_factor": SECOND_FACTOR,
    "register": REGISTER,
    "account_mail": ACCOUNT_MAIL,
}


@dataclass(frozen=True, slots=True)
class Window:
    """The state of the limit that a request counted against; `reset` in seconds since the epoch."""

    policy: str
    limit: int
    seconds: int
    remaining: int
    reset: float


def limited(name: str) -> Callable[[F], F]:
    """Count a view against a limit of its own (one of `NAMED`) by the caller's address."""

    def decorate(view: F) -> F:
        view.limit = name  # type: ignore[attr-defined]
        return view

    return decorate


class Limits:
    """Counts requests. One per application."""

    def __init__(self, *, storage_uri: str, storage_options: dict[str, Any], proxies: int) -> None:
        storage = storage_from_string(storage_uri, **storage_options)
        self._strategy = MovingWindowRateLimiter(storage)
        self._postgres = storage if isinstance(storage, PostgresStorage) else None
        self._proxies = proxies
        # For Redis only: when it is away, a login is refused and the rest is counted in this process.
        self._local = MovingWindowRateLimiter(MemoryStorage())

    def install(self, app: Flask) -> None:
        """Count every request under /api, and name the window in its response's headers."""

        @app.before_request
        def count() -> None:
            asked = current_request()
            path = asked.path
            if not path.startswith("/api") or is_health(path) or asked.method == "OPTIONS":
                return
            view = current_app.view_functions.get(asked.endpoint or "")
            if getattr(view, "signed_by", None) is not None:
                return
            name = getattr(view, "limit", None)
            if name is not None:
                self._count(NAMED[name], name, f"ip:{self.address()}")
            elif g.identity is not None and (g.identity.signed or g.question is not None):
                self._count(API, "api", g.identity.subject, question=g.question)
                if not g.identity.signed:
                    # Each key that somebody makes up would have a limit of its own.
                    g.count_stranger = count_stranger
            else:
                count_stranger()

        def count_stranger() -> None:
            self._count(ANONYMOUS, "anonymous", f"ip:{self.address()}")

        @app.after_request
        def name_window(response: Response) -> Response:
            window: Window | None = g.get("window")
            if window is not None:
                wait = min(window.seconds, max(0, math.ceil(window.reset - time.time())))
                response_headers.add(
                    current_request().environ,
                    ("RateLimit-Policy", f'"{window.policy}";q={window.limit};w={window.seconds}'),
                    ("RateLimit", f'"{window.policy}";r={window.remaining};t={wait}'),
                    ("X-RateLimit-Limit", str(window.limit)),
                    ("X-RateLimit-Remaining", str(window.remaining)),
                    ("X-RateLimit-Reset", str(math.ceil(window.reset))),
                )
            return response

    def address(self) -> str:
        """Return under what a caller without credentials is counted (`addresses.household`)."""
        forwarded = request.headers.getlist("X-Forwarded-For") if self._proxies else ()
        return household(caller_address(request.remote_addr, forwarded, self._proxies))

    def admit(self, account: str) -> None:
        """Count an attempt at an account, before its password is looked at.

        :raises RateLimited: after ten attempts without success in fifteen minutes.
        """
        admitted, window = self._hit(ACCOUNT, f"account:{account}")
        if not admitted:
            log.warning("account throttled", extra={"event": "security.account_throttled"})
            raise RateLimited(
                "Too many attempts at this account; wait as long as `Retry-After` says.",
                retry_after=_wait(window.reset_time, ACCOUNT),
            )

    def succeeded(self, account: str) -> None:
        """Forget the attempts at an account.

        :raises Unavailable: if the store of the counters does not answer.
        """
        try:
            self._strategy.clear(ACCOUNT, f"account:{account}")
        except self._strategy.storage.base_exceptions as error:
            raise Unavailable from error

    def warns(self, account: str) -> bool:
        """Count a warning about attempts at an account; tell whether it is the first in 24 hours."""
        return self._hit(WARNING, f"warning:{account}")[0]

    def spares(self, mailbox: str) -> bool:
        """Count a mail that somebody causes; tell whether the mailbox has had fewer than three in an hour."""
        admitted, _ = self._hit(MAILBOX, f"mailbox:{mailbox}")
        if not admitted:
            log.warning("mailbox spared", extra={"event": "security.mailbox_spared"})
        return admitted

    def reachable(self) -> bool:
        """Tell whether the store of the counters answers."""
        return bool(self._strategy.storage.check())

    def _count(self, item: RateLimitItem, policy: str, key: str, *, question: Question | None = None) -> None:
        if question is not None and self._postgres is not None:
            # The caller is looked up in the limiter's own message: one round trip less on every request.
            hit = self._postgres.count(item.key_for(key), item.amount, item.get_expiry(), question=question)
            admitted, g.found = hit.admitted, hit.answer
            reset, remaining = hit.oldest + item.get_expiry(), item.amount - hit.held
        else:
            admitted, (reset, remaining) = self._hit(item, key)
        g.window = Window(policy, item.amount, item.get_expiry(), max(0, remaining), reset)
        if not admitted:
            log.warning("rate limited", extra={"event": "security.rate_limited", "limit": policy})
            raise RateLimited(retry_after=_wait(reset, item))

    def _hit(self, item: RateLimitItem, key: str) -> tuple[bool, WindowStats]:
        try:
            return _hit(self._strategy, item, key)
        except Unavailable:
            raise
        except self._strategy.storage.base_exceptions as error:
            log.error("rate limit store away", extra={"event": "security.rate_limit_store_away"})
            if item.namespace == DURABLE:
                raise Unavailable from error
            return _hit(self._local, item, key)


def _hit(strategy: MovingWindowRateLimiter, item: RateLimitItem, key: str) -> tuple[bool, WindowStats]:
    # The window is always asked of the store that counted: after a failure, of this process.
    return strategy.hit(item, key), strategy.get_window_stats(item, key)


class NoLimits:
    """What development gets with SKIP_RATE_LIMIT: nothing is counted. Deployed environments never get it."""

    def admit(self, account: str) -> None:
        """Admit everything."""

    def succeeded(self, account: str) -> None:
        """Nothing to forget."""

    def warns(self, account: str) -> bool:
        """Let every warning go."""
        return True

    def spares(self, mailbox: str) -> bool:
        """Let every mail go."""
        return True

    def reachable(self) -> bool:
        return True


def _wait(reset: float, item: RateLimitItem) -> int:
    # The store's clock may run ahead of ours; nobody waits longer than a window.
    return min(item.get_expiry(), max(1, math.ceil(reset - time.time())))
