"""One JSON object a line on standard output: categories of the runbook, correlation id, no secrets.

A logger is named `mbs.<category>` (runbook section 8: auth, tenant-isolation, database, config,
security; ours besides: request, health, startup, migration, job, audit).
"""

import logging
import os
import re
import socket
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any

import orjson
from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.orjson import OrjsonFormatter

from mbs.foundation import ambient
from mbs.foundation.scope import Scope

REDACTED = "[redacted]"
MAXIMUM_FIELD = 2048
SURROGATE = re.compile("[\ud800-\udfff]")
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""What starts a new line, or commands a terminal. JSON's own rules escape only the first 32."""

TOKEN_IN_PATH = re.compile(r"(?<=/)[A-Za-z0-9_-]{40,}", re.ASCII)
"""A part of a path as long as a token, such as an invitation's, and longer than an id."""

LARGEST_INTEGER = 2**63 - 1
SECRET_KEY = re.compile(r"password|secret|token|authorization|cookie|api_?key|dsn", re.IGNORECASE)

_constant: dict[str, Any] = {"instance": socket.gethostname()}
_secrets: re.Pattern[str] | None = None
_secret_forms: tuple[str, ...] = ()
_access_from = logging.INFO
_as_json = True


class JsonFormatter(OrjsonFormatter):
    """Formats every record, also gunicorn's and the warnings module's, as one line of the service's shape."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("reserved_attrs", [*RESERVED_ATTRS, "color_message"])
        super().__init__(*args, **kwargs)

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        return {_text(key): _clean(key, value) for key, value in log_data.items()}

    def add_fields(
        self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]
    ) -> None:
        scope = ambient.scope.get()
        log_data["ts"] = _timestamp(record.created)
        log_data["level"] = record.levelname.lower()
        log_data["category"] = (
            record.name.removeprefix("mbs.") if record.name.startswith("mbs.") else "startup"
        )
        log_data["message"] = record.getMessage()
        extra = {
            k: v for k, v in record.__dict__.items() if k not in self.reserved_attrs and not k.startswith("_")
        }
        log_data["event"] = extra.pop("event", record.name)
        if scope.correlation_id:
            log_data["correlation_id"] = scope.correlation_id
        if scope.tenant_id is not None:
            log_data["tenant_id"] = str(scope.tenant_id)
        if scope.actor_id is not None:
            log_data["user_id"] = str(scope.actor_id)
        log_data.update(extra)
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, trace = record.exc_info
            # The text of a database error quotes values; its type and the stack say enough.
            log_data["error"] = {
                "type": kind.__name__,
                "message": str(error) if kind.__module__.startswith("mbs.") else "",
                "stack": "".join(traceback.format_tb(trace)),
            }
        log_data.update(_constant, pid=os.getpid())

    def format(self, record: logging.LogRecord) -> str:
        log_data: dict[str, Any] = {}
        self.add_fields(log_data, record, {})
        return _escaped(redact(self.jsonify_log_record(self.process_log_record(log_data))))


class TextFormatter(logging.Formatter):
    """For a person at a terminal: time, level, category, message, and what else is known, on one line."""

    def format(self, record: logging.LogRecord) -> str:
        known = {**record.__dict__}
        event = known.get("event", "")
        name = record.name.removeprefix("mbs.")
        clock, level = _timestamp(record.created)[11:19], record.levelname.lower()
        line = _escaped(f"{clock} {level:8} {name}: {record.getMessage()} {event}".rstrip())
        if record.exc_info:
            line += "\n" + self.formatException(record.exc_info)
        return redact(line)


def configure(
    *, level: str, secrets: Iterable[str], release: str, environment: str, form: str = "json"
) -> None:
    """Send everything that is logged in this process to standard output.

    :param form: `json`, or `text` for a person at a terminal.
    :param secrets: values that are replaced wherever they turn up in a line.
    """
    global _secrets, _secret_forms, _access_from, _as_json
    _as_json = form == "json"
    forms = {form for value in secrets if value for form in (value, orjson.dumps(value).decode()[1:-1])}
    values = sorted(map(re.escape, forms), key=len, reverse=True)
    _secrets = re.compile("|".join(values)) if values else None
    _secret_forms = tuple(forms)
    _constant.update(release=release, env=environment)
    root = logging.getLogger()
    formatter = JsonFormatter() if form == "json" else TextFormatter()
    ours = [one for one in root.handlers if isinstance(one.formatter, JsonFormatter | TextFormatter)]
    if not ours:
        ours = [logging.StreamHandler(sys.stdout)]
        root.addHandler(ours[0])
    for handler in ours:
        handler.setFormatter(formatter)
    threshold = logging.getLevelNamesMapping()[level.upper()]
    root.setLevel(threshold)
    # Their debug lines hold payloads and SQL, or are a hundred a page.
    for noisy in ("urllib3", "sqlalchemy", "flask-limiter", "fontTools", "fpdf", "PIL", "twilio"):
        logging.getLogger(noisy).setLevel(max(threshold, logging.WARNING))
    logging.captureWarnings(True)
    _access_from = threshold


def redact(text: str) -> str:
    # To look for each in turn is ten times as fast as the pattern, which is needed only to replace.
    if _secrets is None or not any(form in text for form in _secret_forms):
        return text
    return _secrets.sub(REDACTED, text)


def write_access(
    *, method: str, path: str, route: str, status: int, milliseconds: float, address: str | None, slow_ms: int
) -> None:
    """Write the access line of one request, preformatted: it is the one line that every request pays for.

    Health probes are written at debug level only; they would drown the rest.
    """
    if _access_from > logging.INFO or ("/health" in route and _access_from > logging.DEBUG):
        return
    scope = ambient.scope.get()
    path = TOKEN_IN_PATH.sub(REDACTED, path)
    if not _as_json:
        line = f"{_timestamp(None)[11:19]} {method} {path} {status} {milliseconds:.1f} ms"
        _print(redact(_escaped(line)))
        return
    line = orjson.dumps(
        {
            "ts": _timestamp(None),
            "level": "warning" if milliseconds > slow_ms else "info",
            "category": "request",
            "event": "request.slow" if milliseconds > slow_ms else "request.finished",
            "message": "request finished",
            "method": _text(method[:16]),
            "route": route,
            "path": _text(path[:MAXIMUM_FIELD]),
            "status": status,
            "duration_ms": round(milliseconds, 2),
            "address": address,
            "correlation_id": scope.correlation_id,
            "tenant_id": scope.tenant_id,
            "user_id": scope.actor_id,
            "pid": os.getpid(),
            **_constant,
        }
    ).decode()
    _print(_escaped(redact(line)))


def _print(line: str) -> None:
    # Whoever reads the log may be gone; a request that has done its work must not fail for that.
    with suppress(OSError, ValueError):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


@contextmanager
def scoped(scope: Scope) -> Iterator[None]:
    """Give the log lines of a command or worker the scope they belong to."""
    token = ambient.scope.set(scope)
    try:
        yield
    finally:
        ambient.scope.reset(token)


def _timestamp(seconds: float | None) -> str:
    instant = datetime.now(UTC) if seconds is None else datetime.fromtimestamp(seconds, UTC)
    return instant.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _text(text: str) -> str:
    return SURROGATE.sub("?", text)


def _escaped(line: str) -> str:
    """Return a line that stays one, on any terminal and for any reader."""
    if line.isprintable():
        return line
    return CONTROL.sub(lambda match: f"\\u{ord(match.group()):04x}", _text(line))


def _clean(key: str, value: Any) -> Any:
    if SECRET_KEY.search(key):
        return REDACTED
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and abs(value) <= LARGEST_INTEGER:
        return value
    if isinstance(value, dict):
        return {_text(str(k)): _clean(str(k), v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean(key, item) for item in value]
    text = _text(str(value))
    return text if len(text) <= MAXIMUM_FIELD else text[:MAXIMUM_FIELD] + "…"
