"""What a document is reckoned from and printed with: its place, its business and its customer, in one row."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Uuid, and_, any_, bindparam
from sqlalchemy.dialects.postgresql import ARRAY

from mbs.bookings.errors import UnknownCustomer
from mbs.catalog.models import CatalogItem
from mbs.customers.models import Customer
from mbs.foundation.repository import Repository
from mbs.locations.models import Location
from mbs.resources.errors import UnknownLocation
from mbs.tenants.models import Tenant


class ContextRepository(Repository):
    model = Location

    def read(self, *, customer_id: UUID, location_id: UUID | None = None) -> Row[Any]:
        """Return the context of a document.

        :param location_id: None: the default location.
        :return: of the location `location_id`, `location_name`, `timezone`, `country`, `address`, `phone`,
            `legal_name`, `tax_regime`, `tax_registration`, `invoice_prefix`; of the business
            `business_name`, `business_country`, `business_type`, `currency`, `settings`; of the customer
            `customer_id`, `customer_name` and so on.
        :raises UnknownLocation: if there is no such location.
        :raises UnknownCustomer: if there is no such customer.
        """
        sought: Mapping[str, Any] = {"sought_customer": customer_id}
        if location_id is not None:
            sought = {**sought, "sought_location": location_id}
        rows = self._read(self._context(location_id is None), sought)
        if not rows:
            raise UnknownLocation
        if rows[0].customer_id is None:
            raise UnknownCustomer
        return rows[0]

    @classmethod
    @cache
    def _context(cls, default: bool) -> Select[Any]:
        place, business, customer = Location.__table__.c, Tenant.__table__, Customer.__table__
        here = place.is_default if default else place.id == bindparam("sought_location", type_=Uuid)
        shown = {
            "id": place.id,
            "location_id": place.id,
            "location_name": place.name,
            "timezone": place.timezone,
            "country": place.country,
            "address": place.address,
            "phone": place.phone,
            "legal_name": place.legal_name,
            "tax_regime": place.tax_regime,
            "tax_registration": place.tax_registration,
            "invoice_prefix": place.invoice_prefix,
            "business_name": business.c.name,
            "business_country": business.c.country,
            "business_type": business.c.business_type,
            "currency": business.c.currency,
            "settings": business.c.settings,
            "customer_id": customer.c.id,
            "customer_name": customer.c.name,
            "customer_address": customer.c.address,
            "customer_tax_id": customer.c.tax_id,
            "customer_tax_status": customer.c.tax_status,
            "customer_region_code": customer.c.region_code,
            "customer_email": customer.c.email,
            "customer_phone": customer.c.phone,
        }
        theirs = and_(
            customer.c.tenant_id == place.tenant_id,
            customer.c.id == bindparam("sought_customer", type_=Uuid),
        )
        joined = Location.__table__.join(business, business.c.id == place.tenant_id).outerjoin(
            customer, theirs
        )
        return (
            cls._prepared(*(column.label(name) for name, column in shown.items()))
            .select_from(joined)
            .where(here)
        )


class ServiceRepository(Repository):
    model = CatalogItem
    columns = (
        CatalogItem.id,
        CatalogItem.name,
        CatalogItem.price,
        CatalogItem.currency,
        CatalogItem.price_unit,
        CatalogItem.tax_category,
        CatalogItem.sac_hsn,
        CatalogItem.supply_rule,
        CatalogItem.active,
    )

    def find(self, ids: Iterable[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return services by their ids; those that there are. Without ids nothing is asked."""
        wanted = sorted(set(ids))
        return {row.id: row for row in self._read(self._by_ids(), {"ids": wanted})} if wanted else {}

    @classmethod
    @cache
    def _by_ids(cls) -> Select[Any]:
        sought = cls.model.__table__.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
        return cls._prepared(*cls._shown()).where(sought)
