"""The three health endpoints, as a prober sees them (runbook section 5)."""

import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import make_url
from werkzeug.test import TestResponse

from mbs import __version__
from mbs.operations.smoke_checks.check import LEAK
from tests.factories.callers import Caller
from tests.health.conftest import COMMIT

PATHS = ("/health", "/health/db", "/health/ready")
EVERY_FORM = [form for path in PATHS for form in (path, f"{path}/", f"/api{path}", f"/api{path}/")]
CHECKS = (
    "database",
    "migrations",
    "tenant_isolation",
    "auth",
    "rate_limit_store",
    "notifications",
    "configuration",
)
SENDGRID_KEY = "SG." + "a" * 20
RESEND_KEY = "re_" + "a" * 16
TWILIO = {
    "TWILIO_ACCOUNT_SID": "AC" + "0f" * 16,
    "TWILIO_AUTH_TOKEN": "0f" * 16,
    "TWILIO_WHATSAPP_FROM": "whatsapp:+1234567890",
    "BASE_URL": "http://localhost",
}
DRAFT = "application/health+json"

Probe = Callable[..., Caller]


@pytest.fixture
def unreachable(environ: dict[str, str]) -> str:
    """The URL of a database server that is not there."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    url = make_url(environ["DATABASE_URL"]).set(port=port)
    return url.render_as_string(hide_password=False)


def document(response: TestResponse) -> dict[str, Any]:
    body = response.json
    assert isinstance(body, dict), response.get_data(as_text=True)
    return body


class TestLiveness:
    def test_is_one_word(self, caller: Caller) -> None:
        response = caller.get("/health")
        assert (response.status_code, document(response)) == (200, {"status": "ok"})

    def test_asks_no_database(self, probe: Probe, unreachable: str) -> None:
        response = probe(DATABASE_URL=unreachable).get("/health")
        assert (response.status_code, document(response)) == (200, {"status": "ok"})


class TestDatabase:
    def test_is_connected(self, caller: Caller) -> None:
        response = caller.get("/health/db")
        assert (response.status_code, document(response)) == (200, {"status": "ok", "database": "connected"})

    def test_is_disconnected_without_a_server(self, probe: Probe, unreachable: str) -> None:
        response = probe(DATABASE_URL=unreachable).get("/health/db")
        assert response.status_code == 503
        assert document(response) == {"status": "unhealthy", "database": "disconnected"}
        assert int(response.headers["Retry-After"]) > 0

    def test_is_disconnected_with_a_wrong_password(self, probe: Probe, environ: dict[str, str]) -> None:
        url = make_url(environ["DATABASE_URL"]).set(password="wrong-password-canary")
        response = probe(DATABASE_URL=url.render_as_string(hide_password=False)).get("/health/db")
        assert response.status_code == 503
        assert document(response) == {"status": "unhealthy", "database": "disconnected"}


class TestReadiness:
    def test_names_every_check(self, probe: Probe) -> None:
        before = datetime.now(UTC) - timedelta(seconds=1)
        response = probe().get("/health/ready")
        body = document(response)
        assert response.status_code == 200, body
        assert set(body) == {"ready", "status", "checks", "timestamp", "release"}
        assert (body["ready"], body["status"]) == (True, "ok")
        assert body["release"] == {"version": __version__, "commit": COMMIT}
        assert datetime.fromisoformat(body["timestamp"]) > before
        assert [check["name"] for check in body["checks"]] == list(CHECKS)
        for check in body["checks"]:
            assert set(check) - {"message"} == {"name", "status", "critical", "latencyMs", "observedAt"}
            assert check["status"] == "ok"
            assert check["critical"] is (check["name"] not in ("rate_limit_store", "notifications"))
            assert check["latencyMs"] >= 0
            assert datetime.fromisoformat(check["observedAt"]) > before

    @pytest.mark.parametrize(
        ("variables", "said"),
        [
            ({}, "not configured"),
            ({"SENDGRID_API_KEY": SENDGRID_KEY}, "not configured"),
            (
                {"SENDGRID_API_KEY": SENDGRID_KEY, "RESEND_API_KEY": RESEND_KEY, "EMAIL_FROM": "a@mbs.test"},
                "e-mail by sendgrid, then resend; WhatsApp not configured",
            ),
            (TWILIO, "e-mail not configured; WhatsApp by twilio"),
        ],
    )
    def test_tells_by_whom_messages_leave(self, probe: Probe, variables: dict[str, str], said: str) -> None:
        body = document(probe(**variables).get("/health/ready"))
        check = next(check for check in body["checks"] if check["name"] == "notifications")
        assert (body["ready"], check["status"], check["message"]) == (True, "ok", said)

    def test_is_lost_with_the_database(self, probe: Probe, unreachable: str) -> None:
        response = probe(DATABASE_URL=unreachable).get("/health/ready")
        body = document(response)
        assert response.status_code == 503
        assert (body["ready"], body["status"]) == (False, "unhealthy")
        assert int(response.headers["Retry-After"]) > 0
        checks = {check["name"]: check for check in body["checks"]}
        assert checks["database"]["message"] == "disconnected"
        assert checks["configuration"]["status"] == "ok"
        assert {checks[name]["status"] for name in CHECKS[:5]} == {"unhealthy"}

    def test_outlives_a_failing_check_that_is_not_critical(self, probe: Probe) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        response = probe(RATELIMIT_STORAGE_URI=f"redis://127.0.0.1:{port}/0").get("/health/ready")
        body = document(response)
        assert (response.status_code, body["ready"], body["status"]) == (200, True, "ok")
        store = next(check for check in body["checks"] if check["name"] == "rate_limit_store")
        assert (store["status"], store["critical"]) == ("degraded", False)


class TestEveryForm:
    """The endpoint, its alias under /api, each with and without a final slash."""

    @pytest.mark.parametrize("path", EVERY_FORM)
    def test_answers_alike(self, caller: Caller, path: str) -> None:
        response = caller.get(path)
        plain = caller.get(path.removeprefix("/api").removesuffix("/"))
        assert response.status_code == 200
        assert set(document(response)) == set(document(plain))
        assert document(response)["status"] == "ok"

    @pytest.mark.parametrize("path", EVERY_FORM)
    def test_answers_head_without_a_body(self, caller: Caller, path: str) -> None:
        response = caller.call("HEAD", path)
        assert (response.status_code, response.get_data()) == (200, b"")

    @pytest.mark.parametrize("path", EVERY_FORM)
    @pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
    def test_refuses_to_be_written(self, caller: Caller, path: str, method: str) -> None:
        response = caller.call(method, path)
        assert response.status_code == 405
        assert {"GET", "HEAD"} <= {name.strip() for name in response.headers["Allow"].split(",")}

    @pytest.mark.parametrize("path", EVERY_FORM)
    def test_is_not_kept_and_sets_no_cookie(self, caller: Caller, path: str) -> None:
        response = caller.get(path)
        assert response.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in response.headers

    @pytest.mark.parametrize("path", EVERY_FORM)
    def test_tells_nothing_of_the_inside(self, probe: Probe, unreachable: str, path: str) -> None:
        url = make_url(unreachable)
        for response in (probe().get(path), probe(DATABASE_URL=unreachable).get(path)):
            text = response.get_data(as_text=True)
            assert LEAK.search(text) is None, text
            for inner in (url.username, url.database, str(url.port), "OperationalError", "psycopg"):
                assert str(inner) not in text

    @pytest.mark.parametrize("path", PATHS)
    def test_answers_whatever_host_is_named(self, probe: Probe, path: str) -> None:
        service = probe(ALLOWED_HOSTS="mbs.example")
        assert service.get(path, headers={"Host": "10.1.2.3"}).status_code == 200
        assert service.get("/api/customers", headers={"Host": "10.1.2.3"}).status_code == 400

    @pytest.mark.parametrize("path", PATHS)
    def test_is_never_limited(self, caller: Caller, path: str) -> None:
        answers = {caller.get(form).status_code for form in [path, f"/api{path}"] * 60}
        assert answers == {200}


class TestDraftDocument:
    """`Accept: application/health+json` (draft-inadarei-api-health-check-06)."""

    @pytest.mark.parametrize("path", PATHS)
    def test_is_given_only_to_who_asks_for_it(self, app: Flask, path: str) -> None:
        caller = Caller(app)
        for accepted in ("*/*", "application/json", "text/html,*/*;q=0.5", "nonsense"):
            response = caller.get(path, headers={"Accept": accepted})
            assert response.content_type == "application/json"
            assert document(response)["status"] == "ok"
        response = caller.get(path, headers={"Accept": DRAFT})
        assert response.content_type == DRAFT
        assert document(response)["status"] == "pass"
        assert response.headers["Vary"] == "Accept"
        assert response.headers["Cache-Control"] == "no-store"

    def test_holds_the_checks_by_component_and_measurement(self, probe: Probe) -> None:
        body = document(probe().get("/health/ready", headers={"Accept": DRAFT}))
        assert set(body) == {"status", "version", "releaseId", "checks"}
        assert (body["version"], body["releaseId"]) == (__version__, COMMIT)
        assert set(body["checks"]) == {f"{name}:responseTime" for name in CHECKS}
        for [measured] in body["checks"].values():
            assert set(measured) == {"status", "observedValue", "observedUnit", "time"}
            assert (measured["status"], measured["observedUnit"]) == ("pass", "ms")
            assert datetime.fromisoformat(measured["time"]).tzinfo is not None

    def test_fails_with_the_service(self, probe: Probe, unreachable: str) -> None:
        service = probe(DATABASE_URL=unreachable)
        for path in PATHS[1:]:
            response = service.get(path, headers={"Accept": DRAFT})
            assert (response.status_code, document(response)["status"]) == (503, "fail")
        [measured] = document(response)["checks"]["database:responseTime"]
        assert (measured["status"], measured["output"]) == ("fail", "disconnected")

    def test_warns_of_a_failing_check_that_is_not_critical(self, probe: Probe) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        service = probe(RATELIMIT_STORAGE_URI=f"redis://127.0.0.1:{port}/0")
        response = service.get("/health/ready", headers={"Accept": DRAFT})
        assert (response.status_code, document(response)["status"]) == (200, "warn")
