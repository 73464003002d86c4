"""Keeps a provider that is away from being asked again and again."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import requests

from mbs.mail.gateways.interface import Misconfigured, NotTried, Refused, Unavailable

log = logging.getLogger("mbs.job")

FAILURES = 5
"""So many in a row, and the provider counts as away."""

PAUSE, LONGEST_PAUSE = 30.0, 300.0
"""Seconds until one trial, which is cheap enough to come soon: what waits then goes soon, too.

The longest is for a provider that refuses the service, or says itself for how long it is away.
"""

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
        self._away_until: float | None = None

    def ready(self) -> bool:
        """Tell whether the provider may be asked now; takes no trial."""
        with self._lock:
            return self._left() <= 0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Enclose one question to the provider; what is raised in it tells how the provider is.

        :raises NotTried: if it is away; after a pause one caller alone may try.
        :raises Unavailable: in place of what `requests` raises.
        """
        on_trial = self._admit()
        try:
            yield
        except Misconfigured:
            # It will refuse all others, too, until somebody has changed something.
            self._leave_alone(LONGEST_PAUSE)
            raise
        except Refused:
            self._succeeded()
            raise
        except Unavailable as error:
            self._failed(on_trial=on_trial, at_least=error.retry_after)
            raise
        except requests.RequestException as error:
            self._failed(on_trial=on_trial)
            raise Unavailable(f"{self._provider}: {type(error).__name__}") from None
        else:
            self._succeeded()

    def _admit(self) -> bool:
        with self._lock:
            left = self._left()
            if left > 0:
                raise NotTried(f"{self._provider} is away", retry_after=left)
            on_trial = self._away_until is not None
            if on_trial:
                self._away_until = self._now() + TRIAL
        return on_trial

    def _succeeded(self) -> None:
        with self._lock:
            back = self._away_until is not None
            self._failures, self._away_until = 0, None
        if back:
            log.info("provider back", extra={"event": "job.provider_back", "provider": self._provider})

    def _failed(self, *, on_trial: bool, at_least: float | None = None) -> None:
        with self._lock:
            self._failures += 1
            # Those that were on their way when it was found to be away tell nothing new.
            late = self._away_until is not None and not on_trial
            if late or (not on_trial and self._failures < FAILURES):
                return
        self._leave_alone(min(max(PAUSE, at_least or 0.0), LONGEST_PAUSE))

    def _leave_alone(self, seconds: float) -> None:
        with self._lock:
            self._away_until = self._now() + seconds
        about = {"event": "job.provider_away", "provider": self._provider, "seconds": seconds}
        log.error("provider left alone", extra=about)

    def _left(self) -> float:
        return 0.0 if self._away_until is None else self._away_until - self._now()
