"""Asks the service under test one thing at a time, never longer than it may, and remembers every answer.

Each request goes over a connection of its own: one kept-alive connection would meet one gunicorn worker only,
and a fault in another worker would stay unseen.
"""

import ipaddress
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import select_proxy

from mbs import __version__

BODY_LIMIT = 4 * 1024 * 1024
AUTOMATIC = "automatic"


class Unanswered(Exception):
    """The service gave no answer: refused, broken off, not trusted, or too late."""


@dataclass(frozen=True)
class Settings:
    """What one run expects. The four values of the caller's tenant come from the environment only."""

    url: str
    production: bool = True
    timeout: float = 5.0
    budget: float = 60.0
    release: str | None = None
    exhaust_rate_limit: bool = False
    token: str | None = field(default=None, repr=False)
    tenant_id: str | None = field(default=None, repr=False)
    foreign_tenant_id: str | None = field(default=None, repr=False)
    foreign_path: str | None = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    run_id: str = field(default_factory=lambda: secrets.token_hex(4))

    @property
    def loopback(self) -> bool:
        """Whether the service is on this machine, judged by the name alone."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    @property
    def origin(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


@dataclass(frozen=True)
class Answer:
    """One answer of the service, and the correlation id that was sent for it."""

    method: str
    path: str
    sent_id: str | None
    status: int
    headers: CaseInsensitiveDict[str]
    cookies: tuple[str, ...]
    body: bytes
    milliseconds: float

    @property
    def correlation_id(self) -> str:
        return self.headers.get("X-Correlation-Id", "")

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def json(self) -> Any:
        """The parsed body, or None if it is not JSON by its content type and its text."""
        content_type = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if content_type != "application/json" and not content_type.endswith("+json"):
            return None
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def object(self) -> dict[str, Any]:
        """The parsed body if it is a JSON object, else an empty one."""
        value = self.json
        return value if isinstance(value, dict) else {}


class Client:
    """Sends the requests of one run to the service under test, one after the other."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answers: list[Answer] = []
        self.sent = 0
        self._deadline = time.monotonic() + settings.budget
        self._first: dict[tuple[str, bool], Answer] = {}
        self._login: Answer | None = None

    def allow(self, seconds: float) -> None:
        """Give the requests from now on this many seconds altogether."""
        self._deadline = time.monotonic() + seconds

    def within(self, work: Callable[[], Any]) -> Any:
        """Run `work` in a thread and wait no longer than the time-out and what is left of the budget.

        A socket time-out bounds one read, not a name look-up nor an answer that drips; only leaving the
        thread behind does. It is a daemon, so that it cannot keep the process alive.

        :raises Unanswered: if the time is over before `work` is.
        """
        remaining = self._deadline - time.monotonic()
        if remaining <= 0:
            raise Unanswered(f"not asked: the budget of {self.settings.budget:g} s is used up")
        outcome: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        def run() -> None:
            try:
                outcome.put((work(), None))
            except Exception as error:  # noqa: BLE001 raised again below, in the thread that waits for it
                outcome.put((None, error))

        threading.Thread(target=run, daemon=True).start()
        seconds = min(self.settings.timeout, remaining)
        try:
            value, error = outcome.get(timeout=seconds)
        except queue.Empty:
            raise Unanswered(f"no complete answer within {seconds:.1f} s") from None
        if error is not None:
            raise error
        return value

    def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        correlation_id: str | None = AUTOMATIC,
        origin: str | None = None,
    ) -> Answer:
        """Send one request and return the answer, redirects not followed.

        A GET is sent a second time if the connection failed, never because of what was answered. `path` goes
        over the wire as it is written. With `correlation_id=None` none is sent.

        :raises Unanswered: if there is no answer in time.
        """
        self.sent += 1
        if correlation_id == AUTOMATIC:
            correlation_id = f"smoke-{self.settings.run_id}-{self.sent}"
        sent = {
            "User-Agent": f"mbs-smoke/{__version__}",
            "Accept": "application/json, application/problem+json",
            "Connection": "close",
            **({"X-Correlation-Id": correlation_id} if correlation_id is not None else {}),
            **self.settings.headers,
            **(headers or {}),
        }
        base = origin or self.settings.origin
        target = (urlsplit(self.settings.url).path.rstrip("/") if origin is None else "") + path
        for last in (False, True):
            try:
                response, content, elapsed = self.within(
                    lambda: self._exchange(method, base, target, sent, body)
                )
                break
            except requests.Timeout:
                raise Unanswered(f"no answer within {self.settings.timeout:g} s") from None
            except (requests.RequestException, OSError) as error:
                if last or method != "GET" or not isinstance(error, requests.ConnectionError | OSError):
                    raise Unanswered(_innermost(error)) from None
        answer = Answer(
            method,
            path,
            correlation_id,
            response.status_code,
            response.headers,
            tuple(response.raw.headers.getlist("Set-Cookie")),
            content,
            elapsed * 1000,
        )
        if origin is None:
            self.answers.append(answer)
        return answer

    def first(self, path: str, *, authenticated: bool = False) -> Answer:
        """GET a path, or return what it answered earlier in this run.

        :raises Unanswered: if there is no answer in time.
        """
        key = (path, authenticated)
        if key not in self._first:
            self._first[key] = self.send("GET", path, headers=self.credential if authenticated else None)
        return self._first[key]

    @property
    def credential(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.token}"}

    def login(self, *, again: bool = False) -> Answer:
        """Answer of the run's one login; it is sent once however many checks ask for it.

        Nobody can own the domain (RFC 2606), and RFC 6761 tells applications to treat it as any other, so a
        strict validator takes it, while it refuses `.invalid`. The name is the run's own: one name for all
        runs would meet the throttle on repeated failures of one account.

        :param again: send another one; only the check that uses up the limit does.
        :raises Unanswered: if there is no answer in time.
        """
        if self._login is None or again:
            email = f"smoke-{self.settings.run_id}@invalid.example"
            body = {"email": email, "password": secrets.token_urlsafe(24)}
            self._login = self.send("POST", "/api/auth/login", body=body)
        return self._login

    def _exchange(
        self, method: str, base: str, target: str, headers: Mapping[str, str], body: Mapping[str, Any] | None
    ) -> tuple[requests.Response, bytes, float]:
        with requests.Session() as session:
            # Without an auth of our own requests takes credentials for this host out of ~/.netrc.
            session.auth = lambda request: request
            session.trust_env = not self.settings.loopback
            adapter = _AsWritten(target)
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            start = time.monotonic()
            with session.request(
                method,
                base + target,
                headers=dict(headers),
                json=body,
                timeout=self.settings.timeout,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = b""
                for part in response.iter_content(65536):
                    content += part
                    if len(content) > BODY_LIMIT:
                        break
                return response, content, time.monotonic() - start


class _AsWritten(HTTPAdapter):
    """Sends the target as written: requests itself would decode `%73` and fold a leading `//`."""

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def request_url(self, request: requests.PreparedRequest, proxies: Any) -> str:
        if select_proxy(request.url or "", proxies):
            return super().request_url(request, proxies)
        return self._target


def _innermost(error: BaseException) -> str:
    """The cause in one line, without the layers that requests and urllib3 wrap around it."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"
