"""Questions put to the services of one business, and to the list of who can do each."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Row, Select, Uuid, and_, any_, bindparam, exists, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import Text

from mbs.catalog.models import CatalogItem, ItemResource
from mbs.foundation.keys import folded
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource


def _assigned(name: str) -> ColumnElement[bool]:
    return exists().where(
        ItemResource.tenant_id == CatalogItem.tenant_id,
        ItemResource.catalog_item_id == CatalogItem.id,
        ItemResource.resource_id == bindparam(name, type_=Uuid),
    )


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "word": func.strpos(CatalogItem.name_key, bindparam("word")) > 0,
    "category": CatalogItem.category == bindparam("category"),
    "active": CatalogItem.active == bindparam("active", type_=Boolean),
    "mode": CatalogItem.mode == any_(bindparam("mode", type_=ARRAY(Text))),
    "staff_id": _assigned("staff_id"),
    "resource_id": _assigned("resource_id"),
}
"""How each filter of a list narrows it; a value takes its place when the statement is sent."""


class CatalogRepository(Repository):
    model = CatalogItem
    columns = (
        CatalogItem.id,
        CatalogItem.mode,
        CatalogItem.name,
        CatalogItem.description,
        CatalogItem.category,
        CatalogItem.price,
        CatalogItem.currency,
        CatalogItem.price_unit,
        CatalogItem.duration_min,
        CatalogItem.buffer_before_min,
        CatalogItem.buffer_after_min,
        CatalogItem.slot_interval_min,
        CatalogItem.segments,
        CatalogItem.policy,
        CatalogItem.tax_category,
        CatalogItem.sac_hsn,
        CatalogItem.supply_rule,
        CatalogItem.max_capacity,
        CatalogItem.sort_order,
        CatalogItem.active,
        CatalogItem.version,
        CatalogItem.created_at,
        CatalogItem.updated_at,
    )

    def lock(self, id_: UUID, *, version: int | None) -> Row[Any]:
        """Return a service, locked against other writers of it or of its resources.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        return self.lock_row(id_, version=version, key_share=True)

    def search(
        self,
        request: PageRequest,
        *,
        active: bool,
        search: str | None = None,
        category: str | None = None,
        mode: Sequence[str] = (),
        staff_id: UUID | None = None,
        resource_id: UUID | None = None,
    ) -> Page:
        """Return one page of services; every filter narrows, None and empty ones do not.

        :param staff_id: of somebody who is assigned to them.
        :param resource_id: of what is assigned to them.
        """
        values = {
            "active": active,
            "word": folded(search) if search is not None else None,
            "category": category,
            "mode": list(mode) or None,
            "staff_id": staff_id,
            "resource_id": resource_id,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given)), request, **given)

    @classmethod
    @lru_cache(maxsize=64)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        return cls._prepared(*cls._shown()).where(*(FILTERS[name] for name in names))


class ItemResourceRepository(Repository):
    """Who can do what, and at which price and duration if not at the service's own."""

    model = ItemResource
    columns = (ItemResource.resource_id, ItemResource.price, ItemResource.duration_min)

    def of(self, item_id: UUID) -> Sequence[Row[Any]]:
        """Return what is assigned to a service, by name: the assignment and kind, name and active."""
        statement = (
            self.select(*self.columns, Resource.kind, Resource.name, Resource.active)
            .join(
                Resource,
                and_(Resource.tenant_id == ItemResource.tenant_id, Resource.id == ItemResource.resource_id),
            )
            .where(ItemResource.catalog_item_id == item_id)
            .order_by(Resource.name_key, Resource.id)
        )
        return self._transaction.execute(statement).all()

    def shortest(self, item_id: UUID) -> int | None:
        """Return the shortest duration that somebody takes who does not take the service's own."""
        statement = self.select(func.min(ItemResource.duration_min))
        return self._transaction.execute(
            statement.where(ItemResource.catalog_item_id == item_id)
        ).scalar_one()

    def replace(self, item_id: UUID, rows: Sequence[Mapping[str, Any]]) -> Sequence[Row[Any]]:
        """Assign these resources, which are held, to a service, and no others; return what was before."""
        statement = self.delete().where(ItemResource.catalog_item_id == item_id).returning(*self.columns)
        before = self._transaction.execute(statement).all()
        if rows:
            self._transaction.execute(self._insert(), [{**row, "catalog_item_id": item_id} for row in rows])
        return before
