"""What customers agree to and want, which addresses are not written to, and what a business has used."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.consents.errors import AlreadySuppressed
from mbs.consents.models import month_of
from mbs.consents.repository import (
    ConsentRepository,
    PreferenceRepository,
    SuppressionRepository,
    UsageRepository,
    record_consent,
    record_suppression,
)
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.pages import Page, PageRequest
from mbs.tenants.models import limits_of
from mbs.tenants.repository import TenantRepository

See = Callable[[Transaction, UUID], object]
"""Refuses customers whom the caller must not see, and those that do not exist, by NotFound."""


class ConsentService:
    def __init__(self, *, begin: Begin, clock: Clock, see: See) -> None:
        self._begin = begin
        self._clock = clock
        self._see = see

    def record(self, *, customer_id: UUID, **values: Any) -> Row[Any]:
        """Write down that a customer agreed to messages, or no longer does; what they said before stays.

        :raises NotFound: if there is no such customer.
        """
        with self._begin() as transaction:
            self._see(transaction, customer_id)
            return record_consent(transaction, at=self._clock.now(), customer_id=customer_id, **values)

    def search(self, *, customer_id: UUID, request: PageRequest) -> Page:
        """Return one page of what a customer said.

        :raises NotFound: if there is no such customer.
        """
        with self._begin(read_only=True) as transaction:
            self._see(transaction, customer_id)
            return ConsentRepository(transaction).search(request, customer_id=customer_id)

    def preferences(self, *, customer_id: UUID) -> Row[Any] | None:
        """Return what a customer wants; None: they never said.

        :raises NotFound: if there is no such customer.
        """
        with self._begin(read_only=True) as transaction:
            self._see(transaction, customer_id)
            return PreferenceRepository(transaction).find(customer_id)

    def prefer(self, *, customer_id: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Replace what a customer wants.

        :raises NotFound: if there is no such customer.
        :raises PreconditionFailed: if it has moved on to another version; 0 is that of who never said.
        """
        with self._begin() as transaction:
            self._see(transaction, customer_id)
            preferences = PreferenceRepository(transaction)
            before = preferences.find(customer_id)
            after = preferences.put(customer_id, values, version=version)
            EventRepository(transaction).append(
                type_="customer.preferences_updated",
                object_type="customer",
                object_id=customer_id,
                at=self._clock.now(),
                data={
                    "object": after._asdict(),
                    "previous": {name: getattr(before, name, None) for name in values},
                },
            )
        return after


class SuppressionService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def add(self, *, channel: str, address: str, reason: str) -> Row[Any]:
        """Write to an address no more.

        :raises AlreadySuppressed: if that is so already.
        """
        with self._begin() as transaction:
            added = SuppressionRepository(transaction).suppress(channel, address, reason)
            if added is None:
                raise AlreadySuppressed
            record_suppression(transaction, "suppression.added", added, at=self._clock.now())
        return added

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a suppressed address.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return SuppressionRepository(transaction).get(id_)

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of suppressed addresses."""
        with self._begin(read_only=True) as transaction:
            return SuppressionRepository(transaction).search(request, **filters)

    def remove(self, *, id_: UUID) -> None:
        """Write to an address again.

        :raises NotFound: if it is not suppressed, or no longer.
        """
        with self._begin() as transaction:
            suppressions = SuppressionRepository(transaction)
            removed = suppressions.get(id_)
            suppressions.remove(id_, version=None)
            record_suppression(transaction, "suppression.removed", removed, at=self._clock.now())


class UsageService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def read(self) -> dict[str, Any]:
        """Return the plan, and what is used of it in this month of UTC: `UsageView`."""
        month = month_of(self._clock.now())
        with self._begin(read_only=True) as transaction:
            plan = TenantRepository(transaction).plan()
            used = UsageRepository(transaction).used(month)
        return {
            "plan": plan,
            "month": f"{month:%Y-%m}",
            "metrics": [
                {"metric": metric, "used": used.get(metric, 0), "limit": limit}
                for metric, limit in limits_of(plan).items()
            ],
        }
