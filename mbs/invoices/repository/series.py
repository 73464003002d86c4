"""The counters of number series: one row each, which whoever draws holds until the transaction ends."""

from datetime import date
from functools import cache
from typing import NamedTuple

from sqlalchemy import Boolean, bindparam, func, or_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.invoices.errors import DatedTooEarly
from mbs.invoices.models.numbering import Series, number_of
from mbs.invoices.models.tables import NumberSeries


class Drawn(NamedTuple):
    """The columns of a document that has got its number."""

    series: str
    seq: int
    number: str


class SeriesRepository(Repository):
    model = NumberSeries
    columns = (NumberSeries.type, NumberSeries.series, NumberSeries.next_value, NumberSeries.last_on)

    def draw(self, *, type_: str, key: str, on: date | None, today: bool = False) -> int:
        """Return the next number of a series; `draw` below says what it takes.

        :raises DatedTooEarly: if the number before has a later date.
        """
        values = {"type": type_, "series": key, "last_on": on, "today": today}
        drawn = self._transaction.execute(_draw(), values)
        seq: int | None = drawn.scalar_one_or_none()
        if seq is None:
            counter = self.select().where(NumberSeries.type == type_, NumberSeries.series == key)
            raise DatedTooEarly.than(self._transaction.execute(counter).one().last_on)
        return seq


def draw(
    transaction: Transaction, *, type_: str, series: Series, on: date | None, today: bool = False
) -> Drawn:
    """Draw the next number of a series, which is used up when the transaction commits and not before.

    Whoever draws of the same series waits for that, so draw late: behind all that can fail.

    :param type_: `invoice`, `credit_note` or `payment`.
    :param on: the date of a document: numbers and dates of its series run the same way. None: of what may be
        dated back, like a receipt.
    :param today: whether `on` is today at the location, which is never too early: where another location
        draws of the same series, it may be tomorrow already.
    :raises DatedTooEarly: if the number before has a later date.
    :raises NumberTooLong: if the number has more characters than the law allows.
    """
    seq = SeriesRepository(transaction).draw(type_=type_, key=series.key, on=on, today=today)
    return Drawn(series.key, seq, number_of(series, seq))


@cache
def _draw() -> ReturningInsert[tuple[int]]:
    counter = NumberSeries.__table__.c
    first = insert(NumberSeries).values(
        type=bindparam("type"), series=bindparam("series"), next_value=2, last_on=bindparam("last_on")
    )
    # The condition is asked of the row when it is locked, so that racers keep the order, too.
    next_ = first.on_conflict_do_update(
        index_elements=["tenant_id", "type", "series"],
        set_={
            "next_value": counter.next_value + 1,
            "last_on": func.greatest(counter.last_on, first.excluded.last_on),
        },
        where=or_(
            bindparam("today", type_=Boolean),
            counter.last_on.is_(None),
            counter.last_on <= first.excluded.last_on,
        ),
    )
    return next_.returning(counter.next_value - 1)
