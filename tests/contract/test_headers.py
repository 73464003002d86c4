"""What every response carries, whatever its route and status: security headers and the correlation id."""

import uuid
from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.foundation.bulkhead import Bulkhead
from tests.contract.operations import Operation, operations
from tests.factories.apps import PUBLIC_HOST
from tests.factories.callers import Business, Caller
from tests.factories.customers import create
from tests.factories.log_lines import Lines

OPERATIONS = list(operations())
BODY = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
STRICT = "max-age=31536000; includeSubDomains"


def named(operation: Operation) -> str:
    return operation.name


def protected(response: TestResponse) -> bool:
    for name, value in BODY.items():
        assert response.headers.getlist(name) == [value], (name, response.request.path)
    assert "no-store" in response.headers["Cache-Control"]
    assert len(response.headers.getlist("X-Correlation-Id")) == 1
    assert "Server" not in response.headers
    assert "X-Powered-By" not in response.headers
    return True


@pytest.fixture(scope="module")
def stranger(wide_app: Flask) -> Caller:
    return Caller(wide_app)


@pytest.mark.parametrize("operation", OPERATIONS, ids=named)
class TestEveryRoute:
    def answers(self, caller: Caller, operation: Operation) -> Iterator[TestResponse]:
        """Yield an answer of every kind that a route gives to a stranger, and more."""
        url = operation.url()
        yield caller.call(operation.method, url)
        yield caller.call(operation.method, url, operation.example)
        yield caller.call(operation.method, f"{url}?nonsense=1")
        yield caller.call(operation.method, url, data=b"{", content_type="application/json")
        yield caller.call(operation.method, url, data=b"x", content_type="text/plain")
        yield caller.call(operation.method, url, data=b"x" * 1024 * 1025, content_type="application/json")
        yield caller.call(operation.method, url, headers={"Authorization": "Bearer x"})
        for method in ("HEAD", "OPTIONS", "PUT", "TRACE"):
            yield caller.call(method, url)

    def test_is_protected_with_every_status(self, stranger: Caller, operation: Operation) -> None:
        responses = list(self.answers(stranger, operation))

        assert all(protected(response) for response in responses)
        assert all("Strict-Transport-Security" not in response.headers for response in responses)
        assert {response.status_code for response in responses} >= {405}

    def test_demands_https_in_production(self, production_app: Flask, operation: Operation) -> None:
        caller = Caller(production_app)
        for response in self.answers(caller, operation):
            protected(response)
            assert response.headers["Strict-Transport-Security"] == STRICT


class TestSignedIn:
    def test_answers_are_protected_too(self, owner: Business) -> None:
        created = owner.post("/api/customers", {"name": "Jane"}, headers={"Idempotency-Key": "k"})
        path = created.headers["Location"]
        again = owner.post("/api/customers", {"name": "Jane"}, headers={"Idempotency-Key": "k"})
        held = owner.get(path, headers={"If-None-Match": '"1"'})
        dry = owner.post("/api/customers?dryRun=true", {"name": "Jane"})
        gone = owner.delete(path)

        for response, status in ((created, 201), (again, 201), (held, 304), (dry, 201), (gone, 204)):
            assert response.status_code == status
            assert protected(response)
            assert response.headers["Cache-Control"] == "private, no-store"
            assert response.headers["RateLimit-Policy"] == '"api";q=100;w=60'

    def test_shed_requests_are_protected_too(self, wide_app: Flask, production_app: Flask) -> None:
        for app in (wide_app, production_app):
            shed = Caller(app)
            bulkhead = app.wsgi_app
            assert isinstance(bulkhead, Bulkhead)
            taken, places = [], bulkhead._everything._admitted
            while places.acquire(blocking=False):
                taken.append(True)
            try:
                response = shed.get("/api/customers", headers={"X-Correlation-Id": "shed-1"})
            finally:
                for _ in taken:
                    places.release()

            assert (response.status_code, response.headers["Retry-After"]) == (503, "1")
            assert protected(response)
            assert ("Strict-Transport-Security" in response.headers) is (app is production_app)
            assert response.headers["X-Correlation-Id"] == "shed-1"


class TestTheCorrelationId:
    @pytest.mark.parametrize(
        "given", ["ok-123", "a", "A.b_c-9", "x" * 64, "0198c5a2-7b1e-7c3a-9f00-3d2b8a6e4c11"]
    )
    def test_is_the_callers_when_it_is_well_formed(self, stranger: Caller, given: str) -> None:
        for path in ("/health", "/api/openapi.json", "/api/nothing", "/api/customers"):
            assert (
                stranger.get(path, headers={"X-Correlation-Id": given}).headers["X-Correlation-Id"] == given
            )

    @pytest.mark.parametrize(
        "given",
        [
            "",
            " ",
            "a b",
            "x" * 65,
            "x" * 5000,
            "a\x00b",
            "a\x1b[31m",
            "caf\xe9",
            "a/b",
            "<b>",
            "a\tb",
            "{}",
            "a\x85",
        ],
    )
    def test_is_ours_when_it_is_not(self, stranger: Caller, given: str) -> None:
        response = stranger.get("/api/nothing", headers={"X-Correlation-Id": given})

        minted = response.headers["X-Correlation-Id"]
        assert uuid.UUID(minted).version == 7
        assert response.json is not None
        assert response.json["correlationId"] == minted

    def test_is_ours_when_a_line_break_was_smuggled_in(self, stranger: Caller) -> None:
        overrides = {"HTTP_X_CORRELATION_ID": "a\r\nSet-Cookie: x=1"}
        response = stranger.get("/health", environ_overrides=overrides)

        assert uuid.UUID(response.headers["X-Correlation-Id"]).version == 7
        assert "Set-Cookie" not in response.headers

    def test_is_another_one_each_time(self, stranger: Caller) -> None:
        assert len({stranger.get("/health").headers["X-Correlation-Id"] for _ in range(20)}) == 20

    def test_reaches_the_log_and_the_trail(self, owner: Business, log_lines: Lines) -> None:
        headers = {"X-Correlation-Id": "trace-me"}
        created = owner.post("/api/customers", {"name": "Jane"}, headers=headers).json
        owner.post("/api/auth/login", {"email": owner.email, "password": "not the password"}, headers=headers)

        assert created is not None
        page = owner.get("/api/events", query_string={"objectId": created["id"]}).json
        assert page is not None
        assert page["data"][0]["actor"]["correlationId"] == "trace-me"
        failed = [line for line in log_lines() if line["category"] == "auth"]
        assert [line["correlation_id"] for line in failed] == ["trace-me"]


class TestMethods:
    def test_head_is_get_without_a_body(self, owner: Business) -> None:
        path = f"/api/customers/{create(owner)['id']}"
        for url in (path, "/api/customers", "/api/context", "/health", "/api/openapi.json"):
            get, head = owner.get(url), owner.call("HEAD", url)
            assert (head.status_code, head.get_data()) == (get.status_code, b"")
            assert head.headers.get("ETag") == get.headers.get("ETag")
            assert head.headers["Content-Type"] == get.headers["Content-Type"]

    def test_head_and_options_bypass_nothing(self, caller: Caller, owner: Business) -> None:
        path = f"/api/customers/{create(owner)['id']}"

        assert caller.call("HEAD", path).status_code == 401
        assert owner.colleague("staff").call("HEAD", "/api/events").status_code == 403
        for who in (caller, owner):
            options = who.call("OPTIONS", path)
            assert options.status_code in (200, 204, 401)
            assert options.get_data() == b"" or options.status_code == 401
        assert owner.get(path).headers["ETag"] == '"1"'

    @pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
    def test_cannot_be_overridden(self, owner: Business, name: str) -> None:
        path = f"/api/customers/{create(owner)['id']}"

        assert owner.get(path, headers={name: "DELETE"}).status_code == 200
        assert owner.post(path, {"name": "x"}, headers={name: "PATCH"}).status_code == 405
        assert owner.get(path, query_string={"_method": "DELETE"}).status_code == 400
        assert owner.get(path).headers["ETag"] == '"1"'


class TestTheHost:
    @pytest.mark.parametrize("host", [PUBLIC_HOST, f"{PUBLIC_HOST}:443", PUBLIC_HOST.upper()])
    def test_is_answered_under_its_own_name(self, production_app: Flask, host: str) -> None:
        assert Caller(production_app).get("/api/openapi.json", headers={"Host": host}).status_code == 200

    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            f"x.{PUBLIC_HOST}",
            f"{PUBLIC_HOST}.evil.example",
            "127.0.0.1",
            "a/../b",
            "",
            f"{PUBLIC_HOST}@x",
        ],
    )
    def test_is_refused_under_any_other(self, production_app: Flask, host: str) -> None:
        caller = Caller(production_app)

        for path in ("/api/openapi.json", "/api/customers", "/api/nothing"):
            response = caller.get(path, headers={"Host": host})
            assert response.status_code == 400
            assert response.json is not None
            assert [fault["field"] for fault in response.json["errors"]] == ["Host"]
        # A prober names the address it probes.
        assert caller.get("/health", headers={"Host": host}).status_code == 200
