"""Hands deliveries over to receivers, which anybody may have set up anywhere.

A host's addresses are looked at when it is connected to: what it resolved to a moment before says nothing.
"""

import time
from collections.abc import Mapping
from typing import cast

import requests

from mbs.foundation.clock import Clock
from mbs.foundation.http_client import AddressRefused, Bounds, bounded_session
from mbs.webhooks.models.addresses import is_public
from mbs.webhooks.models.attempts import LONGEST_EXCERPT, Attempt, asked_pause

BOUNDS = Bounds(connect=3.0, read=10.0, largest=64 * 1024)


class Receivers:
    """All receivers; threads may share it.

    :param allow_private: speak to addresses of private networks too, as in development.
    """

    def __init__(self, *, clock: Clock, allow_private: bool) -> None:
        self._clock = clock
        self._session = bounded_session(BOUNDS, admits=None if allow_private else is_public)
        self._session.headers["User-Agent"] = "MyBizStream-Webhooks/1"

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt:
        """Send a body of JSON; whatever goes wrong is said in the attempt, never raised."""
        at, started = self._clock.now(), time.monotonic()
        error: str | None
        try:
            response = self._session.post(
                url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
            )
        except requests.TooManyRedirects as refused:
            # So it calls what it was told not to follow; nothing was asked elsewhere.
            response = cast(requests.Response, refused.response)
        except (AddressRefused, requests.RequestException, ValueError) as failure:
            return Attempt(at=at, duration_ms=_since(started), error=_word(failure))
        if 200 <= response.status_code < 300:
            error = None
        else:
            error = "redirected" if 300 <= response.status_code < 400 else "refused"
        return Attempt(
            at=at,
            duration_ms=_since(started),
            error=error,
            status=response.status_code,
            excerpt=response.content[:LONGEST_EXCERPT].decode("utf-8", "replace").replace("\0", "") or None,
            retry_after=asked_pause(response.headers.get("Retry-After"), at=at),
        )

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _word(failure: Exception) -> str:
    """Return what an integrator is told: nothing of the network that the service itself is in."""
    if isinstance(failure, AddressRefused):
        return "address_refused"
    if isinstance(failure, requests.Timeout):
        return "timeout"
    if isinstance(failure, requests.exceptions.SSLError):
        return "tls"
    if isinstance(failure, requests.ConnectionError):
        return "connection"
    return "bad_answer"
