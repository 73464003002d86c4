"""What can be done with resources. Their capacity is what bookings count on."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import NotFound
from mbs.foundation.keys import folded
from mbs.foundation.pages import Page, PageRequest
from mbs.locations.repository import LocationRepository
from mbs.resources.errors import CircularParent, MemberNotStaff, UnknownParent
from mbs.resources.models import KINDS, bookable
from mbs.resources.repository import ResourceRepository
from mbs.tenants.repository import TenantRepository


class ResourceService:
    """`kinds` of each method are those that the address is about; others are not found there.

    `free` and `expire` are what a smaller capacity means to bookings, which live in rooms above this one:
    `free` gives up places above a capacity that nobody needs any more and returns the bookings whose holds
    are over, and `expire` lets these expire.
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        free: Callable[[Transaction, UUID, int, datetime], Sequence[UUID]],
        expire: Callable[[Transaction, Sequence[UUID], datetime], None],
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._free = free
        self._expire = expire

    def create(self, *, parent_id: UUID | None = None, **values: Any) -> Row[Any]:
        """Create a resource, at the default location unless another one is given.

        :raises Invalid: if more than the capacity is to be open to bookings.
        :raises UnknownLocation: if there is no such location.
        :raises UnknownMember: if the business has no such member.
        :raises UnknownParent: if it is to be part of what there is not.
        :raises MemberTaken: if another resource is this member already.
        """
        values["bookable_capacity"] = bookable(values["capacity"], values.get("bookable_capacity"))
        with self._begin() as transaction:
            resources = ResourceRepository(transaction)
            if "location_id" not in values:
                values["location_id"] = LocationRepository(transaction).default().id
            if parent_id is not None:
                _parent(resources, parent_id)
            resource = resources.add(
                {**values, "parent_id": parent_id, "name_key": folded(values["name"]), "id": uuid7()}
            )
            self._record(transaction, "resource.created", resource, {})
        return resource

    def read(self, *, id_: UUID, kinds: Sequence[str] = KINDS) -> Row[Any]:
        """Return a resource.

        :raises NotFound: if there is none of these kinds.
        """
        with self._begin(read_only=True) as transaction:
            return ResourceRepository(transaction, kinds=kinds).get(id_)

    def search(self, *, request: PageRequest, kinds: Sequence[str] = KINDS, **filters: Any) -> Page:
        """Return one page of resources."""
        with self._begin(read_only=True) as transaction:
            return ResourceRepository(transaction, kinds=kinds).search(request, **filters)

    def change(
        self, *, id_: UUID, version: int | None, kinds: Sequence[str] = KINDS, **values: Any
    ) -> Row[Any]:
        """Change a resource.

        :raises NotFound: if there is none of these kinds.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if more than the capacity is to be open to bookings.
        :raises CapacityInUse: if bookings have taken more than the new capacity.
        :raises MemberNotStaff: if what is not staff is to be a member.
        :raises UnknownLocation: if there is no such location.
        :raises UnknownMember: if the business has no such member.
        :raises UnknownParent: if it is to be part of what there is not.
        :raises CircularParent: if it is to be part of itself, or of one of its parts.
        :raises MemberTaken: if another resource is this member already.
        """
        with self._begin() as transaction:
            if values.get("parent_id") is not None:
                # One at a time: two that each make the other their part would not see each other do it.
                TenantRepository(transaction).own(lock=True)
            resources = ResourceRepository(transaction, kinds=kinds)
            before = resources.lock(id_, version=version)
            if values.get("member_id") is not None and before.kind != "staff":
                raise MemberNotStaff
            if values.get("parent_id") is not None:
                _parent(ResourceRepository(transaction), values["parent_id"], of=id_)
            written = {**values}
            if "name" in values:
                written["name_key"] = folded(values["name"])
            if values.keys() & {"capacity", "bookable_capacity"}:
                written["bookable_capacity"] = bookable(
                    values.get("capacity", before.capacity), values.get("bookable_capacity"), before=before
                )
            over: Sequence[UUID] = ()
            if values.get("capacity", before.capacity) < before.capacity:
                over = self._free(transaction, id_, values["capacity"], self._clock.now())
            resource = resources.change(id_, written, version=None)
            if over:
                # Not sooner: what their events lock, the head of the trail, is the last to be waited for.
                self._expire(transaction, over, self._clock.now())
            previous = {
                name: value
                for name, value in before._mapping.items()
                if name in (*values, "bookable_capacity") and value != getattr(resource, name)
            }
            self._record(transaction, "resource.updated", resource, previous)
        return resource

    def archive(self, *, id_: UUID, version: int | None, kinds: Sequence[str] = KINDS) -> None:
        """Archive a resource, which is offered no more; archiving an archived one changes nothing.

        :raises NotFound: if there is none of these kinds.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            resources = ResourceRepository(transaction, kinds=kinds)
            before = resources.lock(id_, version=version)
            if not before.active:
                return
            resource = resources.change(id_, {"active": False}, version=None)
            self._record(transaction, "resource.archived", resource, {"active": True})

    def purge(self, *, id_: UUID, version: int | None, kinds: Sequence[str] = KINDS) -> None:
        """Remove a resource for good, with its hours; the trail keeps that there was one.

        :raises NotFound: if there is none of these kinds.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InUse: if it was ever booked, or other resources are parts of it.
        """
        with self._begin() as transaction:
            resources = ResourceRepository(transaction, kinds=kinds)
            before = resources.lock(id_, version=version)
            resources.remove(id_, version=None)
            self._record(transaction, "resource.purged", before, {})

    def _record(
        self, transaction: Transaction, type_: str, resource: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="resource",
            object_id=resource.id,
            at=self._clock.now(),
            data={"object": resource._asdict(), "previous": previous},
        )


def _parent(resources: ResourceRepository, parent_id: UUID, *, of: UUID | None = None) -> None:
    if of is not None and resources.has_above(of, parent_id=parent_id):
        raise CircularParent
    try:
        resources.get(parent_id)
    except NotFound:
        raise UnknownParent from None
