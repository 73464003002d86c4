"""Every operation of the API, read off its own document, with a request that each would accept."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Flask

from mbs.app import create_app
from mbs.config import Config
from tests.factories.callers import Business
from tests.factories.objects import new_objects, object_of

UNREACHABLE = "postgresql://nobody:nothing@127.0.0.1:1/none"
SECRETS = {name: name.lower() * 3 + "-Zx81" for name in ("JWT_ACCESS_SECRET", "JWT_REFRESH_SECRET")}

OPTIONAL_BODIES = frozenset(
    {
        *(f"POST /api/bookings/{{booking_id}}/{action}" for action in ("decline", "no-show", "cancel")),
        "POST /api/sessions/{session_id}/cancel",
        "POST /api/invoices/{invoice_id}/issue",
        "POST /api/bookings/{booking_id}/invoice",
        "POST /api/notification-templates/{key}/{channel}/{locale}/preview",
    }
)


@dataclass(frozen=True)
class Operation:
    """One method of one path. `name` reads as `POST /api/customers`."""

    method: str
    path: str
    details: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def example(self) -> Any:
        """The documented example of the body, None if there is no body."""
        if "requestBody" not in self.details:
            return None
        return self.details["requestBody"]["content"]["application/json"].get("example")

    @property
    def takes_no_body_too(self) -> bool:
        """Whether a body can be left out where there is nothing to say."""
        return self.name in OPTIONAL_BODIES

    @property
    def body_schema(self) -> Mapping[str, Any]:
        reference = self.details["requestBody"]["content"]["application/json"]["schema"]["$ref"]
        schema: Mapping[str, Any] = document()["components"]["schemas"][reference.rpartition("/")[2]]
        return schema

    def parameters(self, location: str) -> list[Mapping[str, Any]]:
        return [one for one in self.details.get("parameters", ()) if one["in"] == location]

    @property
    def ids(self) -> list[str]:
        """The names of the ids in the path."""
        return re.findall(r"\{(\w+)\}", self.path)

    def url(self, ids: Mapping[str, str] | None = None) -> str:
        """Return the path with its ids filled in, by default with ones that never were."""
        return self.path.format_map(ids or {name: str(uuid.uuid4()) for name in self.ids})

    def url_among(self, ids: "Ids") -> str:
        """Return the path with the ids of what `ids_of` has made."""
        return self.url(ids[object_of(self.path)])


@cache
def document() -> dict[str, Any]:
    """Return the API's document; no database is asked for it."""
    # The parameters of a test are collected before there is a database, so this application has none.
    environ = {"APP_ENV": "test", "DATABASE_URL": UNREACHABLE, "SKIP_RATE_LIMIT": "true", **SECRETS}
    app = create_app(Config.load({**environ, "SESSION_SECRET": "session-secret-of-42-characters-Zx81-Qv07"}))
    body = app.test_client().get("/api/openapi.json").json
    assert body is not None
    return dict(body)


SIGNED = "/api/webhooks/"
"""Below it are the operations that providers call and sign; their bodies are the providers' affair."""


def operations() -> Iterator[Operation]:
    """Yield every documented operation that takes our own bodies, and our callers' credentials."""
    return (one for one in all_operations() if not one.path.startswith(SIGNED))


def all_operations() -> Iterator[Operation]:
    """Yield every documented operation."""
    for path, item in document()["paths"].items():
        for method, details in item.items():
            if method != "parameters":
                yield Operation(method.upper(), path, details)


Ids = Mapping[str, Mapping[str, str]]


def ids_of(owner: Business) -> Ids:
    """Return the owner's objects that each path names, by what names them."""
    named = {object_of(operation.path) for operation in operations()}
    return {part: new_objects(owner, part) for part in named}


def routes(app: Flask) -> Iterator[tuple[str, str]]:
    """Yield every method and path that the application answers, documented or not."""
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            yield method, rule.rule
