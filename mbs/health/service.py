"""The checks behind the health endpoints: bounded, at most once a second, one thread at a time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Generic, TypeVar

from psycopg2.errorcodes import INSUFFICIENT_PRIVILEGE

from mbs.foundation.database_errors import sqlstate
from mbs.foundation.db import Database
from mbs.foundation.errors import Unavailable
from mbs.foundation.schema_version import compare
from mbs.foundation.scope import Scope
from mbs.health.models import Check, Report, Status
from mbs.health.repository import HealthRepository

T = TypeVar("T")

CACHE_SECONDS = 1.0
STALE_SECONDS = 5.0
"""How old an answer may be for those who come while it is being asked anew."""

PATIENCE_SECONDS = 2.0
"""For one question to the database, connecting included; it is less than a prober's own patience."""

REPORT_SECONDS = 3.0
PROVIDER_SECONDS = 1.0
"""For the provider of single sign-on, which is not asked each time."""

Outcome = tuple[Status, str | None]


class SingleFlight(Generic[T]):
    """Asks a question once for all who want to know within a second.

    Whoever comes while it is being asked gets the last answer: waiting probes would use up the server's
    threads as long as the database is silent.
    """

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._answer: tuple[float, T] | None = None

    def __call__(self) -> T:
        recent = self._known(STALE_SECONDS)
        if not self._lock.acquire(blocking=recent is None):
            assert recent is not None
            return recent[1]
        try:
            answer = self._known(CACHE_SECONDS)
            if answer is None:
                value = self._question()
                answer = self._answer = (time.monotonic(), value)
            return answer[1]
        finally:
            self._lock.release()

    def _known(self, seconds: float) -> tuple[float, T] | None:
        answer = self._answer
        return answer if answer is not None and time.monotonic() - answer[0] < seconds else None


class HealthService:
    """`probe` is None when the configuration names no usable database; `faults` are the configuration's.

    `provider_answers` tells within so many seconds whether single sign-on works; None where it is not set up.
    `messages_by` says by whom messages leave: they wait in a queue, so no provider of them is asked.
    """

    def __init__(
        self,
        *,
        probe: Database | None,
        tenant_tables: Sequence[str] = (),
        known_revisions: Sequence[str] = (),
        limits_reachable: Callable[[], bool] = lambda: True,
        provider_answers: Callable[[float], bool] | None = None,
        messages_by: str = "not examined",
        warnings: Sequence[str] = (),
        faults: Sequence[tuple[str, str]] = (),
        release: Mapping[str, str | None] | None = None,
    ) -> None:
        self._repository = HealthRepository(probe, tenant_tables) if probe is not None else None
        self._known = tuple(known_revisions)
        self._limits_reachable = limits_reachable
        self._provider_answers = provider_answers
        self._messages_by = messages_by
        self._warnings = tuple(warnings)
        self._faults = tuple(faults)
        self._asked_database = SingleFlight(self._database)
        self._asked_all = SingleFlight(self._report)
        self.release = dict(release or {})

    def alive(self) -> Status:
        """Tell whether the process serves; asks nobody, because liveness must not depend on others."""
        return "degraded" if self._faults else "ok"

    def database(self) -> str:
        """Return `connected`, `disconnected` or `not_configured`."""
        if self._repository is None:
            return "not_configured"
        return self._asked_database()

    def report(self) -> Report:
        """Return the outcome of every check."""
        return self._asked_all()

    def _database(self) -> str:
        assert self._repository is not None
        try:
            self._repository.answers(probing(PATIENCE_SECONDS))
        except Unavailable:
            return "disconnected"
        except Exception:  # noqa: BLE001 - the server answered, with a refusal that other checks name
            return "connected"
        return "connected"

    def _report(self) -> Report:
        # All checks share one deadline: one silent database would otherwise cost each its own.
        scope = probing(REPORT_SECONDS)
        # In degraded mode nothing but /health/db opens a connection.
        database = _not_asked if self._faults else partial(self._check_database, scope)
        checks = [self._check("database", database)]
        reachable = checks[0].status == "ok"
        for name, critical, question in (
            ("migrations", True, partial(self._check_migrations, scope)),
            ("tenant_isolation", True, partial(self._check_isolation, scope)),
            ("auth", True, partial(self._check_auth, scope)),
            ("rate_limit_store", False, self._check_limits),
        ):
            checks.append(self._check(name, question if reachable else _not_asked, critical=critical))
        checks.append(self._check("notifications", lambda: ("ok", self._messages_by), critical=False))
        checks.append(self._configuration())
        return Report(checks)

    def _check(self, name: str, question: Callable[[], Outcome], *, critical: bool = True) -> Check:
        started = time.perf_counter()
        try:
            status, message = question()
        except Exception as error:  # noqa: BLE001 - a check that fails in any way is a failed check
            status, message = "unhealthy", f"could not be examined ({type(error).__name__})"
            if sqlstate(error) == INSUFFICIENT_PRIVILEGE:
                message += ": run `mbs migrate`, which grants the roles"
        return Check(
            name=name,
            status=status,
            # What is degraded does its work but for a part that the service can do without.
            critical=critical and status != "degraded",
            latency_ms=round((time.perf_counter() - started) * 1000, 1),
            observed_at=datetime.now(UTC),
            message=message,
        )

    def _check_database(self, scope: Scope) -> Outcome:
        state = self.database()
        if self._repository is None or state != "connected":
            return "unhealthy", state
        if not self._repository.writable(scope):
            # A standby, or a demoted primary. Every request is counted in it, so none could be served.
            return "unhealthy", "read-only"
        return "ok", None

    def _check_migrations(self, scope: Scope) -> Outcome:
        assert self._repository is not None
        state = compare(self._known, *self._repository.revisions(scope))
        return ("ok" if state.ready else "unhealthy"), state.summary

    def _check_isolation(self, scope: Scope) -> Outcome:
        assert self._repository is not None
        wall = self._repository.wall(scope)
        if wall.faults:
            return "unhealthy", "; ".join(wall.faults)
        return "ok", wall.warning

    def _check_auth(self, scope: Scope) -> Outcome:
        assert self._repository is not None
        self._repository.identity_readable(scope)
        if self._provider_answers is None:
            return "ok", "single sign-on not configured"
        if self._provider_answers(min(PROVIDER_SECONDS, left(scope))):
            return "ok", "single sign-on ready"
        return "degraded", "SSO degraded: its provider does not answer; signing in with a password works"

    def _check_limits(self) -> Outcome:
        return ("ok", None) if self._limits_reachable() else ("degraded", "the store does not answer")

    def _configuration(self) -> Check:
        message = None
        if self._faults:
            message = ", ".join(f"{variable} ({code})" for variable, code in self._faults)
        elif self._warnings:
            message = f"warnings: {', '.join(sorted(set(self._warnings)))}"
        return Check(
            name="configuration",
            status="unhealthy" if self._faults else "ok",
            critical=True,
            latency_ms=0.0,
            observed_at=datetime.now(UTC),
            message=message,
            faults=self._faults,
        )


def probing(seconds: float) -> Scope:
    """Return the scope of a probe, which must know within so many seconds."""
    return Scope(correlation_id="health", deadline=time.monotonic() + seconds)


def left(scope: Scope) -> float:
    """Return the seconds that a probe has left."""
    assert scope.deadline is not None
    return scope.deadline - time.monotonic()


def _not_asked() -> Outcome:
    return "unhealthy", "not examined: the service has no usable database or configuration"
