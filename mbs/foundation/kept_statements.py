"""Statements that are kept, compiled once for psycopg2 itself (ADR 0009).

psycopg2 makes Python values of all our column types and SQL of nearly all our parameters, so that what
SQLAlchemy does for each of its executions is needed once. Where that is not true, a statement is left to it.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, Select
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.types import TypeEngine

from mbs.foundation.connections import OneMessageDialect

DIALECT: Dialect = OneMessageDialect()  # type: ignore[no-untyped-call]

NUMERIC = 1700
"""What PostgreSQL calls the type of a decimal number, the only one of which SQLAlchemy must be told."""


class Compiled(NamedTuple):
    """A statement as psycopg2 takes it; `row` is the class of what it returns."""

    sql: str
    fixed: Mapping[str, Any]
    """Values that the statement itself holds."""
    processors: Mapping[str, Callable[[Any], Any]]
    """What makes SQL of a value that psycopg2 cannot."""
    row: Any

    def parameters(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        processed = {name: make(values[name]) for name, make in self.processors.items() if name in values}
        return {**self.fixed, **values, **processed}


@lru_cache(maxsize=512)
def compiled(
    statement: Select[Any] | ReturningInsert[Any], names: frozenset[str] = frozenset()
) -> Compiled | None:
    """Return a statement as psycopg2 takes it, or None if that would not do the same.

    :param names: of the columns that an INSERT is given values for.
    """
    made = statement.compile(dialect=DIALECT, column_keys=sorted(names) or None)
    columns = list(statement.exported_columns)
    if made.literal_execute_params or made.post_compile_params:
        return None
    if not all(_comes_out_as_it_is(column.type) for column in columns):
        return None
    fixed = {name: value for name, value in made.params.items() if value is not None}
    processors = {name: make for one, name in made.bind_names.items() if (make := _processor(one.type))}
    return Compiled(str(made), fixed, processors, namedtuple("Row", [str(one.key) for one in columns]))


def _processor(type_: TypeEngine[Any]) -> Callable[[Any], Any] | None:
    # psycopg2 takes a list of what it takes.
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item.dialect_impl(DIALECT).bind_processor(DIALECT) if item is type_ else None


def _comes_out_as_it_is(type_: TypeEngine[Any]) -> bool:
    item = type_.item_type if isinstance(type_, ARRAY) else type_
    return item.dialect_impl(DIALECT).result_processor(DIALECT, NUMERIC) is None
