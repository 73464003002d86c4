"""How often a delivery is tried, how long it waits in between, and what an answer means."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

PAUSES = (
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=12),
    timedelta(hours=19),
)
"""Between one attempt and the next, two days in all; after the last attempt the delivery has failed."""

LONGEST_ASKED = timedelta(hours=1)
"""So far a receiver's `Retry-After` puts the next attempt off."""

LEASE = timedelta(seconds=60)
"""How long a delivery is one worker's; an attempt takes 20 seconds at most."""

LATEST_START = timedelta(seconds=30)
"""Of a lease: who begins later could still be sending when it is another worker's."""

PATIENCE = timedelta(days=5)
"""So long an endpoint may go without a success before it is disabled."""

KEPT = timedelta(days=30)
"""How long a delivery that is over can be looked up and replayed."""

GONE = 410
LONGEST_EXCERPT = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one sending; `error` is None if it arrived, else a word of `docs/webhooks.md`."""

    at: datetime
    duration_ms: int
    error: str | None
    status: int | None = None
    excerpt: str | None = None
    retry_after: timedelta | None = None

    @property
    def is_gone(self) -> bool:
        """Whether the receiver says that it will never take anything again."""
        return self.status == GONE

    def as_history(self) -> dict[str, Any]:
        """Return what the delivery's history keeps of it."""
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "responseStatus": self.status,
            "durationMs": self.duration_ms,
            "error": self.error,
        }


def next_attempt(attempt: Attempt, *, number: int) -> datetime | None:
    """Return when to try again after an attempt that failed; None: never.

    :param number: how many attempts there were, this one included.
    """
    if number > len(PAUSES):
        return None
    asked = min(attempt.retry_after or timedelta(), LONGEST_ASKED)
    return attempt.at + max(PAUSES[number - 1], asked)


def asked_pause(retry_after: str | None, *, at: datetime) -> timedelta | None:
    """Read a `Retry-After` header (RFC 9110 section 10.2.3): seconds, or a date; None if it is neither."""
    if retry_after is None:
        return None
    said = retry_after.strip()
    if said.isascii() and said.isdigit():
        return timedelta(seconds=min(int(said[:9]), 10**6))
    try:
        instant = parsedate_to_datetime(said)
    except (ValueError, OverflowError):
        return None
    if instant.tzinfo is None:
        instant = instant.replace(tzinfo=UTC)
    return max(instant - at, timedelta())
