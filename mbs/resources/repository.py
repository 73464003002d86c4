"""Questions put to the resources of one business."""

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, Text, Uuid, any_, bindparam, column, exists, table
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from mbs.foundation.db import Transaction
from mbs.foundation.errors import MbsError, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.resources.errors import CapacityInUse, MemberTaken, UnknownLocation, UnknownMember, UnknownParent
from mbs.resources.models import KINDS, Resource

ASSIGNED = table("item_resources", column("tenant_id"), column("catalog_item_id"), column("resource_id"))
"""What is asked of the catalog, a room above this one."""

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "kind": Resource.kind == any_(bindparam("kind", type_=ARRAY(Text))),
    "location_id": Resource.location_id == bindparam("location_id"),
    "tag": Resource.tags.contains(bindparam("tag")),
    "active": Resource.active == bindparam("active"),
    "service_id": exists().where(
        ASSIGNED.c.tenant_id == Resource.tenant_id,
        ASSIGNED.c.resource_id == Resource.id,
        ASSIGNED.c.catalog_item_id == bindparam("service_id", type_=Uuid),
    ),
}
"""How each filter of a list narrows it; a value takes its place when the statement is sent."""


class ResourceRepository(Repository):
    """`kinds` are those that there are for the asker; by default all but the classes of mbs/sessions."""

    model = Resource
    columns = (
        Resource.id,
        Resource.kind,
        Resource.name,
        Resource.location_id,
        Resource.member_id,
        Resource.parent_id,
        Resource.capacity,
        Resource.bookable_capacity,
        Resource.tags,
        Resource.color,
        Resource.active,
        Resource.version,
        Resource.created_at,
        Resource.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__resources__member_id": MemberTaken,
        "fk__resources__tenant_id__location_id": UnknownLocation,
        "fk__resources__tenant_id__member_id": UnknownMember,
        "fk__resources__tenant_id__parent_id": UnknownParent,
        # The new capacity is written to its allocations too, one of which has a slot above it.
        "ck__allocations__slot": CapacityInUse,
    }

    def __init__(self, transaction: Transaction, *, kinds: Sequence[str] = KINDS) -> None:
        super().__init__(transaction)
        self._kinds = list(kinds)

    def _own(self) -> ColumnElement[bool]:
        return super()._own() & Resource.kind.in_(self._kinds)

    @classmethod
    @cache
    def _by_id(cls) -> Select[Any]:
        return super()._by_id().where(FILTERS["kind"])

    def get(self, id_: UUID) -> Row[Any]:
        """Return the resource with this id.

        :raises NotFound: if there is none of these kinds.
        """
        rows = self._read(self._by_id(), {"sought_id": id_, "kind": self._kinds})
        if not rows:
            raise NotFound
        return rows[0]

    def lock(self, id_: UUID, *, version: int | None) -> Row[Any]:
        """Return a resource, locked against bookings and other writers until the transaction ends.

        :raises NotFound: if there is none of these kinds.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        return self.lock_row(id_, version=version, key_share=True)

    def hold(self, ids: Sequence[UUID]) -> Sequence[Row[Any]]:
        """Return those of these resources that there are; they stay until the transaction ends."""
        statement = self.select().where(self._id().in_(ids)).order_by(self._id())
        return self._transaction.execute(statement.with_for_update(read=True, key_share=True)).all()

    def has_above(self, id_: UUID, *, parent_id: UUID) -> bool:
        """Tell whether a resource is another one, or one of those that this other one is part of."""
        above = self.select(Resource.id, Resource.parent_id).where(Resource.id == parent_id)
        chain = above.cte("chain", recursive=True)
        further = self.select(Resource.id, Resource.parent_id).join(chain, Resource.id == chain.c.parent_id)
        chain = chain.union(further)
        statement = self.select(Resource.id).join(chain, Resource.id == chain.c.id).where(Resource.id == id_)
        return self._transaction.execute(statement).one_or_none() is not None

    def search(
        self,
        request: PageRequest,
        *,
        active: bool,
        kind: Sequence[str] = (),
        location_id: UUID | None = None,
        tag: str | None = None,
        service_id: UUID | None = None,
    ) -> Page:
        """Return one page of resources; every filter narrows, None and empty ones do not.

        :param service_id: of a service that they are assigned to.
        """
        values = {
            "kind": [one for one in self._kinds if one in kind] if kind else self._kinds,
            "active": active,
            "location_id": location_id,
            "tag": [tag] if tag is not None else None,
            "service_id": service_id,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given)), request, **given)

    @classmethod
    @lru_cache(maxsize=64)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        return cls._prepared(*cls._shown()).where(*(FILTERS[name] for name in names))
