"""What the API's document says beyond the schemas: security, every error, headers, operation ids."""

import re
from typing import Any

import orjson
from apispec.ext.marshmallow import MarshmallowPlugin
from flask import Flask

from mbs.foundation import schemas
from mbs.foundation.security import PUBLIC

DESCRIPTION = """
The API of MyBizStream: customers, bookings, invoices and payments of small and medium businesses.

* Send `Authorization: Bearer <access token>`; `POST /api/auth/login` gives one for 15 minutes.
* Lists are pages: follow `pagination.nextCursor` until it is null.
* Creating requests take an `Idempotency-Key`; repeat them with the same key after a broken connection.
* Every object has a version, given as `ETag`; sent back as `If-Match` it keeps others' changes safe.
* Every error is `application/problem+json` (RFC 9457) with a stable `code`.
"""

HEAD: dict[str, Any] = {
    "info": {
        "description": DESCRIPTION,
        "license": {"name": "Proprietary", "identifier": "LicenseRef-Proprietary"},
    },
    "servers": [{"url": "/"}],
    "security": [{"bearer": []}],
    "components": {
        "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
    },
}

ERRORS: dict[int, str] = {
    400: "A field, parameter or header is faulty; `errors` names each.",
    401: "No valid access token.",
    403: "The caller's role does not allow this.",
    404: "There is no such object, or it is another business's.",
    409: "The request contradicts the present state.",
    412: "The object has changed since `If-Match`'s version.",
    413: "The body is larger than 1 MiB.",
    415: "The body is not `application/json`.",
    422: "The `Idempotency-Key` was used with another request.",
    429: "Too many requests; `Retry-After` says how long to wait.",
    500: "A fault on our side.",
    503: "The service or its database is not available; `Retry-After` says when to try again.",
}

RATE_LIMIT_HEADERS = {
    "RateLimit-Policy": {"schema": {"type": "string"}, "description": 'As `"api";q=100;w=60`.'},
    "RateLimit": {"schema": {"type": "string"}, "description": 'As `"api";r=99;t=60`.'},
}
CORRELATION = {
    "X-Correlation-Id": {"schema": {"type": "string"}, "description": "Quote it when reporting a fault."}
}


def describe_fields(plugin: MarshmallowPlugin) -> None:
    """Teach apispec what our own fields look like on the wire."""

    def wire_pattern(_: Any, field: Any, **_options: Any) -> dict[str, Any]:
        if isinstance(field, schemas.PhoneNumber):
            return {"pattern": r"^\+[0-9 ().-]{5,31}$"}
        if isinstance(field, schemas.Secret):
            return {"writeOnly": False} if field.load_only else {}
        return {}

    assert plugin.converter is not None, "the plugin belongs to a document by now"
    plugin.converter.add_attribute_function(wire_pattern)  # type: ignore[no-untyped-call]  # apispec's


def complete(document: dict[str, Any], app: Flask) -> bytes:
    """Return the finished document as JSON bytes."""
    components = document["components"]
    components["responses"] = {
        f"Error{status}": {
            "description": text,
            "headers": dict(CORRELATION)
            | ({"Retry-After": {"schema": {"type": "integer"}}} if status in (429, 503) else {}),
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status, text in ERRORS.items()
    }
    views: dict[tuple[str, str], Any] = {}
    for rule in app.url_map.iter_rules():
        for method in rule.methods or ():
            views[(_template(rule.rule), method.lower())] = app.view_functions[rule.endpoint]
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                _complete_operation(path, method, operation, views[(path, method)])
    return orjson.dumps(document, option=orjson.OPT_NON_STR_KEYS)


def _complete_operation(path: str, method: str, operation: dict[str, Any], view: Any) -> None:
    is_public = getattr(view, "permission", None) == PUBLIC
    parameters = operation.setdefault("parameters", [])
    responses = operation["responses"]
    tag = operation["tags"][0]
    operation["operationId"] = schemas.camel_case(f"{tag}_{view.__name__}")
    if is_public:
        operation["security"] = []
    else:
        operation["description"] = (operation.get("description", "") + _permission_text(view)).strip()
    changes = method in ("post", "patch", "put", "delete")
    statuses = {500, 503}
    if path.startswith("/api"):
        statuses |= {400, 429}
        if not is_public:
            statuses |= {401, 403}
            parameters.append(
                _parameter(
                    "X-Tenant-ID",
                    "header",
                    {"type": "string", "format": "uuid"},
                    "Optional; must be the tenant of the credential.",
                )
            )
    if "{" in path:
        statuses.add(404)
    if changes:
        statuses.add(409)
    if "requestBody" in operation:
        operation["requestBody"]["required"] = True
        statuses |= {400, 413, 415}
    if getattr(view, "limit", None) == "login" or tag == "auth":
        statuses.add(401)
    if getattr(view, "replayable", False):
        statuses.add(422)
        parameters.append(
            _parameter(
                "Idempotency-Key",
                "header",
                {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
                "Makes the request safe to repeat for 24 hours.",
            )
        )
        parameters.append(
            _parameter("dryRun", "query", {"type": "boolean"}, "Answer as if, and change nothing.")
        )
    if getattr(view, "conditional", False):
        success = next(code for code in responses if str(code).startswith("2"))
        if method == "get":
            parameters.append(_parameter("If-None-Match", "header", {"type": "string"}, "The ETag you hold."))
            responses["304"] = {"description": "Not modified."}
        else:
            parameters.append(_parameter("If-Match", "header", {"type": "string"}, "The ETag you read."))
            statuses.add(412)
        if str(success) != "204":
            responses[success].setdefault("headers", {})["ETag"] = {
                "schema": {"type": "string"},
                "description": "The object's version.",
            }
    for code, response in responses.items():
        if str(code).startswith("2") and isinstance(response, dict):
            headers = response.setdefault("headers", {})
            headers.update(CORRELATION)
            if path.startswith("/api"):
                headers.update(RATE_LIMIT_HEADERS)
    for status in sorted(statuses):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/Error{status}"})


def _permission_text(view: Any) -> str:
    permission = getattr(view, "permission", None)
    return f"\n\nPermission: `{permission}`." if permission and ":" in permission else ""


def _parameter(name: str, location: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": location, "required": False, "schema": schema, "description": description}


def _template(rule: str) -> str:
    return re.sub(r"<(?:[^:<>]+:)?([^<>]+)>", r"{\1}", rule)
