"""Errors on the wire: one table from error class to status, one shape (RFC 9457 problem+json)."""

import logging
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import orjson
from marshmallow import INCLUDE, ValidationError, fields
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from mbs.foundation import errors
from mbs.foundation.errors import FieldFault, MbsError
from mbs.foundation.schemas import WireSchema

log = logging.getLogger("mbs.request")

MEDIA_TYPE = "application/problem+json"

STATUS: Mapping[type[MbsError], int] = {
    errors.Invalid: 400,
    errors.InvalidReference: 400,
    errors.InvalidCursor: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Gone: 410,
    errors.PreconditionFailed: 412,
    errors.PayloadTooLarge: 413,
    errors.UnsupportedMediaType: 415,
    errors.IdempotencyKeyReused: 422,
    errors.RateLimited: 429,
    errors.Unavailable: 503,
}

HTTP_ERRORS: Mapping[int, tuple[str, str]] = {
    400: ("VALIDATION_ERROR", "The request is malformed."),
    404: ("NOT_FOUND", errors.NotFound.sentence),
    405: (
        "METHOD_NOT_ALLOWED",
        "This address does not answer this method; `Allow` names those that it does.",
    ),
    413: ("PAYLOAD_TOO_LARGE", errors.PayloadTooLarge.sentence),
    415: ("UNSUPPORTED_MEDIA_TYPE", errors.UnsupportedMediaType.sentence),
    500: ("INTERNAL_ERROR", "Something went wrong on our side; quote the correlation id when you report it."),
}

FIELD_CODES: Mapping[str, str] = {
    "Missing data for required field.": "required",
    "Field may not be null.": "required",
    "Unknown field.": "unknown_field",
}


class FieldFaultView(WireSchema):
    field = fields.String(required=True)
    code = fields.String(required=True)
    message = fields.String(required=True)


MOST_FAULTS = 40
"""Named in one answer: a list of ten thousand faulty entries must not make an answer of megabytes."""


class Problem(WireSchema):
    """The shape of every error, for the document; some codes add members (RFC 9457 section 3.2)."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True, metadata={"examples": ["urn:mbs:problem:not-found"]})
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    instance = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; see the list of error codes."})
    errors = fields.List(fields.Nested(FieldFaultView))
    correlation_id = fields.String(required=True)
    timestamp = fields.DateTime(required=True)


def status_of(error: MbsError) -> int:
    return next(STATUS[cls] for cls in type(error).__mro__ if cls in STATUS)


def document(
    *,
    status: int,
    code: str,
    detail: str,
    instance: str,
    correlation_id: str,
    faults: Iterable[FieldFault] = (),
    extra: Mapping[str, Any] | None = None,
) -> bytes:
    """Return a problem document as JSON bytes."""
    body: dict[str, Any] = {
        "type": f"urn:mbs:problem:{code.lower().replace('_', '-')}",
        "title": code.replace("_", " ").capitalize(),
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
    }
    listed = [{"field": f.field, "code": f.code, "message": f.message} for f in islice(faults, MOST_FAULTS)]
    if listed:
        body["errors"] = listed
    body.update(extra or {})
    body["correlationId"] = correlation_id
    body["timestamp"] = datetime.now(UTC)
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)


def problem_response(status: int, body: bytes, headers: Mapping[str, str] | None = None) -> Response:
    response = Response(body, status=status, content_type=MEDIA_TYPE)
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


def respond(error: Exception, *, instance: str, correlation_id: str) -> Response:
    """Return the response to any error that left a view; one that is not ours or HTTP's is a bare 500."""
    headers: dict[str, str] = {}
    faults: tuple[FieldFault, ...] = ()
    extra: Mapping[str, Any] = {}
    if isinstance(error, MbsError):
        status, code, detail = status_of(error), error.code, error.detail
        faults, extra = error.errors, error.extra
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
        if isinstance(error, errors.Unauthenticated):
            challenge = f' error="{error.challenge}"' if error.challenge else ""
            headers["WWW-Authenticate"] = 'Bearer realm="mbs"' + ("," if challenge else "") + challenge
    elif isinstance(error, HTTPException) and error.code is not None and error.code < 500:
        status = error.code
        code, detail = HTTP_ERRORS.get(status, ("VALIDATION_ERROR", error.name))
        headers |= {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    else:
        log.error("unhandled exception", exc_info=error, extra={"event": "request.unhandled"})
        status = 500
        code, detail = HTTP_ERRORS[500]
    body = document(
        status=status,
        code=code,
        detail=detail,
        instance=instance,
        correlation_id=correlation_id,
        faults=faults,
        extra=extra,
    )
    return problem_response(status, body, headers)


def invalid(error: ValidationError) -> errors.Invalid:
    """Return marshmallow's refusal as ours: every faulty field by its path on the wire."""
    return errors.Invalid(errors=list(_faults(error.messages, "")))


def _faults(messages: Any, path: str) -> Iterable[FieldFault]:
    if isinstance(messages, Mapping):
        for key, nested in messages.items():
            name = "" if key == "_schema" else str(key)[:100]
            yield from _faults(nested, ".".join(part for part in (path, name) if part))
        return
    for message in messages if isinstance(messages, list) else [messages]:
        if isinstance(message, Mapping):
            yield from _faults(message, path)
        else:
            yield FieldFault(path or "body", FIELD_CODES.get(message, "invalid"), str(message))
