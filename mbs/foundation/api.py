"""flask-smorest, made strict: the blueprint class of every room, the parser behind it, the API's document."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import flask_smorest
from flask import Flask, Response, current_app, request
from marshmallow import EXCLUDE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import RequestEntityTooLarge

from mbs import __version__
from mbs.foundation import json_input, openapi, problems
from mbs.foundation.errors import FieldFault, Invalid, InvalidJson, PayloadTooLarge, UnsupportedMediaType
from mbs.foundation.http import IdConverter
from mbs.foundation.json_input import UNSTORABLE
from mbs.foundation.schemas import camel_case
from mbs.foundation.security import public

F = TypeVar("F", bound=Callable[..., Any])


OTHERS = "*"
"""Stands among a view's query parameters when its schema excludes what it does not know, as one must that a
stranger's protocol calls."""


class StrictParser(FlaskParser):
    """Reads bodies through the one JSON door and leaves unknown fields to the schema, which refuses them."""

    DEFAULT_VALIDATION_STATUS = 400
    # Typed as a dict of mutable state by webargs, which never writes to it.
    DEFAULT_UNKNOWN_BY_LOCATION: Mapping[str, str | None] = {}  # type: ignore[assignment]

    def load_json(self, req: Any, schema: Schema) -> Any:
        if getattr(schema, "optional", False) and not _data(req):
            return {}
        if req.mimetype != "application/json" or "Content-Encoding" in req.headers:
            raise UnsupportedMediaType
        charset = req.mimetype_params.get("charset", "utf-8").lower()
        if charset not in ("utf-8", "utf8"):
            raise UnsupportedMediaType
        body = json_input.parse(_data(req))
        if not isinstance(body, dict):
            fault = FieldFault("body", "invalid_json", "The body must be a JSON object.")
            raise InvalidJson(fault.message, errors=[fault])
        return body

    def load_querystring(self, req: Any, schema: Schema) -> Any:
        # `refuse_stray_parameters` has made sure that each name stands once.
        return req.args.to_dict()

    def handle_error(self, error: ValidationError, req: Any, schema: Schema, **kwargs: Any) -> NoReturn:
        messages = error.messages
        # webargs puts the location above the fields; the caller knows where they wrote them.
        if isinstance(messages, Mapping) and set(messages) <= {"json", "query"}:
            error = ValidationError(next(iter(messages.values())))
        raise problems.invalid(error)


def _data(req: Any) -> bytes:
    try:
        data: bytes = req.get_data()
    except RequestEntityTooLarge:
        raise PayloadTooLarge from None
    return data


class Blueprint(flask_smorest.Blueprint):
    """A room's blueprint. Every view states `requires(...)` or `public`; silence is a 403 and a red test."""

    ARGUMENTS_PARSER = StrictParser()

    def arguments(self, schema: Schema | type[Schema], **options: Any) -> Callable[[F], F]:
        """Declare what a view takes; its schema is made here, once, and not by webargs in every request."""
        made = schema if isinstance(schema, Schema) else schema()
        if getattr(made, "optional", False):
            options["required"] = False
        decorator: Callable[[F], F] = super().arguments(made, **options)
        return decorator


def conditional(view: F) -> F:
    """Document that a view answers to entity tags: If-None-Match when it reads, If-Match when it writes."""
    view.conditional = True  # type: ignore[attr-defined]
    return view


def refuses(*statuses: int) -> Callable[[F], F]:
    """Document the errors of a view that do not follow from its path, method and permission."""

    def decorate(view: F) -> F:
        view.refusals = frozenset(statuses)  # type: ignore[attr-defined]
        return view

    return decorate


def tabular(view: F) -> F:
    """Document that a view answers a table for spreadsheets (CSV) too, or nothing else."""
    view.tabular = True  # type: ignore[attr-defined]
    return view


class Api(flask_smorest.Api):
    """The API and its document. Errors are the business of `http.install`, not of flask-smorest."""

    DEFAULT_ERROR_RESPONSE_NAME = None

    def __init__(self, app: Flask) -> None:
        app.config.update(
            API_TITLE="MyBizStream",
            API_VERSION=__version__,
            OPENAPI_VERSION="3.1.0",
            MAX_CONTENT_LENGTH=json_input.MAXIMUM_BYTES,
        )
        super().__init__(app, spec_kwargs=openapi.HEAD)
        self.register_converter(IdConverter, lambda _: {"type": "string", "format": "uuid"})
        self._document: bytes | None = None
        self.spec.components.schema("Problem", schema=problems.Problem)
        openapi.describe_fields(self.ma_plugin)

    def _register_error_handlers(self) -> None:
        """Leave the handlers of `http.install` alone."""

    def document(self) -> bytes:
        """Return the OpenAPI document as JSON; made at the first request, because start-up must be quick."""
        if self._document is None:
            self._document = openapi.complete(self.spec.to_dict(), current_app)
        return self._document

    def install(self, app: Flask) -> None:
        """Serve the document; refuse what cannot be stored, and query parameters that it does not name."""
        blueprint = Blueprint("document", __name__, url_prefix="/api", description="This document.")

        @blueprint.get("/openapi.json")
        @public
        @blueprint.response(200, {"type": "object", "description": "An OpenAPI 3.1 document."})
        def read() -> Response:
            """Read this document."""
            return Response(self.document(), content_type="application/json")

        self.register_blueprint(blueprint)

        known: dict[str, frozenset[str]] = {}

        @app.before_request
        def refuse_unstorable_path() -> None:
            if UNSTORABLE.search(request.path):
                raise Invalid(errors=[FieldFault("path", "invalid", "Must not hold NUL characters.")])

        @app.before_request
        def refuse_stray_parameters() -> None:
            if not request.query_string:
                return
            arguments = request.args
            if request.url_rule is None or not request.path.startswith("/api"):
                return
            endpoint = f"{request.endpoint}:{request.method}"
            if endpoint not in known:
                known[endpoint] = query_parameters(current_app.view_functions[request.endpoint or ""])
            faults, others_welcome = [], OTHERS in known[endpoint]
            for name, values in arguments.lists():
                shown = UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", name)[:100]
                if name not in known[endpoint] and others_welcome:
                    continue
                if name not in known[endpoint]:
                    faults.append(FieldFault(shown, "unknown_field", "There is no such query parameter."))
                elif len(values) > 1:
                    faults.append(FieldFault(shown, "repeated", "Must be given once."))
                elif UNSTORABLE.search(values[0]):
                    faults.append(FieldFault(shown, "invalid", "Must not hold NUL characters."))
            if faults:
                raise Invalid(errors=faults)


def query_parameters(view: Any) -> frozenset[str]:
    """Return the names of the query parameters that a view declares; `OTHERS` if it overlooks others."""
    names = set()
    for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
        if isinstance(parameter, Mapping) and parameter.get("in") == "query":
            schema = parameter["schema"]
            made = schema() if isinstance(schema, type) else schema
            names |= {field.data_key or camel_case(name) for name, field in made.fields.items()}
            if made.unknown == EXCLUDE:
                names.add(OTHERS)
    if getattr(view, "replayable", False):
        names.add("dryRun")
    if hasattr(view, "signed_by"):
        # The signature covers them.
        names.add(OTHERS)
    return frozenset(names)
