"""A stand-in for the service: answers rightly by the specification, or with one fault put in by a test."""

import base64
import hashlib
import hmac
import json
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

KEY = b"a key that only the stand-in knows"
OWN_TENANT = "0193b6a0-0000-7000-8000-00000000000a"
FOREIGN_TENANT = "0193b6a0-0000-7000-8000-00000000000b"
OWN_CUSTOMER = "0193b6a0-0000-7000-8000-0000000000c1"
FOREIGN_CUSTOMER = "0193b6a0-0000-7000-8000-0000000000c2"
RELEASE = "0f1e2d3c4b5a69788796a5b4c3d2e1f001122334"
BLOCKED = re.compile(r"/api/(seed|demo|test-data|mock|reset-demo|clear-data)(/|;|$)")
WELL_FORMED_ID = re.compile(r"[A-Za-z0-9._:-]{8,128}")
SECURITY_HEADERS = {
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LIMIT_PARAMETER = {"in": "query", "name": "limit", "schema": {"type": "integer"}}
# Path, tag, whether it is a list; the list of customers refers to its parameter, as flask-smorest may.
ROUTES = (
    ("/api/auth/me", "auth", False),
    ("/api/auth/sessions", "auth", False),
    ("/api/context", "context", False),
    ("/api/customers", "customers", True),
    ("/api/customers/{customerId}", "customers", False),
    ("/api/events", "events", True),
    ("/api/locations", "locations", True),
    ("/api/locations/{locationId}", "locations", False),
    ("/api/tenant", "tenant", False),
    ("/api/tenant/settings", "tenant", False),
)
READINESS = (
    "database",
    "migrations",
    "tenant_isolation",
    "configuration",
    "auth",
    "rate_limit_store",
    "notifications",
)


@dataclass(frozen=True)
class Request:
    """What was asked; `target` is as it came over the wire, `path` what the application routes by."""

    method: str
    target: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Reply:
    """What will be answered; a fault may change any of it."""

    status: int
    payload: Any
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[[Request, Reply], Reply]


def token(**changes: Any) -> str:
    """Return an access token of the own tenant, signed with the stand-in's key."""
    now = int(time.time())
    claims = {"sub": str(uuid.uuid4()), "type": "access", "tenant": OWN_TENANT, "iat": now, "exp": now + 900}
    signed = f"{_encoded({'alg': 'HS256', 'typ': 'JWT'})}.{_encoded({**claims, **changes})}"
    return f"{signed}.{_signature(signed)}"


def opened(value: str) -> tuple[dict[str, Any], dict[str, Any]] | None:
    """Return header and claims of a JWT without looking at its signature; None if it cannot be read."""
    try:
        return _decoded(value.split(".")[0]), _decoded(value.split(".")[1])
    except (ValueError, IndexError):
        return None


def bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


class StandIn:
    """One service: its answers, its count of logins, and every request it met."""

    def __init__(self, fault: Fault | None = None, *, degraded: bool = False, logins: int = 0) -> None:
        self.fault = fault
        self.degraded = degraded
        self.logins = logins
        self.requests: list[Request] = []

    def answer(self, request: Request) -> Reply:
        self.requests.append(request)
        correlation_id = request.headers.get("x-correlation-id", "")
        if not WELL_FORMED_ID.fullmatch(correlation_id):
            correlation_id = uuid.uuid4().hex
        reply = self._degraded(request) if self.degraded else self._routed(request)
        if isinstance(reply.payload, dict) and "code" in reply.payload:
            reply.payload |= {"correlationId": correlation_id, "instance": request.path}
        kind = "problem+json" if reply.status >= 400 and "code" in reply.payload else "json"
        reply.headers = {
            "Content-Type": f"application/{kind}",
            "X-Correlation-Id": correlation_id,
            **SECURITY_HEADERS,
            **reply.headers,
        }
        return self.fault(request, reply) if self.fault else reply

    def _routed(self, request: Request) -> Reply:
        path = request.path.split("?")[0]
        if path.startswith("/health"):
            return self._health(path)
        if BLOCKED.match(re.sub(r"/(\./|/)+", "/", unquote(path)).lower()):
            return problem(403, "PRODUCTION_BLOCKED")
        if path == "/api/openapi.json":
            return Reply(200, openapi())
        if path == "/api/auth/login" and request.method == "POST":
            return self._login()
        route = next((route for route in ROUTES if re.fullmatch(as_pattern(route[0]), path)), None)
        if route is None or request.method == "OPTIONS":
            return problem(404, "NOT_FOUND") if route is None else Reply(204, None)
        limit = limit_headers("api", 100, 60, 93)
        if not self._is_valid(bearer(request)):
            return problem(401, "UNAUTHENTICATED", {**limit, "WWW-Authenticate": "Bearer"})
        if request.headers.get("x-tenant-id", OWN_TENANT) != OWN_TENANT:
            return problem(403, "TENANT_MISMATCH", limit)
        if "{" in route[0] and not path.endswith(OWN_CUSTOMER):
            return problem(404, "NOT_FOUND", limit)
        rows = [{"id": OWN_CUSTOMER, "tenantId": OWN_TENANT}]
        page = {"limit": 1, "hasMore": False, "nextCursor": None, "total": None}
        return Reply(200, {"data": rows, "pagination": page} if route[2] else rows[0], limit)

    def _health(self, path: str) -> Reply:
        if path == "/health":
            return Reply(200, {"status": "ok"})
        if path == "/health/db":
            return Reply(200, {"status": "ok", "database": "connected"})
        now = datetime.now(UTC).isoformat()
        checks = [
            {"name": name, "status": "ok", "critical": True, "latencyMs": 1, "observedAt": now}
            for name in READINESS
        ]
        ready = {
            "ready": True,
            "status": "ok",
            "checks": checks,
            "timestamp": now,
            "release": {"commit": RELEASE},
        }
        return Reply(200, ready)

    def _login(self) -> Reply:
        self.logins += 1
        headers = limit_headers("login", 5, 900, max(0, 5 - self.logins))
        if self.logins > 5:
            return problem(429, "RATE_LIMITED", {**headers, "Retry-After": "900"})
        return problem(401, "INVALID_CREDENTIALS", {**headers, "WWW-Authenticate": "Bearer"})

    def _degraded(self, request: Request) -> Reply:
        reply = self._health(request.path)
        if request.path == "/health":
            return Reply(200, {"status": "degraded"})
        if request.path == "/health/db":
            return reply
        if request.path == "/health/ready":
            reply.payload["checks"][3]["status"] = "unhealthy"
            return Reply(503, {**reply.payload, "ready": False, "status": "unhealthy"})
        return problem(503, "DEGRADED_MODE", {"Retry-After": "60"})

    def _is_valid(self, value: str) -> bool:
        parts = opened(value)
        if parts is None or not hmac.compare_digest(
            _signature(value.rpartition(".")[0]), value.rpartition(".")[2]
        ):
            return False
        return bool(parts[1]["type"] == "access" and parts[1]["exp"] > time.time())


@contextmanager
def serving(stand_in: StandIn) -> Iterator[str]:
    """Serve the stand-in on a free loopback port and yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            # self.path has lost a doubled slash at its start; the request line has not.
            target = self.requestline.split()[1]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = stand_in.answer(Request(self.command, target, target.split("?")[0], headers, body))
            payload = reply.payload if isinstance(reply.payload, str) else json.dumps(reply.payload)
            content = payload.encode() if reply.status != 204 else b""
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with suppress(ConnectionError):  # the other side may have had enough
                self.wfile.write(content)

        do_GET = do_POST = do_OPTIONS = answer  # noqa: N815 the names that http.server looks for

        def version_string(self) -> str:
            return "mbs"

        def log_message(self, *arguments: Any) -> None:
            pass  # the requests are recorded instead

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def as_pattern(path: str) -> str:
    return re.sub(r"\{\w+\}", "[^/]+", path)


def problem(status: int, code: str, headers: dict[str, str] | None = None) -> Reply:
    body = {
        "type": f"urn:mbs:problem:{code.lower().replace('_', '-')}",
        "title": code,
        "status": status,
        "detail": "See the code.",
        "code": code,
        "timestamp": datetime.now(UTC).isoformat(),
    }
    return Reply(status, body, headers or {})


def limit_headers(name: str, quota: int, window: int, remaining: int) -> dict[str, str]:
    return {
        "RateLimit-Policy": f'"{name}";q={quota};w={window}',
        "RateLimit": f'"{name}";r={remaining};t={window}',
        "X-RateLimit-Limit": str(quota),
        "X-RateLimit-Remaining": str(remaining),
        "X-RateLimit-Reset": str(window),
    }


def openapi() -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/api/openapi.json": {"get": {"security": []}},
        "/health": {"get": {"security": []}},
        "/api/auth/login": {"post": {"security": []}},
    }
    for path, tag, listed in ROUTES:
        reference = {"$ref": "#/components/parameters/limit"}
        parameter = reference if path == "/api/customers" else LIMIT_PARAMETER
        paths[path] = {"get": {"tags": [tag], "parameters": [parameter] if listed else []}}
    return {
        "openapi": "3.1.0",
        "security": [{"bearer": []}],
        "paths": paths,
        "components": {"parameters": {"limit": LIMIT_PARAMETER}},
    }


def _encoded(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _decoded(part: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return value


def _signature(signed: str) -> str:
    digest = hmac.new(KEY, signed.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
