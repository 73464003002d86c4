"""What can be done with locations. One of them is the default at all times."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation import tax_numbers
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.pages import Page, PageRequest
from mbs.locations.errors import ArchivedDefault, DefaultNeeded
from mbs.locations.models import check_regime, regimes, usual_prefix, usual_regime
from mbs.locations.repository import LocationRepository


class LocationService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def create(self, **values: Any) -> Row[Any]:
        """Create a location; country and time zone are the business's unless given.

        :raises Invalid: if the tax registration or regime is not one of the location's country.
        :raises Busy: if another location is just becoming the default.
        """
        with self._begin() as transaction:
            locations = LocationRepository(transaction)
            values = {**locations.business()._mapping, **values, "id": uuid7()}
            values.setdefault("invoice_prefix", usual_prefix(values["name"]))
            values |= _taxes(values, regime="none", registration=None, country=values["country"])
            released = locations.release_default() if values["is_default"] else None
            location = locations.add(values)
            self._record_release(transaction, released)
            self._record(transaction, "location.created", location, {})
        return location

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a location.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return LocationRepository(transaction).get(id_)

    def search(self, *, request: PageRequest, status: Sequence[str]) -> Page:
        """Return one page of locations."""
        with self._begin(read_only=True) as transaction:
            return LocationRepository(transaction).search(request, status=status)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change a location. Making it the default takes that from the one that was.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if tax registration or regime, one of which changes, is not one of its country.
        :raises DefaultNeeded: if the default location is to be archived, or no longer the default.
        :raises ArchivedDefault: if an archived location is to be the default.
        :raises Busy: if another location is just becoming the default.
        """
        with self._begin() as transaction:
            locations = LocationRepository(transaction)
            before = locations.lock_row(id_, version=version)
            status = values.get("status", before.status)
            is_default = values.get("is_default", before.is_default)
            if before.is_default and not (is_default and status == "active"):
                raise DefaultNeeded
            if is_default and status != "active":
                raise ArchivedDefault
            if values.keys() & {"country", "tax_registration", "tax_regime"}:
                values |= _taxes(
                    values,
                    regime=before.tax_regime,
                    registration=before.tax_registration,
                    country=values.get("country", before.country),
                )
            moves = is_default and not before.is_default
            released = locations.release_default() if moves else None
            location = locations.change(id_, values, version=None)
            previous = {
                name: getattr(before, name)
                for name in values
                if getattr(before, name) != getattr(location, name)
            }
            self._record_release(transaction, released)
            self._record(transaction, "location.updated", location, previous)
        return location

    def archive(self, *, id_: UUID, version: int | None) -> None:
        """Archive a location; archiving an archived one changes nothing.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises DefaultNeeded: if it is the default location.
        """
        with self._begin() as transaction:
            locations = LocationRepository(transaction)
            before = locations.lock_row(id_, version=version)
            if before.is_default:
                raise DefaultNeeded
            if before.status == "archived":
                return
            location = locations.change(id_, {"status": "archived"}, version=None)
            self._record(transaction, "location.archived", location, {"status": before.status})

    def purge(self, *, id_: UUID, version: int | None) -> None:
        """Remove a location for good; the trail keeps that there was one.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises DefaultNeeded: if it is the default location.
        :raises InUse: if other records refer to it.
        """
        with self._begin() as transaction:
            locations = LocationRepository(transaction)
            before = locations.lock_row(id_, version=version)
            if before.is_default:
                raise DefaultNeeded
            locations.remove(id_, version=None)
            self._record(transaction, "location.purged", before, {})

    def _record_release(self, transaction: Transaction, released: Row[Any] | None) -> None:
        if released is not None:
            self._record(transaction, "location.updated", released, {"is_default": True})

    def _record(
        self, transaction: Transaction, type_: str, location: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="location",
            object_id=location.id,
            at=self._clock.now(),
            data={"object": dict(location._mapping), "previous": previous},
        )


def _taxes(
    values: Mapping[str, Any], *, regime: str, registration: str | None, country: str
) -> dict[str, Any]:
    """Return `tax_registration` and `tax_regime` after a change of what was, checked."""
    number = values.get("tax_registration", registration)
    if number is not None:
        number = tax_numbers.normalized(number, country=country, field="taxRegistration")
    if "tax_regime" in values:
        regime = values["tax_regime"]
        check_regime(regime, country)
    elif regime not in regimes(country) or (regime == "none" and number not in (None, registration)):
        regime = "none" if number is None else usual_regime(country)
    return {"tax_registration": number, "tax_regime": regime}
