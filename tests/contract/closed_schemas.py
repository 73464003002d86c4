"""Hold a value to a schema as a closed one: no field too many, none too few, each of its type."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from marshmallow import Schema, fields

TYPES: tuple[tuple[type[fields.Field], tuple[type, ...]], ...] = (
    (fields.UUID, (str, UUID)),
    (fields.DateTime, (str, datetime)),
    (fields.Date, (str, date)),
    (fields.Boolean, (bool,)),
    (fields.Integer, (int,)),
    (fields.Float, (int, float)),
    (fields.String, (str,)),
    (fields.Dict, (Mapping,)),
)


def differences(schema: Schema, value: Any, path: str = "") -> list[str]:
    """Return what is wrong with an answer, a sentence each."""
    if not isinstance(value, Mapping):
        return [f"{path or 'the value'} is not an object"]
    documented = {field.data_key or name: field for name, field in schema.fields.items()}
    faults = [f"{path}{name} is not documented" for name in value if name not in documented]
    for name, field in documented.items():
        if name in value:
            faults += _field_differences(field, value[name], f"{path}{name}")
        elif field.required:
            faults.append(f"{path}{name} is missing")
    return faults


def _field_differences(field: Any, value: Any, path: str) -> list[str]:
    if value is None:
        return [] if field.allow_none else [f"{path} is null"]
    if isinstance(field, fields.Nested):
        return differences(field.schema, value, f"{path}.")
    if isinstance(field, fields.List):
        if not isinstance(value, list):
            return [f"{path} is not a list"]
        return [
            fault
            for index, item in enumerate(value)
            for fault in _field_differences(field.inner, item, f"{path}.{index}")
        ]
    expected = next(types for kind, types in TYPES if isinstance(field, kind))
    wrong = not isinstance(value, expected) or (isinstance(value, bool) and bool not in expected)
    return [f"{path} is a {type(value).__name__}"] if wrong else []
