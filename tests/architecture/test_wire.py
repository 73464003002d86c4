"""What is read from a caller is read by our own fields: marshmallow's bare ones guess, round and let pass."""

from collections.abc import Iterator
from typing import Any

from flask import Flask
from marshmallow import Schema, fields

from mbs.foundation.schemas import QuerySchema, WireSchema
from tests.architecture.test_routes import routes

INSTEAD = {
    fields.String: "Text, Secret, Choice, PhoneNumber",
    fields.Integer: "Int",
    fields.Float: "a text that is read as Decimal",
    fields.Decimal: "a text that is read as Decimal",
    fields.Number: "Int",
    fields.Boolean: "Flag",
    fields.DateTime: "Instant",
    fields.AwareDateTime: "Instant",
    fields.NaiveDateTime: "Instant",
    fields.Date: "a field of wire_fields",
    fields.Time: "a field of wire_fields",
    fields.TimeDelta: "a field of wire_fields",
    fields.Email: "EmailAddress",
    fields.Url: "a field of wire_fields",
    fields.UUID: "Id",
    fields.Dict: "fields.Nested with a schema",
    fields.Mapping: "fields.Nested with a schema",
    fields.Raw: "a field that says what it takes",
}

ANSWERED_BY_OTHERS = ("GET /api/auth/sso/callback",)
"""The provider may add parameters of its own to its answer (RFC 6749 section 4.1.2)."""


def input_schemas(app: Flask) -> Iterator[tuple[str, Schema]]:
    """Yield every schema that a view reads arguments with."""
    for route, view in routes(app):
        for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
            schema = parameter.get("schema") if isinstance(parameter, dict) else None
            if isinstance(schema, type) and issubclass(schema, Schema):
                schema = schema()
            if isinstance(schema, Schema):
                yield route, schema


def read_fields(schema: Schema, place: str = "") -> Iterator[tuple[str, fields.Field[Any]]]:
    """Yield the fields that a schema loads, those of nested schemas and lists too."""
    for name, field in schema.load_fields.items():
        yield from _with_inner(f"{place or type(schema).__name__}.{name}", field)


def _with_inner(place: str, field: fields.Field[Any]) -> Iterator[tuple[str, fields.Field[Any]]]:
    yield place, field
    if isinstance(field, fields.Nested):
        yield from read_fields(field.schema, place)
    elif isinstance(field, fields.List):
        yield from _with_inner(f"{place}[]", field.inner)


def bare(schema: Schema) -> list[str]:
    return [
        f"{place}: not fields.{type(field).__name__} but {INSTEAD[type(field)]}"
        for place, field in read_fields(schema)
        if type(field) in INSTEAD
    ]


class TestInput:
    def test_is_read_by_fields_that_do_not_guess(self, app: Flask) -> None:
        schemas = list(input_schemas(app))
        assert len(schemas) > 8
        assert [fault for _, schema in schemas for fault in bare(schema)] == []

    def test_refuses_unknown_fields(self, app: Flask) -> None:
        for route, schema in input_schemas(app):
            assert isinstance(schema, WireSchema), f"{route}: derive {type(schema).__name__} from WireSchema"
            assert schema.unknown == ("exclude" if route in ANSWERED_BY_OTHERS else "raise"), route

    def test_of_a_query_is_a_text_for_each_name(self, app: Flask) -> None:
        for route, view in routes(app):
            for parameter in getattr(view, "_apidoc", {}).get("arguments", {}).get("parameters", ()):
                if isinstance(parameter, dict) and parameter.get("in") == "query":
                    schema = parameter["schema"]
                    kind = schema if isinstance(schema, type) else type(schema)
                    assert issubclass(kind, QuerySchema), f"{route}: derive {kind.__name__} from QuerySchema"

    def test_by_a_bare_field_is_noticed(self) -> None:
        inner = WireSchema.from_dict({"size": fields.Integer()}, name="Inner")
        outer = {
            "one": fields.Nested(inner),
            "many": fields.List(fields.Nested(inner)),
            "on": fields.Boolean(),
        }
        assert len(bare(WireSchema.from_dict(dict(outer), name="Outer")())) == 3
