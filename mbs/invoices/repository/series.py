"""The counters of number series: one row each, which whoever draws holds until the transaction ends."""

from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import bindparam, or_, select
from sqlalchemy.dialects.postgresql import insert

from mbs.foundation.db import Transaction
from mbs.invoices.errors import DatedTooEarly
from mbs.invoices.models.numbering import Series, number_of
from mbs.invoices.models.tables import NumberSeries

_COUNTERS = NumberSeries.__table__.c
_FIRST = insert(NumberSeries).values(
    type=bindparam("type"), series=bindparam("series"), next_value=2, last_on=bindparam("last_on")
)
DRAW = _FIRST.on_conflict_do_update(
    index_elements=["tenant_id", "type", "series"],
    set_={"next_value": _COUNTERS.next_value + 1, "last_on": _FIRST.excluded.last_on},
    where=or_(_COUNTERS.last_on.is_(None), _COUNTERS.last_on <= _FIRST.excluded.last_on),
).returning(_COUNTERS.next_value - 1)


class Drawn(NamedTuple):
    """The columns of a document that has got its number."""

    series: str
    seq: int
    number: str


def draw(transaction: Transaction, *, type_: str, series: Series, on: date | None) -> Drawn:
    """Draw the next number of a series, which is used up when the transaction commits and not before.

    Whoever draws of the same series waits for that, so draw late: behind all that can fail.

    :param type_: `invoice`, `credit_note` or `payment`.
    :param on: the date of a document: numbers and dates of its series run the same way. None: of what may be
        dated back, like a receipt.
    :raises DatedTooEarly: if the number before has a later date.
    :raises NumberTooLong: if the number has more characters than the law allows.
    """
    counter: dict[str, Any] = {"type": type_, "series": series.key}
    seq = transaction.execute(DRAW, {**counter, "last_on": on}).scalar_one_or_none()
    if seq is None:
        raise DatedTooEarly.than(_last_on(transaction, counter))
    return Drawn(series.key, seq, number_of(series, seq))


def _last_on(transaction: Transaction, counter: dict[str, Any]) -> date:
    statement = select(_COUNTERS.last_on).where(
        _COUNTERS.tenant_id == transaction.tenant_id,
        _COUNTERS.type == counter["type"],
        _COUNTERS.series == counter["series"],
    )
    last: date = transaction.execute(statement).scalar_one()
    return last
