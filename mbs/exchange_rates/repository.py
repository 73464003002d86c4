"""Questions put to the exchange rates of one business."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, ClassVar

from sqlalchemy import ColumnElement, Row, exists, or_
from sqlalchemy.orm import aliased

from mbs.exchange_rates.errors import RateOfDayTaken, SameCurrency
from mbs.exchange_rates.models import ExchangeRate
from mbs.foundation.errors import MbsError
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository


class ExchangeRateRepository(Repository):
    model = ExchangeRate
    columns = (
        ExchangeRate.id,
        ExchangeRate.base,
        ExchangeRate.quote,
        ExchangeRate.rate,
        ExchangeRate.valid_from,
        ExchangeRate.source,
        ExchangeRate.version,
        ExchangeRate.created_at,
        ExchangeRate.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__exchange_rates__tenant_id__base__quote__valid_from": RateOfDayTaken,
        "ck__exchange_rates__quote": SameCurrency,
    }

    def search(
        self,
        request: PageRequest,
        *,
        base: str | None = None,
        quote: str | None = None,
        on: date | None = None,
    ) -> Page:
        """Return one page of rates.

        :param on: keeps of each pair the one that holds on a day.
        """
        statement = self.select()
        if base is not None:
            statement = statement.where(ExchangeRate.base == base)
        if quote is not None:
            statement = statement.where(ExchangeRate.quote == quote)
        if on is not None:
            statement = statement.where(ExchangeRate.valid_from <= on, ~_replaced_by(on))
        return self.page(statement, request)

    def between(
        self, currencies: Collection[str], quote: str, *, first: date, last: date
    ) -> Sequence[Row[Any]]:
        """Return the rates between some currencies and one, either way round, that hold on some of the days.

        :return: base, quote, rate, valid_from.
        """
        statement = self.select(
            ExchangeRate.base, ExchangeRate.quote, ExchangeRate.rate, ExchangeRate.valid_from
        ).where(
            or_(
                ExchangeRate.base.in_(currencies) & (ExchangeRate.quote == quote),
                (ExchangeRate.base == quote) & ExchangeRate.quote.in_(currencies),
            ),
            ExchangeRate.valid_from <= last,
            or_(ExchangeRate.valid_from >= first, ~_replaced_by(first)),
        )
        return self._transaction.execute(statement).all()


def _replaced_by(day: date) -> ColumnElement[bool]:
    """Return whether the pair has a later rate by a day."""
    later = aliased(ExchangeRate)
    return exists().where(
        later.tenant_id == ExchangeRate.tenant_id,
        later.base == ExchangeRate.base,
        later.quote == ExchangeRate.quote,
        later.valid_from > ExchangeRate.valid_from,
        later.valid_from <= day,
    )
