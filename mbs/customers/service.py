"""What can be done with customers."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.customers.models import checked_tax_id, lookup_keys, needs_country, tax_status_after
from mbs.customers.repository import CustomerRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.pages import Page, PageRequest
from mbs.locations.repository import LocationRepository


class CustomerService:
    """`only_of` narrows everything to those whom one member created or serves; None: all of the business."""

    def __init__(self, *, begin: Begin, clock: Clock, only_of: UUID | None) -> None:
        self._begin = begin
        self._clock = clock
        self._only_of = only_of

    def create(self, **values: Any) -> tuple[Row[Any], Sequence[Mapping[str, Any]]]:
        """Create a customer; return it with those that may be the same person.

        :raises Invalid: if the tax number, status or region do not fit each other and the country.
        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        lookup = lookup_keys(name=values["name"], email=values.get("email"), phone=values.get("phone"))
        values = {**values, **lookup, "id": uuid7()}
        values["tax_status"] = tax_status_after(values, kept="unregistered")
        with self._begin() as transaction:
            values["tax_id"] = _tax_id(transaction, values)
            customers = CustomerRepository(transaction)
            # Whoever sees only their own customers must not learn of others through a likeness.
            alone = self._only_of is not None
            customer = customers.add(values) if alone else customers.add_finding_similar(values)
            object_ = customer._asdict()
            similar = object_.pop("similar", None)
            self._append(transaction, "customer.created", customer.id, object_, {})
        return customer, similar or ()

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a customer.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return CustomerRepository(transaction).get_of(id_, self._only_of)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of customers."""
        with self._begin(read_only=True) as transaction:
            return CustomerRepository(transaction).search(request, only_of=self._only_of, **filters)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change a customer.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if the tax number, status or region do not fit each other and the country.
        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        with self._begin() as transaction:
            customers = CustomerRepository(transaction)
            before = customers.get_of(id_, self._only_of)
            lookup: Mapping[str, Any] = {}
            if values.keys() & {"name", "email", "phone"}:
                lookup = lookup_keys(
                    name=values.get("name", before.name),
                    email=values.get("email", before.email),
                    phone=values.get("phone", before.phone),
                )
            if values.keys() & {"tax_id", "tax_status", "region_code", "address"}:
                values["tax_status"] = tax_status_after(values, kept=before.tax_status)
                values["tax_id"] = _tax_id(transaction, {**before._mapping, **values})
            customer = customers.change(id_, {**values, **lookup}, version=version)
            previous = {
                name: getattr(before, name)
                for name in values
                if getattr(before, name) != getattr(customer, name)
            }
            self._record(transaction, "customer.updated", customer, previous)
        return customer

    def archive(self, *, id_: UUID, version: int | None) -> None:
        """Archive a customer; archiving an archived one changes nothing.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            customers = CustomerRepository(transaction)
            before = customers.get_of(id_, self._only_of)
            if before.status == "archived":
                return
            customer = customers.change(id_, {"status": "archived"}, version=version)
            self._record(transaction, "customer.archived", customer, {"status": before.status})

    def purge(self, *, id_: UUID, version: int | None) -> None:
        """Remove a customer for good; the trail keeps that there was one.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InUse: if other records refer to it.
        """
        with self._begin() as transaction:
            customers = CustomerRepository(transaction)
            before = customers.get_of(id_, self._only_of)
            customers.remove(id_, version=version)
            # Its id alone: whoever asked to be removed must not be written down once more.
            self._append(transaction, "customer.purged", id_, {"id": before.id}, {})

    def _record(
        self, transaction: Transaction, type_: str, customer: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        self._append(transaction, type_, customer.id, customer._asdict(), previous)

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
            object_type="customer",
            object_id=id_,
            at=self._clock.now(),
            data={"object": object_, "previous": previous},
        )


def _tax_id(transaction: Transaction, values: Mapping[str, Any]) -> str | None:
    number, status, region = values.get("tax_id"), values["tax_status"], values.get("region_code")
    if not needs_country(tax_status=status, region_code=region):
        return number
    country = (values.get("address") or {}).get("country")
    return checked_tax_id(
        number,
        tax_status=status,
        region_code=region,
        country=country or LocationRepository(transaction).business().country,
    )
