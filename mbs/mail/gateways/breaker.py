"""Keeps a provider that is away from being asked again and again."""

import logging
import threading
import time
from collections.abc import Callable

from mbs.mail.gateways.interface import NotTried

log = logging.getLogger("mbs.job")

FAILURES = 5
"""So many in a row, and the provider counts as away."""

PAUSE, LONGEST_PAUSE = 30.0, 300.0
"""Seconds until one trial; they double from one failed trial to the next."""

TRIAL = 60.0
"""Seconds after which a trial that nobody has told the end of counts as lost."""


class Breaker:
    """One per provider and process; threads share it.

    :param now: the clock, in seconds.
    """

    def __init__(self, provider: str, *, now: Callable[[], float] = time.monotonic) -> None:
        self._provider = provider
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = PAUSE
        self._away_until: float | None = None

    def ready(self) -> bool:
        """Tell whether the provider may be asked now; takes no trial."""
        with self._lock:
            return self._left() <= 0

    def admit(self) -> None:
        """Take leave to ask the provider once; after a pause one caller alone gets it.

        Who got it says how it went, by `succeeded` or `failed` or `trip`.

        :raises NotTried: if the provider is away.
        """
        with self._lock:
            left = self._left()
            if left > 0:
                raise NotTried(f"{self._provider} is away", retry_after=left)
            if self._away_until is not None:
                self._away_until = self._now() + TRIAL

    def succeeded(self) -> None:
        """Note an answer, whatever it was."""
        with self._lock:
            back = self._away_until is not None
            self._failures, self._pause, self._away_until = 0, PAUSE, None
        if back:
            log.info("provider back", extra={"event": "job.provider_back", "provider": self._provider})

    def failed(self, *, at_least: float | None = None) -> None:
        """Note that there was no answer, or none of use.

        :param at_least: seconds that the provider asks to be left alone.
        """
        with self._lock:
            self._failures += 1
            on_trial = self._away_until is not None
            if not on_trial and self._failures < FAILURES:
                return
            pause = min(max(self._pause, at_least or 0.0), LONGEST_PAUSE)
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            self._open(pause)

    def trip(self) -> None:
        """Leave the provider alone for five minutes at once: it refuses the service itself."""
        with self._lock:
            self._open(LONGEST_PAUSE)

    def _left(self) -> float:
        return 0.0 if self._away_until is None else self._away_until - self._now()

    def _open(self, seconds: float) -> None:
        self._away_until = self._now() + seconds
        about = {"event": "job.provider_away", "provider": self._provider, "seconds": seconds}
        log.error("provider left alone", extra=about)
