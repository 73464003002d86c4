"""The log: one JSON object a line, whatever is logged, and no secret in it."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID, uuid4

import pytest

from mbs.foundation import logs
from mbs.foundation.errors import NotFound
from mbs.foundation.logs import MAXIMUM_FIELD, JsonFormatter, TextFormatter, configure, scoped, write_access
from mbs.foundation.scope import Scope, TenantId
from tests.factories.log_lines import Lines

NASTY = {
    "line feed": "a\nb",
    "carriage return": "a\rb",
    "both": 'a\r\n{"level":"critical"}',
    "escape": "\x1b[2J\x1b]0;title\x07",
    "C1 control": "a\x9b31mb\x85c",
    "delete": "a\x7fb",
    "line separator": "a\u2028b\u2029c",
    "NUL": "a\x00b",
    "surrogate": "a\ud800b",
    "quotes": '"}{"\\',
    "bidi": "a\u202eb",
}
UNESCAPED = {*map(chr, range(32)), *map(chr, range(127, 160)), "\u2028", "\u2029"}
SECRETS = ("canary-secret-0123456789", "canäry with spaces", 'canary"quoted\\')

log = logging.getLogger("mbs.request")


@pytest.fixture
def raw() -> Iterator[Callable[[], str]]:
    """Return a function that gives the text written to standard output since the test began."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(JsonFormatter())
    logging.getLogger().addHandler(handler)
    yield written.getvalue
    logging.getLogger().removeHandler(handler)


@contextmanager
def configured(**changes: Any) -> Iterator[None]:
    """Configure the log, and put it back as it was."""
    root = logging.getLogger()
    kept = (logs._secrets, logs._access_from, logs._as_json, dict(logs._constant), root.level)
    formatters = [(handler, handler.formatter) for handler in root.handlers]
    try:
        settings: dict[str, Any] = {"level": "INFO", "secrets": (), "release": "1", "environment": "test"}
        configure(**{**settings, **changes})
        yield
    finally:
        logs._secrets, logs._access_from, logs._as_json = kept[:3]
        logs._constant.clear()
        logs._constant.update(kept[3])
        root.setLevel(kept[4])
        for handler, formatter in formatters:
            handler.setFormatter(formatter)
        root.handlers[:] = [handler for handler, _ in formatters]


def access(capsys: pytest.CaptureFixture[str], **changes: Any) -> str:
    details: dict[str, Any] = {
        "method": "GET",
        "path": "/api/customers",
        "route": "/api/customers",
        "status": 200,
        "milliseconds": 1.234,
        "address": "192.0.2.1",
        "slow_ms": 1000,
    }
    capsys.readouterr()
    write_access(**{**details, **changes})
    return capsys.readouterr().out


class TestALine:
    def test_says_when_where_how_bad_and_what(self, log_lines: Lines) -> None:
        scope = Scope(correlation_id="c-1", tenant_id=TenantId(uuid4()), actor_id=uuid4())
        with scoped(scope):
            logging.getLogger("mbs.tenant-isolation").warning("told", extra={"event": "x.y", "count": 3})

        (line,) = log_lines()
        assert line["ts"].endswith("Z")
        assert (line["level"], line["category"], line["event"]) == ("warning", "tenant-isolation", "x.y")
        assert (line["message"], line["count"], line["correlation_id"]) == ("told", 3, "c-1")
        assert (line["tenant_id"], line["user_id"]) == (str(scope.tenant_id), str(scope.actor_id))

    def test_is_written_for_others_too(self, log_lines: Lines) -> None:
        logging.getLogger("gunicorn.error").error("Worker (pid:%d) was sent %s!", 17, "SIGKILL")
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            # pytest gives each test a fresh way to show warnings, of which `logging` does not know.
            logging.captureWarnings(False)
            logging.captureWarnings(True)
            warnings.warn("old\nways", DeprecationWarning, stacklevel=1)

        gunicorn, warning = log_lines()
        assert (gunicorn["category"], gunicorn["event"]) == ("startup", "gunicorn.error")
        assert gunicorn["message"] == "Worker (pid:17) was sent SIGKILL!"
        assert "old\nways" in warning["message"]

    @pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
    def test_stays_one_line(self, text: str) -> None:
        extra = {"event": "e", "field": text, "nested": {"key": [text]}, text: "name"}
        record = log.makeRecord("mbs.request", logging.ERROR, "f", 1, "%s", (text,), None, extra=extra)

        written = JsonFormatter().format(record)

        assert not UNESCAPED & set(written)
        line = json.loads(written)
        shown = text.replace("\ud800", "?")
        assert line["message"] == line["field"] == line["nested"]["key"][0] == shown

    @pytest.mark.parametrize(
        "value",
        [
            2**80,
            float("nan"),
            object(),
            b"bytes",
            {1: 2},
            {3},
            ValueError("x"),
            UUID(int=7),
            None,
            [[[[[[]]]]]],
        ],
    )
    def test_takes_any_value(self, log_lines: Lines, value: object) -> None:
        log.error("e", extra={"value": value})

        assert len(log_lines()) == 1

    def test_bounds_every_field(self, log_lines: Lines) -> None:
        log.error("x" * 10_000, extra={"field": "y" * 10_000, "nested": {"key": ["z" * 10_000]}})

        (line,) = log_lines()
        for shown in (line["message"], line["field"], line["nested"]["key"][0]):
            assert len(shown) == MAXIMUM_FIELD + 1

    def test_has_the_stack_of_an_error_and_the_text_of_ours_only(self, log_lines: Lines) -> None:
        for error in (RuntimeError("hunter2"), NotFound("No such thing.")):
            try:
                raise error
            except Exception:
                log.exception("failed")

        foreign, ours = (line["error"] for line in log_lines())
        assert (foreign["type"], foreign["message"]) == ("RuntimeError", "")
        assert "raise error" in foreign["stack"]
        assert (ours["type"], ours["message"]) == ("NotFound", "No such thing.")


class TestSecrets:
    def test_are_replaced_wherever_they_turn_up(self, raw: Callable[[], str]) -> None:
        with configured(secrets=SECRETS):
            for secret in SECRETS:
                log.error("connect with %s", secret, extra={"url": f"postgresql://mbs:{secret}@db/mbs"})
        assert not any(word in raw() for word in ("canary", "canäry"))
        assert raw().count(logs.REDACTED) == 6

    @pytest.mark.parametrize(
        "name",
        ["password", "newPassword", "refresh_token", "Authorization", "cookie", "api_key", "SENTRY_DSN"],
    )
    def test_are_known_by_their_names(self, raw: Callable[[], str], name: str) -> None:
        log.error("e", extra={"body": {name: "canary", "list": [{name: ["canary"]}]}, name: "canary"})

        assert "canary" not in raw()

    def test_are_replaced_in_access_lines_and_for_people_too(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with configured(secrets=SECRETS[:1]):
            assert SECRETS[0] not in access(capsys, path=f"/api/{SECRETS[0]}")
        with configured(secrets=SECRETS[:1], form="text"):
            assert SECRETS[0] not in access(capsys, path=f"/api/{SECRETS[0]}")
            record = log.makeRecord("mbs.request", logging.ERROR, "f", 1, SECRETS[0], (), None)
            assert SECRETS[0] not in TextFormatter().format(record)


class TestAnAccessLine:
    def test_says_who_asked_for_what(self, capsys: pytest.CaptureFixture[str]) -> None:
        with configured(), scoped(Scope(correlation_id="c-1", tenant_id=TenantId(uuid4()))) as _:
            line = json.loads(access(capsys))

        assert line["category"] == "request"
        assert (line["method"], line["path"], line["status"]) == ("GET", "/api/customers", 200)
        assert (line["duration_ms"], line["correlation_id"], line["level"]) == (1.23, "c-1", "info")

    @pytest.mark.parametrize("text", NASTY.values(), ids=NASTY)
    @pytest.mark.parametrize("form", ["json", "text"])
    def test_stays_one_line(self, capsys: pytest.CaptureFixture[str], form: str, text: str) -> None:
        with configured(form=form):
            written = access(capsys, path=f"/{text}", method=text)

        assert written.count("\n") == 1
        assert not UNESCAPED & set(written.removesuffix("\n"))

    def test_is_bounded(self, capsys: pytest.CaptureFixture[str]) -> None:
        with configured():
            assert len(access(capsys, path="/x" * 10_000, method="G" * 10_000)) < 3000

    @pytest.mark.parametrize("form", ["json", "text"])
    def test_holds_no_token_of_a_path(self, capsys: pytest.CaptureFixture[str], form: str) -> None:
        token = "-Zx_" * 10 + "abc"
        for path in (f"/api/auth/invites/{token}", f"/api/auth/invites/{token}/acept"):
            with configured(form=form):
                line = access(capsys, path=path)
            assert token not in line
            assert "/api/auth/invites/[redacted]" in line

    def test_keeps_the_ids_of_a_path(self, capsys: pytest.CaptureFixture[str]) -> None:
        path = f"/api/customers/{uuid4()}"
        with configured():
            assert json.loads(access(capsys, path=path))["path"] == path

    def test_warns_of_a_slow_request(self, capsys: pytest.CaptureFixture[str]) -> None:
        with configured():
            line = json.loads(access(capsys, milliseconds=1001))
        assert (line["level"], line["event"]) == ("warning", "request.slow")

    def test_is_not_written_for_probes_nor_above_its_level(self, capsys: pytest.CaptureFixture[str]) -> None:
        with configured():
            assert access(capsys, route="/health/db") == ""
        with configured(level="DEBUG"):
            assert access(capsys, route="/health/db") != ""
        with configured(level="WARNING"):
            assert access(capsys) == ""


class TestConfigure:
    def test_silences_those_who_log_payloads(self) -> None:
        with configured(level="DEBUG"):
            for name in ("urllib3", "sqlalchemy"):
                assert not logging.getLogger(name).isEnabledFor(logging.INFO)

    def test_writes_to_standard_output_once(self) -> None:
        with configured():
            configure(level="INFO", secrets=(), release="1", environment="test")
            ours = [h for h in logging.getLogger().handlers if isinstance(h.formatter, JsonFormatter)]
            assert len({id(handler) for handler in ours}) == len(ours)
            assert (
                sum(getattr(handler, "stream", None) in (sys.stdout, sys.__stdout__) for handler in ours) <= 1
            )
