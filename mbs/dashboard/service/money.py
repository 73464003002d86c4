"""What was invoiced, collected, is owed and is due to the state: by period and currency, or converted to one.

A converted row takes the rate of the last day of its period, or of today while that lasts.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.availability.errors import RangeTooLong
from mbs.dashboard.models import MOST_EXPORTED, ONE_DAY, Period, Place
from mbs.dashboard.repository.documents import DocumentFigures
from mbs.dashboard.repository.money import MoneyFigures
from mbs.dashboard.repository.stats import PlaceRepository
from mbs.exchange_rates.models import ExchangeRates, convert
from mbs.exchange_rates.repository import ExchangeRateRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault
from mbs.foundation.local_time import local
from mbs.foundation.money import EXACT

Figures = dict[str, Any]
"""Amounts (Decimal) and counts (int) by name."""


@dataclass(frozen=True, slots=True)
class MoneyRow:
    """Figures of one period (the number of the part), one currency, and what else a report tells apart."""

    part: int
    currency: str
    labels: tuple[Any, ...]
    figures: Figures


@dataclass(frozen=True, slots=True)
class MoneyReport:
    """`totals` are those of all rows, by currency."""

    place: Place
    period: Period
    rows: Sequence[MoneyRow]
    totals: dict[str, Figures]


REVENUE = ("invoices", "credit_notes", "invoiced", "credited", "tax", "rounding")
COLLECTED = ("payments", "refunds", "received", "refunded")
OUTSTANDING = ("invoices", "amount")
TAX = ("taxable", "tax")
TAX_LABELS = ("jurisdiction", "place_of_supply", "kind", "code", "rate")


class MoneyReportService:
    """Each report keeps to a `currency` and to a location, if given, and converts to `convert_to`, if given.

    All raise: Invalid if the report ends before it begins, RangeTooLong if it has more days than a report
    covers, InvalidReference if there is no such location, NoExchangeRate if a rate is missing.
    """

    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def revenue(self, **asked: Any) -> MoneyReport:
        """Return what was invoiced less what was credited, by day of issue; asked as `_by_period` says."""
        return self._by_period(lambda transaction: DocumentFigures(transaction).revenue, REVENUE, **asked)

    def collected(self, **asked: Any) -> MoneyReport:
        """Return what came in less what went back, by the day of each; asked likewise."""
        return self._by_period(lambda transaction: MoneyFigures(transaction).collected, COLLECTED, **asked)

    def taxes(self, **asked: Any) -> MoneyReport:
        """Return taxable amounts and taxes by place of supply, code and rate, by day of issue; likewise."""
        return self._by_period(
            lambda transaction: DocumentFigures(transaction).taxes, TAX, labels=TAX_LABELS, **asked
        )

    def outstanding(
        self, *, currency: str | None = None, convert_to: str | None = None, location_id: UUID | None = None
    ) -> MoneyReport:
        """Return what is due now, by how many days it is late."""
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            today = local(self._clock.now(), place.timezone).date()
            period = Period.of(today, today, place.timezone)
            found = DocumentFigures(transaction).outstanding(
                today, currency=currency, location_id=location_id
            )
            return self._report(transaction, place, period, found, OUTSTANDING, convert_to, labels=("age",))

    def export(
        self, *, from_: date, to: date, currency: str | None = None, location_id: UUID | None = None
    ) -> Sequence[Row[Any]]:
        """Return the documents issued in a period.

        :raises RangeTooLong: if there are more than an export holds.
        """
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            period = Period.of(from_, to, place.timezone)
            found = DocumentFigures(transaction).export(
                period, currency=currency, location_id=location_id, most=MOST_EXPORTED + 1
            )
        if len(found) > MOST_EXPORTED:
            message = f"More than {MOST_EXPORTED} documents were issued in these days; ask for fewer of them."
            raise RangeTooLong(errors=[FieldFault("to", "invalid", message)])
        return found

    def _by_period(
        self,
        question: Callable[[Transaction], Callable[..., Sequence[Row[Any]]]],
        names: Sequence[str],
        *,
        from_: date,
        to: date,
        group_by: str,
        currency: str | None = None,
        convert_to: str | None = None,
        location_id: UUID | None = None,
        labels: Sequence[str] = (),
    ) -> MoneyReport:
        """Return the report of the days from `from_` to `to`, by `group_by`: day, week or month.

        :param question: what is asked of the period, the currency and the location.
        """
        with self._begin(read_only=True) as transaction:
            place = PlaceRepository(transaction).place(location_id)
            period = Period.of(from_, to, place.timezone, by=group_by, week_begins=place.week_begins)
            found = question(transaction)(period, currency=currency, location_id=location_id)
            shown_in = None if labels else currency or place.currency
            return self._report(
                transaction, place, period, found, names, convert_to, labels=labels, shown_in=shown_in
            )

    def _report(
        self,
        transaction: Transaction,
        place: Place,
        period: Period,
        found: Sequence[Row[Any]],
        names: Sequence[str],
        convert_to: str | None,
        *,
        labels: Sequence[str] = (),
        shown_in: str | None = None,
    ) -> MoneyReport:
        """Add rows up.

        :param names: of their figures.
        :param convert_to: the currency to convert to; None leaves each row in its own.
        :param labels: what tells rows of a period and currency apart; without any, periods without a
            document or payment have a row too.
        :param shown_in: the currency of those.
        """
        rates = ExchangeRates.of(())
        today = local(self._clock.now(), place.timezone).date()
        last_days = [min(day - ONE_DAY, today) for day in period.days[1:]]
        if convert_to is not None and found:
            rates = _rates(transaction, {row.currency for row in found} - {convert_to}, convert_to, last_days)
        sums: dict[tuple[int, str, tuple[Any, ...]], Figures] = defaultdict(lambda: dict.fromkeys(names, 0))
        totals: dict[str, Figures] = defaultdict(lambda: dict.fromkeys(names, 0))
        if shown_in is not None:
            for part in range(len(period.keys)):
                sums[part, convert_to or shown_in, ()]
        with localcontext(EXACT):
            for row in found:
                part = getattr(row, "part", 0)
                currency = convert_to or row.currency
                key = (part, currency, tuple(getattr(row, label) for label in labels))
                for name in names:
                    value = getattr(row, name)
                    if isinstance(value, Decimal):
                        value = convert(value, row.currency, currency, last_days[part], rates)
                    sums[key][name] += value
                    totals[currency][name] += value
        rows = [MoneyRow(*key, figures) for key, figures in sorted(sums.items(), key=_order)]
        return MoneyReport(place, period, rows, dict(sorted(totals.items())))


def _order(item: tuple[tuple[int, str, tuple[Any, ...]], Figures]) -> tuple[Any, ...]:
    (part, currency, labels), _ = item
    return (part, currency, [(label is not None, label or "") for label in labels])


def _rates(
    transaction: Transaction, currencies: Iterable[str], quote: str, days: Sequence[date]
) -> ExchangeRates:
    others = sorted(currencies)
    if not others:
        return ExchangeRates.of(())
    found = ExchangeRateRepository(transaction).between(others, quote, first=min(days), last=max(days))
    return ExchangeRates.of(found)
