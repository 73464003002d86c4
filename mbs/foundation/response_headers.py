"""The headers that every response has, put on as it leaves: one by one they cost more than a body."""

from collections.abc import Callable, Iterable
from typing import Any

SECURITY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("X-Frame-Options", "DENY"),
)
STRICT_TRANSPORT = ("Strict-Transport-Security", "max-age=31536000; includeSubDomains")

UNLESS_SAID_OTHERWISE = (
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cache-Control", "private, no-store"),
)

CORRELATION_HEADER = "X-Correlation-Id"
ENVIRON_KEY = "mbs.correlation_id"
ADDED_KEY = "mbs.added_headers"


def add(environ: dict[str, Any], *headers: tuple[str, str]) -> None:
    """Have headers put on this request's response; names that nothing else sets, values of our own making."""
    environ[ADDED_KEY] = (*environ.get(ADDED_KEY, ()), *headers)


class ResponseHeaders:
    """WSGI middleware right around the application."""

    def __init__(self, application: Callable[..., Iterable[bytes]], *, strict_transport: bool) -> None:
        self._application = application
        self._constant = (*SECURITY_HEADERS, STRICT_TRANSPORT) if strict_transport else SECURITY_HEADERS

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            said = {name.lower() for name, _ in headers}
            headers.extend(one for one in UNLESS_SAID_OTHERWISE if one[0].lower() not in said)
            headers.extend(self._constant)
            headers.append((CORRELATION_HEADER, environ.get(ENVIRON_KEY, "")))
            headers.extend(environ.get(ADDED_KEY, ()))
            return start_response(status, headers, *rest)

        return self._application(environ, start)
