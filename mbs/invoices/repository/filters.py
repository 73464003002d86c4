"""How lists of documents are narrowed."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlalchemy import Date, Text, Uuid, and_, any_, bindparam, cast, literal_column, or_
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.sql.elements import ColumnElement

from mbs.invoices.models.tables import INSTANT, KEY, Document

_ROW = Document.__table__.c
_NOT_YET: ColumnElement[Any] = literal_column("make_date(9999, 12, 31)")
"""What stands in the place of a date that a draft has not got yet."""

_TODAY = cast(
    cast(bindparam("today", type_=JSONB), JSONB)[cast(_ROW.location_id, Text)].astext,
    Date,
)
"""Today at the place of an invoice; `today` has it by location, so that Python alone knows of time zones."""

STATES: Mapping[str, ColumnElement[bool]] = {
    "status": _ROW.status == any_(bindparam("status", type_=ARRAY(Text))),
    # In the words of a partial index: whoever owes something is among few.
    "overdue": and_(
        _ROW.type == literal_column("'invoice'"),
        _ROW.status == literal_column("'open'"),
        _ROW.due_date < bindparam("latest_today", type_=Date),
        _ROW.due_date < _TODAY,
    ),
    "partial": and_(
        _ROW.status.in_([literal_column("'open'"), literal_column("'uncollectible'")]),
        or_(_ROW.amount_paid > 0, _ROW.amount_credited > 0),
    ),
}
"""The states that a list can be asked for: stored ones, and those that are derived."""

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "customer_id": _ROW.customer_id == bindparam("customer_id", type_=Uuid),
    "location_id": _ROW.location_id == bindparam("location_id", type_=Uuid),
    "booking_id": _ROW.booking_id == bindparam("booking_id", type_=Uuid),
    "original_id": _ROW.original_id == bindparam("original_id", type_=Uuid),
    "number": _ROW.number == bindparam("number", type_=KEY),
    "currency": _ROW.currency == bindparam("currency", type_=Text),
    "issued_from": and_(
        _ROW.issue_order >= bindparam("issued_from", type_=Date), _ROW.issue_order < _NOT_YET
    ),
    "issued_to": _ROW.issue_order <= bindparam("issued_to", type_=Date),
    "due_from": and_(_ROW.due_order >= bindparam("due_from", type_=Date), _ROW.due_order < _NOT_YET),
    "due_to": _ROW.due_order <= bindparam("due_to", type_=Date),
    "min_total": _ROW.total_order >= bindparam("min_total", type_=KEY),
    "max_total": _ROW.total_order <= bindparam("max_total", type_=KEY),
    "updated_since": _ROW.updated_at >= bindparam("updated_since", type_=INSTANT),
}
"""How each filter narrows; a value takes its place when the statement is sent."""


def sortable(amount: Decimal) -> str:
    """Return an amount as `total_order` has it, digit by digit."""
    return f"{amount:020.4f}"


def narrowed(names: Sequence[str]) -> list[ColumnElement[bool]]:
    """Return the conditions of filters; of states, any of them is enough."""
    states = [condition for name, condition in STATES.items() if name in names]
    found = [condition for name, condition in FILTERS.items() if name in names]
    return [*found, or_(*states)] if states else found
