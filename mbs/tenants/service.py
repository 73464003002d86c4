"""Opening a business; reading and changing its profile and settings."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role
from mbs.foundation.errors import PreconditionFailed
from mbs.foundation.policies import check_fees, check_invoicing, layered, with_defaults
from mbs.foundation.scope import TenantId
from mbs.tenants.errors import SecondFactorFirst, TooManyBusinesses
from mbs.tenants.models import MOST_BUSINESSES, new_tenant
from mbs.tenants.repository import MembershipRepository, TenantRepository, open_business


class TenantService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def open(self, *, actor_id: UUID, **details: Any) -> Row[Any]:
        """Open another business of a signed-in user, who becomes its owner.

        :raises TooManyBusinesses: if the user belongs to as many as one person may.
        """
        with self._begin(Role.IDENTITY) as transaction:
            if len(MembershipRepository(transaction).open_to(actor_id)) >= MOST_BUSINESSES:
                raise TooManyBusinesses
            tenant = TenantRepository(transaction).add(new_tenant(**details))
            transaction.enter_tenant(TenantId(tenant.id))
            open_business(transaction, tenant=tenant, owner_id=actor_id)
            events = EventRepository(transaction)
            events.open_chain()
            self._record(events, "tenant.created", tenant, {})
        return tenant

    def read(self) -> Row[Any]:
        """Return the profile of the caller's business."""
        with self._begin(read_only=True) as transaction:
            return TenantRepository(transaction).own()

    def change(self, *, version: int | None, **values: Any) -> Row[Any]:
        """Change the profile.

        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            tenants = TenantRepository(transaction)
            before = tenants.own()
            tenant = tenants.change(values, version=version)
            previous = {name: getattr(before, name) for name in values}
            self._record(EventRepository(transaction), "tenant.updated", tenant, previous)
        return tenant

    def settings(self) -> tuple[dict[str, Any], int]:
        """Return the settings, defaults filled in, and their version."""
        with self._begin(read_only=True) as transaction:
            row = TenantRepository(transaction).settings()
        return with_defaults(row.settings), row.settings_version

    def change_settings(
        self, *, version: int | None, changes: Mapping[str, Mapping[str, Any]], has_second_factor: bool
    ) -> tuple[dict[str, Any], int]:
        """Merge changes into the settings, group by group.

        :param has_second_factor: whether the caller has one, and so may demand one of others.
        :raises SecondFactorFirst: if the caller demands a second factor and has none.
        :raises PreconditionFailed: if they have moved on to another version.
        :raises Invalid: if a fee or the cash rounding has more decimals than the business's currency, or a
            pattern makes longer numbers than its country allows.
        """
        if changes.get("security", {}).get("secondFactor") == "required" and not has_second_factor:
            raise SecondFactorFirst
        with self._begin() as transaction:
            tenants = TenantRepository(transaction)
            before = tenants.settings(lock=True)
            if version is not None and version != before.settings_version:
                raise PreconditionFailed
            check_fees(changes.get("booking", {}), before.currency, field="booking")
            invoicing = changes.get("invoicing", {})
            check_invoicing(invoicing, country=before.country, currency=before.currency)
            merged = layered(before.settings, changes)
            row = tenants.change_settings(merged)
            EventRepository(transaction).append(
                type_="tenant.settings_updated",
                object_type="tenant",
                object_id=transaction.tenant_id,
                at=self._clock.now(),
                data={"object": with_defaults(merged), "previous": with_defaults(before.settings)},
            )
        return with_defaults(row.settings), row.settings_version

    def _record(
        self, events: EventRepository, type_: str, tenant: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        events.append(
            type_=type_,
            object_type="tenant",
            object_id=tenant.id,
            at=self._clock.now(),
            data={"object": dict(tenant._mapping), "previous": dict(previous)},
        )
