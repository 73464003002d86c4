"""What can be done with tax rates. What has held stays as it was: a rate is ended, and another begins."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, InUse, Invalid, InvalidReference, NotFound
from mbs.foundation.local_time import local
from mbs.foundation.pages import Page, PageRequest
from mbs.locations.repository import LocationRepository
from mbs.taxes.models.own_rates import check_period, stored_components
from mbs.taxes.models.rates import Rate, Rates
from mbs.taxes.repository import TaxRateRepository


class TaxService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def create(self, **values: Any) -> Row[Any]:
        """Add a rate of the business's own, of a location or of a whole jurisdiction.

        :raises Invalid: if period, kind and components do not fit, or the jurisdiction is not the location's.
        :raises InvalidReference: if the business has no such location.
        :raises OverlappingRates: if there is one of the category for the same place on some of these days.
        """
        check_period(values["valid_from"], values.get("valid_to"))
        with self._begin() as transaction:
            jurisdiction = _jurisdiction(transaction, values)
            components = stored_components(values["kind"], values["components"], jurisdiction=jurisdiction)
            rate = TaxRateRepository(transaction).add(
                {**values, "id": uuid7(), "jurisdiction": jurisdiction, "components": components}
            )
            self._record(transaction, "tax_rate.created", rate, {})
        return rate

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a rate of the business's own.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return TaxRateRepository(transaction).get(id_)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of the business's own rates."""
        with self._begin(read_only=True) as transaction:
            return TaxRateRepository(transaction).search(request, **filters)

    def effective(
        self, *, location_id: UUID | None = None, on: date | None = None
    ) -> tuple[Row[Any], date, Sequence[Rate]]:
        """Return a location, the default one unless given, a day, today unless given, and what holds then.

        :raises InvalidReference: if the business has no such location.
        """
        with self._begin(read_only=True) as transaction:
            location = _location(transaction, location_id)
            day = on or self._today(location.timezone)
            own = TaxRateRepository(transaction).valid(
                jurisdiction=location.country, location_id=location.id, on=day
            )
        return location, day, Rates.of(own).all(location.country, day)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """End a rate, or say where it comes from.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if it would end before it begins.
        :raises OverlappingRates: if another one of the category has begun by then.
        """
        with self._begin() as transaction:
            rates = TaxRateRepository(transaction)
            before = rates.lock_row(id_, version=version)
            check_period(before.valid_from, values.get("valid_to"))
            rate = rates.change(id_, values, version=None)
            previous = {
                name: getattr(before, name) for name in values if getattr(before, name) != getattr(rate, name)
            }
            self._record(transaction, "tax_rate.updated", rate, previous)
        return rate

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """Remove a rate that has never held.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InUse: if its first day has come.
        """
        with self._begin() as transaction:
            rates = TaxRateRepository(transaction)
            before = rates.lock_row(id_, version=version)
            if before.valid_from <= self._today(_location(transaction, before.location_id).timezone):
                raise InUse(
                    f"It has held since {before.valid_from}, and documents may be reckoned with it; end it"
                    " by setting its `validTo`."
                )
            rates.remove(id_, version=None)
            self._record(transaction, "tax_rate.removed", before, {})

    def _today(self, timezone: str) -> date:
        return local(self._clock.now(), timezone).date()

    def _record(
        self, transaction: Transaction, type_: str, rate: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="tax_rate",
            object_id=rate.id,
            at=self._clock.now(),
            data={"object": _storable(rate._asdict()), "previous": _storable(previous)},
        )


def _jurisdiction(transaction: Transaction, values: Mapping[str, Any]) -> str:
    given: str | None = values.get("jurisdiction")
    if values.get("location_id") is None:
        return given or str(LocationRepository(transaction).business().country)
    country = str(_location(transaction, values["location_id"]).country)
    if given not in (None, country):
        message = f"Must be {country}, where the location is; leave it out."
        raise Invalid(errors=[FieldFault("jurisdiction", "invalid", message)])
    return country


def _location(transaction: Transaction, id_: UUID | None) -> Row[Any]:
    locations = LocationRepository(transaction)
    if id_ is None:
        return locations.default()
    try:
        return locations.get(id_)
    except NotFound:
        fault = FieldFault("locationId", "invalid_reference", "There is no such location.")
        raise InvalidReference(errors=[fault]) from None


def _storable(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if type(value) is date else value for name, value in values.items()}
