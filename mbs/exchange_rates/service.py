"""What can be done with exchange rates."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.exchange_rates.models import shown_rate
from mbs.exchange_rates.repository import ExchangeRateRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.pages import Page, PageRequest


class ExchangeRateService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def create(self, **values: Any) -> Row[Any]:
        """Add a rate.

        :raises RateOfDayTaken: if the pair has one from that day on.
        :raises SameCurrency: if both currencies are one.
        """
        with self._begin() as transaction:
            rate = ExchangeRateRepository(transaction).add({**values, "id": uuid7()})
            self._record(transaction, "exchange_rate.created", rate, {})
        return rate

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a rate.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return ExchangeRateRepository(transaction).get(id_)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of rates."""
        with self._begin(read_only=True) as transaction:
            return ExchangeRateRepository(transaction).search(request, **filters)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Correct a rate. Its pair and its day stay: another day is another rate.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            rates = ExchangeRateRepository(transaction)
            before = rates.get(id_)
            rate = rates.change(id_, values, version=version)
            previous = {
                name: getattr(before, name) for name in values if getattr(before, name) != getattr(rate, name)
            }
            self._record(transaction, "exchange_rate.updated", rate, previous)
        return rate

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """Remove a rate; the trail keeps what it was.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            rates = ExchangeRateRepository(transaction)
            before = rates.get(id_)
            rates.remove(id_, version=version)
            self._record(transaction, "exchange_rate.removed", before, {})

    def _record(
        self, transaction: Transaction, type_: str, rate: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="exchange_rate",
            object_id=rate.id,
            at=self._clock.now(),
            data={"object": _storable(rate._asdict()), "previous": _storable(previous)},
        )


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as an event holds them: numbers and days as text."""
    return {
        name: shown_rate(value)
        if isinstance(value, Decimal)
        else value.isoformat()
        if type(value) is date
        else value
        for name, value in values.items()
    }
