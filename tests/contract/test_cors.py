"""Which other origins' scripts may call the API: the configured ones, letter for letter."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.apps import PUBLIC_HOST
from tests.factories.callers import Caller

ALLOWED = ("https://app.example.com", "https://admin.example.com:8443")
OTHERS = (
    "http://app.example.com",
    "https://app.example.com.evil.io",
    "https://evilapp.example.com",
    "https://x.app.example.com",
    "https://app.example.com:8443",
    "https://admin.example.com",
    "https://appXexample.com",
    "https://app.example.com/",
    "https://app.example.com, https://evil.io",
    "null",
    "*",
    "",
)
PATHS = ("/api/customers", "/api/openapi.json", "/api/nothing", "/api/auth/login")


@pytest.fixture
def browser(production_app: Flask) -> Caller:
    return Caller(production_app)


def ask(browser: Caller, path: str, origin: str, method: str = "GET") -> TestResponse:
    headers = {"Origin": origin, "Host": PUBLIC_HOST}
    if method == "OPTIONS":
        headers["Access-Control-Request-Method"] = "POST"
        headers["Access-Control-Request-Headers"] = "authorization, content-type, x-other"
    return browser.call(method, path, headers=headers)


@pytest.mark.parametrize("path", PATHS)
class TestAConfiguredOrigin:
    @pytest.mark.parametrize("origin", ALLOWED)
    def test_may_read_the_answers(self, browser: Caller, path: str, origin: str) -> None:
        response = ask(browser, path, origin)

        assert response.headers["Access-Control-Allow-Origin"] == origin
        assert "Origin" in response.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in response.headers
        exposed = response.headers["Access-Control-Expose-Headers"]
        for name in ("ETag", "X-Correlation-Id", "Retry-After", "RateLimit", "Location"):
            assert name in exposed.split(", ")

    @pytest.mark.parametrize("origin", ALLOWED)
    def test_may_send_the_apis_headers(self, browser: Caller, path: str, origin: str) -> None:
        response = ask(browser, path, origin, "OPTIONS")

        assert response.headers["Access-Control-Allow-Origin"] == origin
        allowed = {name.lower() for name in response.headers["Access-Control-Allow-Headers"].split(", ")}
        assert allowed == {"authorization", "content-type"}, "of those asked for, those that the API takes"
        if path != "/api/nothing":
            assert response.status_code == 200, "a preflight carries no credentials"
            assert response.headers["Access-Control-Max-Age"] == "600"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
class TestAnyOtherOrigin:
    def test_gets_no_leave(self, browser: Caller, path: str, method: str) -> None:
        for origin in OTHERS:
            response = ask(browser, path, origin, method)

            granted = [name for name in dict(response.headers) if name.startswith("Access-Control-")]
            assert granted == [], origin
            assert "Origin" in response.headers["Vary"], "a cache must not serve this to an allowed origin"


class TestWithoutOrigins:
    def test_nobody_gets_leave(self, wide_app: Flask) -> None:
        for origin in (*ALLOWED, *OTHERS):
            response = ask(Caller(wide_app), "/api/openapi.json", origin)
            assert "Access-Control-Allow-Origin" not in response.headers

    def test_health_is_not_for_browsers(self, browser: Caller) -> None:
        assert "Access-Control-Allow-Origin" not in ask(browser, "/health", ALLOWED[0]).headers
