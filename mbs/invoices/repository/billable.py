"""What of a booking there is to be billed."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, and_, bindparam, exists

from mbs.bookings.models import BookingItem
from mbs.catalog.models import CatalogItem
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import DocumentLine


class BillableRepository(Repository):
    model = BookingItem

    def of(self, booking_id: UUID) -> Sequence[Row[Any]]:
        """Return a booking's items in their order.

        :return: of each id, catalog_item_id, name, quantity, price_unit, unit_price; of its service
            tax_category, sac_hsn, supply_rule; `billed` and `fee_billed`: whether it, or the booking's fee,
            stands on an invoice that is not taken back.
        """
        return self._send(self._items(), {"sought_id": booking_id}).all()

    @classmethod
    @cache
    def _items(cls) -> Select[Any]:
        item, service = BookingItem.__table__.c, CatalogItem.__table__
        columns = (
            item.id,
            item.catalog_item_id,
            item.name,
            item.quantity,
            item.price_unit,
            item.unit_price,
            service.c.tax_category,
            service.c.sac_hsn,
            service.c.supply_rule,
            _on_an_invoice("booking_item", item.id).label("billed"),
            _on_an_invoice("booking_fee", item.booking_id).label("fee_billed"),
        )
        its_service = and_(service.c.tenant_id == item.tenant_id, service.c.id == item.catalog_item_id)
        return (
            cls._prepared(*columns)
            .join_from(BookingItem.__table__, service, its_service)
            .where(item.booking_id == bindparam("sought_id", type_=Uuid))
            .order_by(item.position)
        )


def _on_an_invoice(type_: str, id_: Any) -> Any:
    line = DocumentLine.__table__.alias(f"line_of_{type_}")
    return exists().where(
        line.c.tenant_id == bindparam("own_tenant"),
        line.c.source_type == type_,
        line.c.source_id == id_,
        line.c.source_id.is_not(None),
        ~line.c.released,
    )
