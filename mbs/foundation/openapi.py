"""What the API's document says beyond the schemas: security, every error, headers, operation ids."""

import re
from collections.abc import Iterator
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from mbs.foundation.http import is_health
from mbs.foundation.schemas import MergePatch, camel_case
from mbs.foundation.security import PUBLIC

DESCRIPTION = """
The API of MyBizStream: customers, bookings, invoices and payments of small and medium businesses.

* Send `Authorization: Bearer <access token>`; `POST /api/auth/login` gives one for 15 minutes.
* A business's programs send one of its API keys instead; browsers may ask for a session cookie.
* Lists are pages: follow `pagination.nextCursor` until it is null.
* Creating requests take an `Idempotency-Key`; repeat them with the same key after a broken connection.
  What moves money demands one.
* Every object has a version, given as `ETag`; sent back as `If-Match` it keeps others' changes safe.
* Every error is `application/problem+json` (RFC 9457) with a stable `code`.
"""

HEAD: dict[str, Any] = {
    "info": {
        "description": DESCRIPTION,
        "license": {"name": "Proprietary"},
    },
    "servers": [{"url": "/"}],
    "security": [{"bearer": []}, {"cookie": []}],
    "components": {
        "securitySchemes": {
            "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An access token, or an API key (`mbs_live_...`).",
            },
            "cookie": {
                "type": "apiKey",
                "in": "cookie",
                "name": "__Host-mbs_session",
                "description": "A browser's session; what changes something needs `X-CSRF-Token` besides.",
            },
        },
    },
}

ERRORS: dict[int, str] = {
    400: "A field, parameter or header is faulty; `errors` names each.",
    401: "No valid access token.",
    403: "The caller's role does not allow this.",
    404: "There is no such object, or it is another business's.",
    409: "The request contradicts the present state.",
    410: "This was used, revoked, or has expired.",
    412: "The object has changed since `If-Match`'s version.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not of the documented type, nearly always `application/json`.",
    422: "The `Idempotency-Key` was used with another request.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "A fault on our side.",
    503: "The service or its database is not available; `Retry-After` says when to try again.",
}

RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'As `"api";q=100;w=60`.'},
    "RateLimit": {"schema": {"type": "string"}, "description": 'As `"api";r=99;t=60`.'},
}
RETRY_AFTER = {"schema": {"type": "integer"}, "description": "Seconds to wait."}
ENTITY_TAG = r'^("[0-9]{1,9}"|\*)$'

NOT_OURS = ("Error", "PaginationMetadata")
"""Schemas that flask-smorest registers for errors and pages of its own, which this API does not use."""

CORRELATION = {
    "X-Correlation-Id": {"schema": {"type": "string"}, "description": "Quote it when reporting a fault."}
}


def describe_fields(plugin: MarshmallowPlugin) -> None:
    """Let a field that is more than its type say so: its `describe` gets the properties and returns them."""

    def described(_: Any, field: Any, *, ret: dict[str, Any], **_options: Any) -> dict[str, Any]:
        describe = getattr(field, "describe", None)
        return {} if describe is None else dict(describe(ret))

    assert plugin.converter is not None, "the plugin belongs to a document by now"
    plugin.converter.add_attribute_function(described)  # type: ignore[no-untyped-call]  # apispec's


def complete(document: dict[str, Any], app: Flask) -> bytes:
    """Return the finished document as JSON bytes."""
    components = document["components"]
    for name in NOT_OURS:
        components["schemas"].pop(name, None)
    for patch in MergePatch.__subclasses__():
        components["schemas"].get(patch.__name__, {})["minProperties"] = 1
    components["responses"] = {_error_name(status): _error(status) for status in ERRORS}
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule.rule)
        for method, operation in document["paths"].get(path, {}).items():
            if method.upper() in (rule.methods or ()):
                view = app.view_functions[rule.endpoint]
                operation["operationId"] = camel_case(rule.endpoint.replace(".", "_"))
                operation["parameters"] = [*operation.get("parameters", ()), *_parameters(method, view)]
                _complete_responses(path, method, operation, view)
                if "requestBody" in operation:
                    operation["requestBody"].setdefault("required", True)
                if getattr(view, "permission", None) == PUBLIC:
                    operation["security"] = []
                    if hasattr(view, "signed_by"):
                        said = (
                            f"Called by {view.signed_by}, whose signature is the credential; 403 without it."
                        )
                        operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
                else:
                    text = f"{operation.get('description', '')}\n\n{_permission_text(view)}"
                    operation["description"] = text.strip()
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


def _parameters(method: str, view: Any) -> Iterator[dict[str, Any]]:
    """Yield the parameters that decorators read, not schemas."""
    if getattr(view, "permission", None) != PUBLIC:
        tenant = {"type": "string", "format": "uuid"}
        yield _parameter("X-Tenant-ID", "header", tenant, "Optional; must be the tenant of the credential.")
    if getattr(view, "replayable", False):
        key = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]([ -~]*[!-~])?$"}
        text = "Makes the request safe to repeat for 24 hours."
        demanded = getattr(view, "key_required", False)
        yield {**_parameter("Idempotency-Key", "header", key, text), "required": demanded}
        yield _parameter("dryRun", "query", {"type": "boolean"}, "Answer as if, and change nothing.")
    if getattr(view, "conditional", False):
        if method == "get":
            yield _parameter("If-None-Match", "header", {"type": "string"}, "The ETag you hold.")
        else:
            tag = {"type": "string", "pattern": ENTITY_TAG}
            yield _parameter("If-Match", "header", tag, "The ETag you read.")


def _complete_responses(path: str, method: str, operation: dict[str, Any], view: Any) -> None:
    responses = operation["responses"]
    # flask-smorest names a response of its own for faulty arguments.
    responses.pop("400", None)
    conditional = getattr(view, "conditional", False)
    for success in [code for code in responses if code.startswith(("2", "3"))]:
        headers = responses[success].setdefault("headers", {})
        headers.update(CORRELATION)
        if _is_limited(path, view):
            headers.update(RATE_LIMIT_HEADERS)
        if getattr(view, "tabular", False):
            responses[success].setdefault("content", {})["text/csv"] = {"schema": {"type": "string"}}
        if conditional and success in ("200", "201"):
            headers["ETag"] = {"schema": {"type": "string"}, "description": "The object's version."}
        if success == "202":
            headers["Retry-After"] = RETRY_AFTER
    if conditional and method == "get":
        responses["304"] = {"description": "Not modified: you hold the newest version."}
    for status in sorted(_error_statuses(path, method, operation, view)):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{_error_name(status)}"})


def _error_statuses(path: str, method: str, operation: dict[str, Any], view: Any) -> set[int]:
    statuses = {500, 503}
    if path.startswith("/api"):
        statuses.add(400)
    if _is_limited(path, view):
        statuses.add(429)
    if hasattr(view, "signed_by"):
        statuses.add(403)
    if getattr(view, "permission", None) != PUBLIC or operation["tags"] == ["auth"]:
        statuses |= {401, 403}
    if "{" in path:
        statuses.add(404)
    if "{token}" in path:
        # The token is a credential, whatever else comes along.
        statuses |= {401, 403, 410}
    if method != "get":
        statuses.add(409)
    if method != "get" and getattr(view, "conditional", False):
        statuses.add(412)
    if "requestBody" in operation:
        statuses |= {413, 415}
    if getattr(view, "replayable", False):
        statuses.add(422)
    return statuses | getattr(view, "refusals", frozenset())


def _is_limited(path: str, view: Any) -> bool:
    return path.startswith("/api") and not is_health(path) and not hasattr(view, "signed_by")


def _permission_text(view: Any) -> str:
    permission = getattr(view, "permission", None)
    return f"Permission: `{permission}`." if permission and ":" in permission else ""


def _error_name(status: int) -> str:
    return f"Error{status}"


def _error(status: int) -> dict[str, Any]:
    headers = dict(CORRELATION)
    if status in (429, 503):
        headers["Retry-After"] = RETRY_AFTER
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": ERRORS[status],
        "headers": headers,
        "content": {"application/problem+json": {"schema": schema}},
    }


def _parameter(name: str, location: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": location, "required": False, "schema": schema, "description": description}
