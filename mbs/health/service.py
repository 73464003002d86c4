"""The checks behind the health endpoints: bounded, at most once a second, one thread at a time."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar

from mbs.foundation.db import Database
from mbs.foundation.errors import Unavailable
from mbs.foundation.schema_version import compare
from mbs.health.models import Check, Report, Status
from mbs.health.repository import HealthRepository

T = TypeVar("T")

CACHE_SECONDS = 1.0
Outcome = tuple[Status, str | None]


class SingleFlight(Generic[T]):
    """Asks a question once for all who want to know within a second."""

    def __init__(self, question: Callable[[], T]) -> None:
        self._question = question
        self._lock = threading.Lock()
        self._answer: tuple[float, T] | None = None

    def __call__(self) -> T:
        with self._lock:
            if self._answer is None or time.monotonic() - self._answer[0] >= CACHE_SECONDS:
                self._answer = (time.monotonic(), self._question())
            return self._answer[1]


class HealthService:
    """`probe` is None when the configuration names no usable database; `faults` are the configuration's."""

    def __init__(
        self,
        *,
        probe: Database | None,
        tenant_tables: Sequence[str] = (),
        known_revisions: Sequence[str] = (),
        limits_reachable: Callable[[], bool] = lambda: True,
        warnings: Sequence[str] = (),
        faults: Sequence[tuple[str, str]] = (),
        release: Mapping[str, str | None] | None = None,
    ) -> None:
        self._repository = HealthRepository(probe, tenant_tables) if probe is not None else None
        self._known = tuple(known_revisions)
        self._limits_reachable = limits_reachable
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
            self._repository.answers()
        except Unavailable:
            return "disconnected"
        except Exception:  # noqa: BLE001 - the server answered, with a refusal that other checks name
            return "connected"
        return "connected"

    def _report(self) -> Report:
        checks = [self._check("database", self._check_database)]
        reachable = checks[0].status == "ok"
        for name, critical, question in (
            ("migrations", True, self._check_migrations),
            ("tenant_isolation", True, self._check_isolation),
            ("auth", True, self._check_auth),
            ("rate_limit_store", False, self._check_limits),
        ):
            # One silent database would otherwise cost each check its own deadline.
            asked = question if reachable and not self._faults else _not_asked
            checks.append(self._check(name, asked, critical=critical))
        checks.append(self._configuration())
        return Report(checks)

    def _check(self, name: str, question: Callable[[], Outcome], *, critical: bool = True) -> Check:
        started = time.perf_counter()
        try:
            status, message = question()
        except Exception as error:  # noqa: BLE001 - a check that fails in any way is a failed check
            status, message = "unhealthy", f"could not be examined ({type(error).__name__})"
        return Check(
            name=name,
            status=status,
            critical=critical,
            latency_ms=round((time.perf_counter() - started) * 1000, 1),
            observed_at=datetime.now(UTC),
            message=message,
        )

    def _check_database(self) -> Outcome:
        state = self.database()
        return ("ok", None) if state == "connected" else ("unhealthy", state)

    def _check_migrations(self) -> Outcome:
        assert self._repository is not None
        state = compare(self._known, *self._repository.revisions())
        return ("ok" if state.ready else "unhealthy"), state.summary

    def _check_isolation(self) -> Outcome:
        assert self._repository is not None
        wall = self._repository.wall()
        if wall.faults:
            return "unhealthy", "; ".join(wall.faults)
        return "ok", wall.warning

    def _check_auth(self) -> Outcome:
        assert self._repository is not None
        self._repository.identity_readable()
        return "ok", "single sign-on not configured"

    def _check_limits(self) -> Outcome:
        return ("ok", None) if self._limits_reachable() else ("degraded", "the store does not answer")

    def _configuration(self) -> Check:
        message = None
        if self._warnings:
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


def _not_asked() -> Outcome:
    return "unhealthy", "not examined: the service has no usable database or configuration"
