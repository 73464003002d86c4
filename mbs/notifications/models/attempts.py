"""How often a message is tried, how long one attempt may take, and what each ending of it means."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self

LEASE = timedelta(seconds=60)
"""How long a message that is being sent is one worker's; then another sends it, under the same id."""

LAST_START = timedelta(seconds=20)
"""How far into its lease a message may still be handed over: a mail may take 40 s, at two providers."""

PAUSES = (
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=4),
)
"""Between one attempt and the next; after the last attempt the message has failed."""

MOST_ATTEMPTS = len(PAUSES) + 1
LONGEST_PAUSE = PAUSES[-1]
BATCH = 32
SET_ASIDE = timedelta(minutes=10)
"""How long a message waits that the program itself stumbled over."""

KEPT = timedelta(days=90)

FAILED = frozenset({"permanent_failure", "technical_failure"})
RETRYABLE = FAILED | {"suppressed", "temporary_failure"}
"""What somebody may send again by hand."""

ENDED = FAILED | {"suppressed", "cancelled", "expired"}
"""Where a message ends that did not go out."""

FORGOTTEN = ENDED | {"sent", "delivered", "read"}
"""What is removed when it is old: nothing that still has to go out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an attempt. `due_at` is when it is tried again, where it is.

    `counts` is whether it was an attempt at all: what a worker gives back was none.
    """

    status: str
    reason: str | None = None
    due_at: datetime | None = None
    provider: str | None = None
    provider_message_id: str | None = None
    counts: bool = True

    @classmethod
    def given_back(cls) -> Self:
        """Return that of a message that nobody tried to hand over."""
        return cls(status="queued", counts=False)

    @classmethod
    def put_off(cls, reason: str, *, attempts: int, at: datetime, retry_after: float | None) -> Self:
        """Return that of an attempt which may succeed later.

        :param attempts: how many there were, this one included.
        :param retry_after: seconds that the provider asks for; more than four hours are taken as four.
        """
        if attempts >= MOST_ATTEMPTS:
            return cls(status="permanent_failure", reason=reason)
        pause = PAUSES[attempts - 1]
        if retry_after is not None:
            pause = max(pause, min(timedelta(seconds=retry_after), LONGEST_PAUSE))
        return cls(status="temporary_failure", reason=reason, due_at=at + pause)
