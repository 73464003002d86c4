"""What Sentry hears of an unhandled error, and that the service does not depend on it."""

import gzip
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.factories.servers import RunningService, free_port, serve

CANARIES = {
    name: f"canary{name}7f3a"
    for name in (
        "password",
        "nested",
        "token",
        "query",
        "mail",
        "cookie",
        "header",
        "local",
        "text",
    )
}
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Project:
    """A Sentry project as the client sees it: it keeps every envelope."""

    def __init__(self, seconds: float = 0.0) -> None:
        self.envelopes: list[str] = []
        project = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                project.envelopes.append(body.decode())
                time.sleep(seconds)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def dsn(self) -> str:
        return dsn(self._server.server_port)

    def events(self) -> list[dict[str, Any]]:
        """Return the events: an envelope is one line, then two for each item, a header and what it heads."""
        found = []
        for envelope in list(self.envelopes):
            lines = envelope.splitlines()
            for header, payload in zip(lines[1::2], lines[2::2], strict=True):
                if json.loads(header)["type"] == "event":
                    found.append(json.loads(payload))
        return found

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def project(seconds: float = 0.0) -> Iterator[Project]:
    with closing(Project(seconds)) as one:
        yield one


def dsn(port: int) -> str:
    return f"http://0123456789abcdef@127.0.0.1:{port}/42"


def fail(service: RunningService) -> tuple[int, str | None, float]:
    """Send a request that fails and holds every canary; return status, correlation id and seconds."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=10)
    body = {
        "password": CANARIES["password"],
        "deep": [{"refreshToken": CANARIES["nested"]}],
        "email": f"{CANARIES['mail']}@example.com",
        "local": CANARIES["local"],
        "text": CANARIES["text"],
    }
    headers = {
        "Content-Type": "application/json",
        "Authorization": f"Bearer {CANARIES['token']}",
        "Cookie": f"__Host-mbs_session={CANARIES['cookie']}",
        "X-Api-Key": CANARIES["header"],
    }
    start = time.monotonic()
    with closing(connection):
        connection.request("POST", f"/fail?reset={CANARIES['query']}", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
        return response.status, response.getheader("X-Correlation-Id"), time.monotonic() - start


@contextmanager
def serving(environ: dict[str, str], address: str) -> Iterator[RunningService]:
    known = {"SENTRY_DSN": address, "SENTRY_ENVIRONMENT": "rehearsal", "RELEASE": "7.1", "GIT_SHA": COMMIT}
    with serve(
        {**environ, "APP_ENV": "production", **known},
        workers=1,
        application="tests.resilience.failing_app:app",
    ) as service:
        yield service


@pytest.mark.slow
class TestSentry:
    def test_gets_one_event_with_nothing_of_a_customers_in_it(self, environ: dict[str, str]) -> None:
        with project() as sentry:
            with serving(environ, sentry.dsn) as service:
                status, correlation, _seconds = fail(service)
                assert status == 500
                assert service.get("/no-such-path")[0] == 404
                deadline = time.monotonic() + 10
                while not sentry.events():
                    assert time.monotonic() < deadline, "no event came"
                    time.sleep(0.05)
            [event] = sentry.events()
            everything = "\n".join(sentry.envelopes)
        assert [name for name, canary in CANARIES.items() if canary in everything] == []
        assert (event["release"], event["environment"]) == ("7.1", "rehearsal")
        assert event["tags"]["correlation_id"] == correlation
        [error] = event["exception"]["values"]
        assert error["type"] == "LookupError"
        assert error["stacktrace"]["frames"][-1]["function"] == "fail"
        assert [name for name, canary in CANARIES.items() if canary in service.written()] == []

    def test_is_not_waited_for(self, environ: dict[str, str]) -> None:
        with project(seconds=5) as sentry, serving(environ, sentry.dsn) as service:
            answers = [fail(service) for _ in range(20)]
            print(f"slowest {max(seconds for _, _, seconds in answers):.3f} s")
            assert {status for status, _, _ in answers} == {500}
            assert max(seconds for _, _, seconds in answers) < 1

    def test_may_be_away(self, environ: dict[str, str]) -> None:
        with serving(environ, dsn(free_port())) as service:
            answers = [fail(service) for _ in range(20)]
            assert {status for status, _, _ in answers} == {500}
            assert max(seconds for _, _, seconds in answers) < 1
            assert service.get("/health/ready")[0] == 200
