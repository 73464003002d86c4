"""What answers while the configuration is incomplete: three probes, and 503 for everything else."""

from collections.abc import Callable
from contextlib import closing

import psycopg2
import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import create_environ, run_wsgi_app

from mbs.operations.embedded_postgres import Server
from tests.conftest import login_url
from tests.factories.callers import Caller, new_business

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "NONSENSE")
PROBES = {f"{prefix}/health{path}" for prefix in ("", "/api") for path in ("", "/db", "/ready")}
STRANGE = (
    "/",
    "",
    "//",
    "/metrics",
    "/docs",
    "/api",
    "/api/seed",
    "/api/no-such-path",
    "//health",
    "///health/db",
    "/health//db",
    "/health/../api/customers",
    "/health/..",
    "/health/%2e%2e/api/customers",
    "/HEALTH",
    "/Health/db",
    "/healthy",
    "/health/nothing",
    "/health;x",
    "/health.json",
    "/api//health",
    "/api/health/../customers",
    "/a\x00b",
    "/\udcff".encode("utf-8", "surrogateescape").decode("latin-1"),
    "/" + "a" * 5000,
)

Deploy = Callable[..., Flask]


def send(app: Flask, method: str, path: str) -> tuple[int, Headers, bytes]:
    """Hand the application a path as it is, which a client would tidy up."""
    environ = create_environ(method=method, headers={"X-Tenant-ID": "x"}, json={"a": 1})
    environ["PATH_INFO"] = environ["RAW_URI"] = path
    body, status, headers = run_wsgi_app(app, environ, buffered=True)
    return int(status.split()[0]), headers, b"".join(body)


@pytest.fixture
def degraded(deploy: Deploy) -> Flask:
    return deploy(SESSION_SECRET=None)


@pytest.fixture
def routes(app: Flask) -> list[str]:
    """Every path that the complete application has, filled in."""
    found = {
        "".join("0" if part.startswith("<") else part for part in rule.rule.replace(">", "<").split("<"))
        for rule in app.url_map.iter_rules()
    }
    return sorted(found - PROBES)


class TestEveryOtherPath:
    @pytest.mark.parametrize("method", METHODS)
    def test_is_refused_under_every_method(self, degraded: Flask, routes: list[str], method: str) -> None:
        assert len(routes) >= 15
        for path in (*routes, *STRANGE):
            status, headers, body = send(degraded, method, path)
            assert (status, headers["Retry-After"]) == (503, "60"), (method, path)
            assert headers["Content-Type"] == "application/problem+json"
            assert headers["X-Correlation-Id"]
            assert method == "HEAD" or b'"code":"DEGRADED_MODE"' in body

    @pytest.mark.parametrize("path", sorted(PROBES))
    def test_leaves_the_probes_for_reading(self, degraded: Flask, path: str) -> None:
        for method in ("GET", "HEAD"):
            assert send(degraded, method, path)[0] == (503 if path.endswith("ready") else 200)
        for method in set(METHODS) - {"GET", "HEAD"}:
            assert send(degraded, method, path)[0] == 503

    def test_takes_over_the_correlation_id(self, degraded: Flask) -> None:
        response = Caller(degraded).get("/api/customers", headers={"X-Correlation-Id": "mine-1"})
        assert response.headers["X-Correlation-Id"] == "mine-1"
        assert response.json is not None
        assert response.json["correlationId"] == "mine-1"
        assert "max-age" in response.headers["Strict-Transport-Security"]


class TestCredentials:
    def test_open_nothing_even_if_they_are_valid(self, deploy: Deploy) -> None:
        owner = new_business(Caller(deploy()))
        assert owner.get("/api/customers").status_code == 200
        again = Caller(deploy(SESSION_SECRET=None), token=owner.token)
        assert again.get("/api/customers").status_code == 503
        body = {"email": owner.email, "password": "three green umbrellas"}
        assert Caller(again.app).post("/api/auth/login", body).status_code == 503


class TestDatabase:
    @pytest.fixture
    def unused(self, new_database: Callable[[], str]) -> str:
        """The name of a database that nobody is connected to."""
        return new_database()

    def test_is_asked_by_its_probe_only(self, deploy: Deploy, server: Server, unused: str) -> None:
        app = deploy(SESSION_SECRET=None, DATABASE_URL=login_url(server, unused))
        caller = Caller(app)
        with closing(psycopg2.connect(server.url("postgres"))) as connection:
            connection.autocommit = True

            def connected() -> int:
                with connection.cursor() as cursor:
                    cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (unused,))
                    return int(cursor.fetchone()[0])

            for path in ("/health", "/health/ready", "/api/customers", "/api/auth/login", "/"):
                caller.get(path)
                caller.post(path, {})
            assert connected() == 0
            assert caller.get("/health/db").status_code == 200
            assert connected() == 1
