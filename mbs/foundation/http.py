"""A request enters and leaves here: correlation id, scope, deadline, JSON answers, entity tags, log line."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

import orjson
import uuid_utils
from flask import Flask, Request, current_app, got_request_exception, request
from werkzeug.routing import BaseConverter
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wrappers import Response

from mbs.foundation import ambient, problems
from mbs.foundation.addresses import caller_address
from mbs.foundation.errors import FieldFault, Invalid, Overloaded, PreconditionFailed
from mbs.foundation.logs import write_access
from mbs.foundation.pages import MAXIMUM_LIMIT, CursorCodec, Page, PageRequest
from mbs.foundation.response_headers import ENVIRON_KEY, ResponseHeaders
from mbs.foundation.scope import Scope, tenant_of

REQUEST_SECONDS = 4.5
"""One deadline for a whole request; no answer takes longer than 5 s, whatever the database does."""

CORRELATION_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
ARRIVED_KEY = "mbs.arrived"
SHED_KEY = "mbs.shed"
STARTED_KEY = "mbs.started"
CURSORS = "mbs.cursors"
PROXIES = "mbs.proxies"

REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Correlation-Id",
    "X-Tenant-ID",
)
RESPONSE_HEADERS = (
    "ETag",
    "Location",
    "Retry-After",
    "X-Correlation-Id",
    "Idempotent-Replayed",
    "Dry-Run",
    "RateLimit",
    "RateLimit-Policy",
    "X-RateLimit-Limit",
    "X-RateLimit-Remaining",
    "X-RateLimit-Reset",
)
"""What a browser's script may send to, and read of, the API from another origin."""


class IdConverter(BaseConverter):
    """A UUID in a path. What is not one is the same 404 as an id that never was."""

    # The pattern refuses it, not `to_python`: by then the router has noted which methods the other
    # routes of the path know, and would answer 405 to some of them.
    regex = "-".join(f"[0-9A-Fa-f]{{{length}}}" for length in (8, 4, 4, 4, 12))

    def to_python(self, value: str) -> UUID:
        return UUID(value)

    def to_url(self, value: Any) -> str:
        return str(value)


def correlation_id(environ: Mapping[str, Any]) -> str:
    """Return the caller's correlation id when it is well-formed, else a new one."""
    given = environ.get("HTTP_X_CORRELATION_ID", "")
    return given if CORRELATION_ID.fullmatch(given) else str(uuid_utils.uuid7())


def current_request() -> Request:
    """Return Flask's request itself: its proxy looks it up anew, in four calls, for each attribute."""
    found: Request = request._get_current_object()  # type: ignore[attr-defined]
    return found


def current_scope() -> Scope:
    return ambient.scope.get()


def narrow_scope(**changes: Any) -> Scope:
    """Replace the current scope by one that says more (tenant, actor, permissions), and return it."""
    scope = replace(ambient.scope.get(), **changes)
    ambient.scope.set(scope)
    return scope


HEALTH_PATHS = frozenset(
    prefix + path for prefix in ("", "/api") for path in ("/health", "/health/db", "/health/ready")
)


def is_health(path: str) -> bool:
    """Tell whether a path is a health probe's: never limited, never shed, answered whatever Host it names."""
    return path.rstrip("/") in HEALTH_PATHS


def request_address() -> str:
    """Return the address the current request comes from, past the proxies that are known."""
    return address_of(current_request())


def address_of(asked: Request) -> str:
    proxies: int = current_app.extensions[PROXIES]
    if not proxies:
        return asked.remote_addr or "unknown"
    return caller_address(asked.remote_addr, asked.headers.getlist("X-Forwarded-For"), proxies)


def install(
    app: Flask,
    *,
    strict_transport: bool,
    slow_request_ms: int,
    allowed_hosts: Sequence[str] = (),
    proxies: int = 0,
) -> None:
    """Install the outermost hooks. Call first: the other hooks need the scope that `enter` makes."""
    app.extensions[PROXIES] = proxies
    app.url_map.converters["id"] = IdConverter
    app.url_map.strict_slashes = False
    app.wsgi_app = ResponseHeaders(app.wsgi_app, strict_transport=strict_transport)  # type: ignore[method-assign]
    # Flask asks of every hook and view whether it is a coroutine; here none is.
    app.ensure_sync = lambda func: func  # type: ignore[method-assign]

    @lru_cache(maxsize=256)
    def trusted(host: str) -> bool:
        return host_is_trusted(host, list(allowed_hosts))

    @app.before_request
    def enter() -> None:
        asked = current_request()
        environ = asked.environ
        # Kept here and not in `g`, whose proxy is looked up anew for each attribute.
        environ[STARTED_KEY] = time.perf_counter()
        identifier = environ.get(ENVIRON_KEY) or correlation_id(environ)
        # The environ outlives the request, so gunicorn's own log lines can carry the id too.
        environ[ENVIRON_KEY] = identifier
        arrived = environ.get(ARRIVED_KEY) or time.monotonic()
        ambient.scope.set(Scope(correlation_id=identifier, deadline=arrived + REQUEST_SECONDS))
        if SHED_KEY in environ:
            raise Overloaded(retry_after=1)
        guarded = allowed_hosts and not is_health(asked.path)
        if guarded and not trusted(environ.get("HTTP_HOST", "").lower()):
            raise Invalid(
                errors=[FieldFault("Host", "invalid", "This service does not answer to that name.")]
            )

    @app.after_request
    def leave(response: Response) -> Response:
        asked = current_request()
        environ = asked.environ
        write_access(
            method=asked.method,
            path=asked.path,
            route=asked.url_rule.rule if asked.url_rule else "unmatched",
            status=response.status_code,
            milliseconds=(time.perf_counter() - environ.get(STARTED_KEY, time.perf_counter())) * 1000,
            address=address_of(asked) if proxies else asked.remote_addr or "unknown",
            slow_ms=slow_request_ms,
        )
        return response

    @app.teardown_request
    def forget(_: BaseException | None) -> None:
        ambient.scope.set(ambient.NOBODY)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        response = problems.respond(
            error, instance=request.path, correlation_id=request.environ.get(ENVIRON_KEY, "")
        )
        if response.status_code == 500:
            # Flask sends it only where nobody handles the error; error trackers wait for it.
            got_request_exception.send(app, exception=error)
        return response


def answer(
    body: Any, status: int = 200, *, version: int | None = None, location: str | None = None
) -> Response:
    """Return a JSON response.

    :param version: the object's version, which becomes the strong ETag `"<version>"` (RFC 9110 section
        8.8.3); a GET whose If-None-Match names it is answered 304 without a body.
    """
    response = Response(
        orjson.dumps(body, option=orjson.OPT_UTC_Z), status=status, content_type="application/json"
    )
    if version is not None:
        tag = f'"{version}"'
        response.headers["ETag"] = tag
        asked = current_request()
        if asked.method in ("GET", "HEAD") and _names(asked.headers.get("If-None-Match"), tag):
            response.status_code = 304
            response.set_data(b"")
    if location is not None:
        response.headers["Location"] = location
    return response


def no_content() -> Response:
    return Response(status=204)


def answer_page(page: Page, present: Callable[[Any], Any], *, order: str, **beside: Any) -> Response:
    """Return a list response: `{"data": [...], "pagination": {...}}`.

    :param order: the list's name with its order, to which the cursor is bound.
    :param beside: further members of the response.
    """
    cursor = None
    if page.next is not None:
        cursor = cursors().encode(page.next, tenant_id=tenant_of(current_scope()), order=order)
    return answer(
        {
            "data": [present(row) for row in page.rows],
            "pagination": {
                "limit": page.limit,
                "hasMore": page.next is not None,
                "nextCursor": cursor,
                "total": page.total,
            },
            **beside,
        }
    )


def page_request(query: dict[str, Any], name: str, columns: Mapping[str, str]) -> tuple[PageRequest, str]:
    """Take the page's part out of a list's query parameters; what stays are its filters.

    Without `sortOrder`, instants run from the newest and everything else from the first.

    :param name: the list's name, to which the cursor is bound together with the order.
    :param columns: from `sortBy` on the wire to the database column.
    :return: the request and the order's name, which `answer_page` wants back.
    :raises InvalidCursor: if the cursor is not one of this list in this order.
    """
    sort = query.pop("sort_by")
    direction = query.pop("sort_order", "desc" if columns[sort].endswith("_at") else "asc")
    order, cursor, position = f"{name}:{sort}:{direction}", query.pop("cursor", None), None
    if cursor is not None:
        position = cursors().decode(cursor, tenant_id=tenant_of(current_scope()), order=order)
    request_ = PageRequest(
        sort=columns[sort],
        descending=direction == "desc",
        limit=min(query.pop("limit"), MAXIMUM_LIMIT),
        position=position,
        include_total=query.pop("include_total"),
    )
    return request_, order


def expected_version() -> int | None:
    """Return the version that If-Match demands, or None when the request demands none.

    :raises PreconditionFailed: if If-Match names no version of ours, which therefore cannot match.
    """
    given = request.headers.get("If-Match")
    if given is None or given.strip() == "*":
        return None
    match = re.fullmatch(r'"(\d{1,9})"', given.strip(), re.ASCII)
    if match is None:
        raise PreconditionFailed
    return int(match.group(1))


def cursors() -> CursorCodec:
    codec: CursorCodec = current_app.extensions[CURSORS]
    return codec


def _names(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    return header.strip() == "*" or tag in [part.strip().removeprefix("W/") for part in header.split(",")]
