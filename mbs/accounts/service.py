"""What people do with their own account."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.auth.repository import UserRepository
from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role
from mbs.tenants.repository import MembershipRepository


class AccountService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def me(self, *, actor_id: UUID) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Return the caller and the businesses they belong to."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            return user, MembershipRepository(transaction).open_to(actor_id)

    def change_me(
        self, *, actor_id: UUID, version: int | None, **values: Any
    ) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Change the caller's own details.

        :raises PreconditionFailed: if they have moved on to another version.
        """
        with self._begin(Role.IDENTITY) as transaction:
            users = UserRepository(transaction)
            before = users.get(actor_id)
            user = users.change(actor_id, values, version=version)
            memberships = MembershipRepository(transaction).open_to(actor_id)
            transaction.enter_tenant(transaction.tenant_id)
            EventRepository(transaction).append(
                type_="user.updated",
                object_type="user",
                object_id=actor_id,
                at=self._clock.now(),
                data={"object": dict(values), "previous": {name: getattr(before, name) for name in values}},
            )
        return user, memberships

    def context(self, *, actor_id: UUID) -> tuple[Row[Any], Row[Any]]:
        """Return the caller and the business they are signed in to."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            businesses = MembershipRepository(transaction).open_to(actor_id)
            return user, next(one for one in businesses if one.id == transaction.tenant_id)
