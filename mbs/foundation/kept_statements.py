"""Statements that are kept, compiled once for psycopg2 itself (ADR 0009).

psycopg2 makes Python values of all our column types and SQL of all our parameters, so that what SQLAlchemy
does for each of its executions is needed once. A statement of which that is not true is left to SQLAlchemy.
"""

from collections import namedtuple
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeEngine

from mbs.foundation.connections import OneMessageDialect

DIALECT: Dialect = OneMessageDialect()  # type: ignore[no-untyped-call]


class Compiled(NamedTuple):
    """`parameters` are the values that the statement itself holds; `row` is the class of what it returns."""

    sql: str
    parameters: Mapping[str, Any]
    row: Any


@lru_cache(maxsize=512)
def compiled(statement: Select[Any]) -> Compiled | None:
    """Return a statement as psycopg2 takes it, or None if that would not do the same."""
    made = statement.compile(dialect=DIALECT)
    values = [parameter.type for parameter in made.bind_names]
    columns = list(statement.selected_columns)
    if made.literal_execute_params or made.post_compile_params:
        return None
    if not all(map(_goes_in_as_it_is, values)) or not all(_comes_out_as_it_is(one.type) for one in columns):
        return None
    fixed = {name: value for name, value in made.params.items() if value is not None}
    return Compiled(str(made), fixed, namedtuple("Row", [str(one.key) for one in columns]))


def _goes_in_as_it_is(type_: TypeEngine[Any]) -> bool:
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item.dialect_impl(DIALECT).bind_processor(DIALECT) is None


def _comes_out_as_it_is(type_: TypeEngine[Any]) -> bool:
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item.dialect_impl(DIALECT).result_processor(DIALECT, None) is None
