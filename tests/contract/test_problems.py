"""Errors on the wire: one shape (RFC 9457) for every refusal, and nothing of our insides in it."""

import re
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest
from sqlalchemy.exc import ProgrammingError
from werkzeug.test import TestResponse

from mbs.app import create_app
from mbs.config import Config
from mbs.customers.service import CustomerService
from mbs.foundation.problems import MEDIA_TYPE
from tests.contract.operations import UNREACHABLE
from tests.factories.callers import Business, Caller
from tests.factories.customers import create
from tests.factories.log_lines import Lines
from tests.factories.objects import new_invitation

INSIDES = re.compile(
    r"psycopg|sqlalchemy|werkzeug|marshmallow|postgres|Traceback|RuntimeError|File \"|\.py\b|127\.0\.0\.1|"
    r"SELECT |INSERT |\brelation |constraint|uq__|Key \(|DETAIL:|hunter2",
    re.IGNORECASE,
)
MEMBERS = {"type", "title", "status", "detail", "instance", "code", "correlationId", "timestamp"}


def problem(response: TestResponse, status: int, code: str) -> dict[str, Any]:
    """Return the members of a problem document, held to the form that all have."""
    text = response.get_data(as_text=True)
    assert (response.status_code, response.content_type) == (status, MEDIA_TYPE), text
    assert not INSIDES.search(text), text
    body = response.json
    assert body is not None
    assert set(body) - {"errors", "tenants"} == MEMBERS
    assert (body["status"], body["code"]) == (status, code)
    assert body["type"] == f"urn:mbs:problem:{code.lower().replace('_', '-')}"
    assert body["title"] == code.capitalize().replace("_", " ")
    assert body["detail"].endswith((".", "`."))
    assert body["instance"] == response.request.path
    assert body["correlationId"] == response.headers["X-Correlation-Id"]
    age = datetime.now(UTC) - datetime.fromisoformat(body["timestamp"])
    assert abs(age.total_seconds()) < 60
    for fault in body.get("errors", ()):
        assert set(fault) == {"field", "code", "message"}
        assert re.fullmatch(r"[a-z_]+", fault["code"])
    return body


class TestEveryRefusal:
    def test_400(self, owner: Business) -> None:
        body = problem(owner.post("/api/customers", {"name": "", "x": 1}), 400, "VALIDATION_ERROR")
        assert {fault["field"] for fault in body["errors"]} == {"name", "x"}
        problem(owner.post("/api/customers", data=b"{", content_type="application/json"), 400, "INVALID_JSON")
        problem(owner.get("/api/customers?cursor=x"), 400, "INVALID_CURSOR")

    def test_401(self, caller: Caller, owner: Business) -> None:
        missing = caller.get("/api/customers")
        problem(missing, 401, "UNAUTHENTICATED")
        assert missing.headers["WWW-Authenticate"] == 'Bearer realm="mbs"'
        wrong = caller.get("/api/customers", headers={"Authorization": "Bearer x.y.z"})
        problem(wrong, 401, "UNAUTHENTICATED")
        assert wrong.headers["WWW-Authenticate"] == 'Bearer realm="mbs", error="invalid_token"'
        login = caller.post("/api/auth/login", {"email": owner.email, "password": "hunter2 hunter2"})
        problem(login, 401, "INVALID_CREDENTIALS")

    def test_403(self, owner: Business) -> None:
        problem(owner.colleague("staff").get("/api/events"), 403, "FORBIDDEN")
        foreign = owner.get("/api/customers", headers={"X-Tenant-ID": str(uuid.uuid4())})
        problem(foreign, 403, "TENANT_MISMATCH")

    @pytest.mark.parametrize("path", ["/", "/api", "/api/", "/api/nothing", "/health/x", "/api/customers/17"])
    @pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "PUT"])
    def test_404(self, owner: Business, method: str, path: str) -> None:
        problem(owner.call(method, path), 404, "NOT_FOUND")

    @pytest.mark.parametrize(
        ("method", "path", "allowed"),
        [
            ("PUT", "/api/customers", {"GET", "HEAD", "OPTIONS", "POST"}),
            ("POST", "/api/tenant", {"GET", "HEAD", "OPTIONS", "PATCH"}),
            ("GET", "/api/auth/login", {"OPTIONS", "POST"}),
            ("DELETE", "/health", {"GET", "HEAD", "OPTIONS"}),
            ("TRACE", "/api/customers", {"GET", "HEAD", "OPTIONS", "POST"}),
            ("BREW", "/api/context", {"GET", "HEAD", "OPTIONS"}),
        ],
    )
    def test_405(self, owner: Business, method: str, path: str, allowed: set[str]) -> None:
        response = owner.call(method, path)

        problem(response, 405, "METHOD_NOT_ALLOWED")
        assert set(response.headers["Allow"].split(", ")) == allowed

    def test_409(self, owner: Business, caller: Caller) -> None:
        owner.patch("/api/tenant/settings", {"customers": {"uniqueEmail": True}})
        create(owner, email="jane@example.com")
        again = owner.post("/api/customers", {"name": "J", "email": "jane@example.com"})
        problem(again, 409, "CONFLICT")

    def test_410(self, owner: Business, caller: Caller) -> None:
        id_, token = new_invitation(owner)
        assert owner.delete(f"/api/invites/{id_}").status_code == 204
        problem(caller.get(f"/api/auth/invites/{token}"), 410, "INVITATION_SPENT")

    def test_412(self, owner: Business) -> None:
        id_ = create(owner)["id"]
        stale = owner.patch(f"/api/customers/{id_}", {"name": "J"}, headers={"If-Match": '"7"'})
        problem(stale, 412, "PRECONDITION_FAILED")

    def test_413(self, owner: Business) -> None:
        large = {"data": b" " * (1024 * 1024 + 1), "content_type": "application/json"}
        problem(owner.post("/api/customers", **large), 413, "PAYLOAD_TOO_LARGE")

    def test_415(self, owner: Business) -> None:
        text = {"data": b"{}", "content_type": "text/plain"}
        problem(owner.post("/api/customers", **text), 415, "UNSUPPORTED_MEDIA_TYPE")

    def test_422(self, owner: Business) -> None:
        for name, status in (("J", 201), ("K", 422)):
            response = owner.post("/api/customers", {"name": name}, headers={"Idempotency-Key": "k"})
            assert response.status_code == status
        problem(response, 422, "IDEMPOTENCY_KEY_REUSED")

    def test_429(self, caller: Caller) -> None:
        for _ in range(6):
            response = caller.post("/api/auth/login", {})

        problem(response, 429, "RATE_LIMITED")
        assert 1 <= int(response.headers["Retry-After"]) <= 900

    def test_503(self, environ: dict[str, str]) -> None:
        app = create_app(Config.load({**environ, "DATABASE_URL": UNREACHABLE}))

        for path in ("/api/customers", "/api/nothing", "/api/openapi.json"):
            response = Caller(app).get(path)
            problem(response, 503, "SERVICE_UNAVAILABLE")
            assert int(response.headers["Retry-After"]) >= 1


def raising(error: BaseException) -> Callable[..., Any]:
    def fail(*args: Any, **kwargs: Any) -> Any:
        raise error

    return fail


class TestAnUnhandledError:
    @pytest.mark.parametrize(
        "error",
        [
            RuntimeError("hunter2"),
            KeyError("hunter2"),
            RecursionError("hunter2"),
            UnicodeEncodeError("utf-8", "hunter2", 0, 1, "surrogates not allowed"),
            MemoryError("hunter2"),
            psycopg2.ProgrammingError("relation hunter2"),
            ProgrammingError("SELECT hunter2", {}, psycopg2.ProgrammingError("hunter2")),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_is_a_500_without_text_and_one_line_in_the_log(
        self, owner: Business, monkeypatch: pytest.MonkeyPatch, log_lines: Lines, error: Exception
    ) -> None:
        monkeypatch.setattr(CustomerService, "search", raising(error))

        response = owner.get("/api/customers", headers={"X-Correlation-Id": "find-me"})

        problem(response, 500, "INTERNAL_ERROR")
        (line,) = [line for line in log_lines() if line["event"] == "request.unhandled"]
        assert line["correlation_id"] == "find-me"
        assert (line["level"], line["error"]["type"]) == ("error", type(error).__name__)
        assert "hunter2" not in str(line)
        assert "raise error" in line["error"]["stack"]
        assert line["tenant_id"] == str(owner.tenant_id)

    def test_does_not_outlive_its_request(self, owner: Business, monkeypatch: pytest.MonkeyPatch) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(CustomerService, "search", raising(RuntimeError("hunter2")))
            owner.get("/api/customers")

        assert owner.get("/api/customers").status_code == 200
