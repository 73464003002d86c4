"""GET /health is answered from a recording: the application's own answer, but for the correlation id."""

import logging

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.factories.callers import Caller


@pytest.fixture
def asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths that reach the application itself."""
    paths: list[str] = []
    inner = app.full_dispatch_request

    def count() -> object:
        paths.append("reached")
        return inner()

    monkeypatch.setattr(app, "full_dispatch_request", count)
    return paths


def headers(response: TestResponse) -> dict[str, str]:
    return {name: value for name, value in response.headers if name != "X-Correlation-Id"}


class TestLiveness:
    def test_is_what_the_application_answers(self, caller: Caller) -> None:
        caller.get("/health")
        recorded, live = caller.get("/health"), caller.get("/health", query_string={"any": "thing"})
        assert (recorded.status_code, recorded.data, headers(recorded)) == (
            live.status_code,
            live.data,
            headers(live),
        )

    def test_reaches_the_application_once(self, caller: Caller, asked: list[str]) -> None:
        caller.get("/health")
        asked.clear()
        caller.get("/health")
        assert asked == []

    def test_names_the_request_that_asked(self, caller: Caller) -> None:
        caller.get("/health", headers={"X-Correlation-Id": "first"})
        second = caller.get("/health", headers={"X-Correlation-Id": "second"})
        unnamed = caller.get("/health")
        assert second.headers.getlist("X-Correlation-Id") == ["second"]
        assert unnamed.headers["X-Correlation-Id"] not in ("first", "second", "")

    @pytest.mark.parametrize("accept", ["application/health+json", "text/plain"])
    def test_leaves_other_media_types_to_the_application(
        self, caller: Caller, asked: list[str], accept: str
    ) -> None:
        caller.get("/health", headers={"Accept": accept})
        assert asked == ["reached"]

    @pytest.mark.parametrize("method", ["POST", "HEAD", "OPTIONS"])
    def test_leaves_other_methods_to_the_application(
        self, caller: Caller, asked: list[str], method: str
    ) -> None:
        caller.get("/health")
        asked.clear()
        caller.call(method, "/health")
        assert asked == ["reached"]

    def test_is_logged_at_debug_level(self, caller: Caller, asked: list[str]) -> None:
        caller.get("/health")
        asked.clear()
        log = logging.getLogger("mbs.request")
        previous = log.level
        log.setLevel(logging.DEBUG)
        try:
            caller.get("/health")
        finally:
            log.setLevel(previous)
        assert asked == ["reached"]
