"""What can be done with services."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.catalog.models import check_own_duration, check_sac_hsn, check_time, merged_policy, price_unit
from mbs.catalog.repository import CatalogRepository, ItemResourceRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid, InvalidReference
from mbs.foundation.keys import folded
from mbs.foundation.money import refuse_finer, shown
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.policies import check_fees
from mbs.resources.repository import ResourceRepository
from mbs.taxes.models.rates import usual_category
from mbs.tenants.repository import TenantRepository


class CatalogService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def create(self, **values: Any) -> Row[Any]:
        """Create a service, priced in the currency of the business.

        :raises Invalid: if price, its unit, duration or rules do not fit the mode or the currency, or the tax
            code not the country.
        :raises InvalidSegments: if the segments do not fit the mode or the duration.
        """
        mode = values["mode"]
        values["price_unit"] = price_unit(mode, values.get("price_unit"))
        values["policy"] = merged_policy({}, values.get("policy", {}))
        check_time(mode=mode, duration=values.get("duration_min"), segments=values.get("segments", ()))
        with self._begin() as transaction:
            business = TenantRepository(transaction).own()
            currency = business.currency
            refuse_finer(values["price"], currency, field="price")
            check_fees(values["policy"], currency, field="policy")
            check_sac_hsn(values.get("sac_hsn"), country=business.country)
            values.setdefault("tax_category", usual_category(business.country, business.business_type))
            item = CatalogRepository(transaction).add(
                {**values, "id": uuid7(), "name_key": folded(values["name"]), "currency": currency}
            )
            self._record(transaction, "service.created", item, {})
        return item

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a service.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return CatalogRepository(transaction).get(id_)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of services."""
        with self._begin(read_only=True) as transaction:
            return CatalogRepository(transaction).search(request, **filters)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change a service. A new price is in the currency that the business has now.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if price, its unit, duration or rules do not fit the mode or the currency, or the tax
            code not the country.
        :raises InvalidSegments: if segments, duration, and the durations of those who do it do not fit.
        """
        with self._begin() as transaction:
            items = CatalogRepository(transaction)
            before = items.lock(id_, version=version)
            written = {**values}
            if "name" in values:
                written["name_key"] = folded(values["name"])
            if "price_unit" in values:
                price_unit(before.mode, values["price_unit"])
            if "policy" in values:
                written["policy"] = merged_policy(before.policy, values["policy"])
            if values.keys() & {"price", "sac_hsn"}:
                business = TenantRepository(transaction).own()
                check_sac_hsn(values.get("sac_hsn"), country=business.country)
            if "price" in values:
                written["currency"] = business.currency
                refuse_finer(values["price"], written["currency"], field="price")
            if values.keys() & {"price", "policy"}:
                currency = written.get("currency", before.currency)
                check_fees(written.get("policy", before.policy), currency, field="policy")
            if values.keys() & {"duration_min", "segments"}:
                _check_time(transaction, before, values)
            item = items.change(id_, written, version=None)
            previous = {
                name: value
                for name, value in _object(before).items()
                if name in written and value != _object(item)[name]
            }
            self._record(transaction, "service.updated", item, previous)
        return item

    def archive(self, *, id_: UUID, version: int | None) -> None:
        """Archive a service, which is offered no more; archiving an archived one changes nothing.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            items = CatalogRepository(transaction)
            before = items.lock(id_, version=version)
            if not before.active:
                return
            item = items.change(id_, {"active": False}, version=None)
            self._record(transaction, "service.archived", item, {"active": True})

    def purge(self, *, id_: UUID, version: int | None) -> None:
        """Remove a service for good; the trail keeps that there was one.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InUse: if it was ever booked.
        """
        with self._begin() as transaction:
            items = CatalogRepository(transaction)
            before = items.lock(id_, version=version)
            items.remove(id_, version=None)
            self._record(transaction, "service.purged", before, {})

    def resources(self, *, id_: UUID) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Return a service and what is assigned to it.

        :raises NotFound: if there is no such service.
        """
        with self._begin(read_only=True) as transaction:
            item = CatalogRepository(transaction).get(id_)
            return item, ItemResourceRepository(transaction).of(id_)

    def assign(
        self, *, id_: UUID, version: int | None, resources: Sequence[Mapping[str, Any]]
    ) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Assign these resources to a service, and no others; it counts as a change of the service.

        :param resources: resource_id, and price and duration_min where they are not the service's own.
        :raises NotFound: if there is no such service.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if one is named twice, or its price or duration fit not the currency or the mode.
        :raises InvalidSegments: if a duration is over before the last segment starts.
        :raises InvalidReference: if the business has no such resource.
        """
        with self._begin() as transaction:
            items, assigned = CatalogRepository(transaction), ItemResourceRepository(transaction)
            item = items.lock(id_, version=version)
            _refuse_repeated(resources)
            for number, one in enumerate(resources):
                if one.get("price") is not None:
                    refuse_finer(one["price"], item.currency, field=f"resources.{number}.price")
                check_own_duration(
                    one.get("duration_min"),
                    mode=item.mode,
                    segments=item.segments,
                    field=f"resources.{number}.duration",
                )
            _refuse_unknown(transaction, resources)
            before = assigned.replace(
                id_,
                [
                    {
                        "resource_id": one["resource_id"],
                        "price": one.get("price"),
                        "duration_min": one.get("duration_min"),
                    }
                    for one in resources
                ],
            )
            item = items.change(id_, {}, version=None)
            after = assigned.of(id_)
            self._append(
                transaction,
                "service.resources_updated",
                id_,
                {"id": id_, "resources": _assignments(after, item.currency), "version": item.version},
                {"resources": _assignments(before, item.currency)},
            )
        return item, after

    def _record(
        self, transaction: Transaction, type_: str, item: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        self._append(transaction, type_, item.id, _object(item), previous)

    def _append(
        self,
        transaction: Transaction,
        type_: str,
        id_: UUID,
        object_: Mapping[str, Any],
        previous: Mapping[str, Any],
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="service",
            object_id=id_,
            at=self._clock.now(),
            data={"object": object_, "previous": previous},
        )


def _check_time(transaction: Transaction, before: Row[Any], values: Mapping[str, Any]) -> None:
    segments = values.get("segments", before.segments)
    check_time(
        mode=before.mode,
        duration=values.get("duration_min", before.duration_min),
        segments=segments,
        changed="segments" if "segments" in values else "duration",
    )
    if segments:
        shortest = ItemResourceRepository(transaction).shortest(before.id)
        check_own_duration(shortest, mode=before.mode, segments=segments, field="segments")


def _refuse_repeated(resources: Sequence[Mapping[str, Any]]) -> None:
    seen: set[UUID] = set()
    for number, one in enumerate(resources):
        if one["resource_id"] in seen:
            field = f"resources.{number}.resourceId"
            raise Invalid(errors=[FieldFault(field, "repeated", "Must be named once.")])
        seen.add(one["resource_id"])


def _refuse_unknown(transaction: Transaction, resources: Sequence[Mapping[str, Any]]) -> None:
    wanted = [one["resource_id"] for one in resources]
    known = {row.id for row in ResourceRepository(transaction).hold(wanted)} if wanted else set()
    faults = [
        FieldFault(f"resources.{number}.resourceId", "invalid_reference", "There is no such resource.")
        for number, id_ in enumerate(wanted)
        if id_ not in known
    ]
    if faults:
        raise InvalidReference(errors=faults)


def _object(item: Row[Any]) -> dict[str, Any]:
    return {**item._asdict(), "price": shown(item.price, item.currency)}


def _assignments(rows: Sequence[Row[Any]], currency: str) -> list[dict[str, Any]]:
    def amount(price: Decimal | None) -> str | None:
        return None if price is None else shown(price, currency)

    return [
        {"resourceId": row.resource_id, "price": amount(row.price), "duration": row.duration_min}
        for row in rows
    ]
