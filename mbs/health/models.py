"""A check and a report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["ok", "degraded", "unhealthy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """The outcome of one check. A failing check that is not critical leaves the service ready."""

    name: str
    status: Status
    critical: bool
    latency_ms: float
    observed_at: datetime
    message: str | None = None
    faults: Sequence[tuple[str, str]] = ()
    """For `configuration`: (variable, code) of each fault; never a value."""


@dataclass(frozen=True, slots=True)
class Report:
    """200, `ready` and status `ok` go together; a critical check that is not ok makes 503 of all three."""

    checks: Sequence[Check]

    @property
    def ready(self) -> bool:
        return all(check.status == "ok" for check in self.checks if check.critical)

    @property
    def status(self) -> Status:
        if self.ready:
            return "ok"
        statuses = {check.status for check in self.checks if check.critical}
        return "unhealthy" if "unhealthy" in statuses else "degraded"
