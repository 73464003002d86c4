"""Questions put to the customers of one business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, Select, bindparam, case, func, literal, or_, select
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import ColumnElement

from mbs.customers.errors import EmailTaken, PhoneTaken
from mbs.customers.models import KEY, Customer, search_words
from mbs.foundation.errors import MbsError
from mbs.foundation.keys import email_key
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.tenants.models import Tenant

SIMILAR_LIMIT = 5

DEDUPLICATED = {"dedupe_email": ("email_key", "uniqueEmail"), "dedupe_phone": ("phone", "uniquePhone")}
"""Columns that are unique, and empty unless the business wants that: what they repeat, and the setting."""


class CustomerRepository(Repository):
    model = Customer
    columns = (
        Customer.id,
        Customer.kind,
        Customer.name,
        Customer.email,
        Customer.phone,
        Customer.address,
        Customer.tax_id,
        Customer.tags,
        Customer.notes,
        Customer.status,
        Customer.created_by,
        Customer.version,
        Customer.created_at,
        Customer.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__customers__tenant_id__dedupe_email": EmailTaken,
        "uq__customers__tenant_id__dedupe_phone": PhoneTaken,
    }

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a customer.

        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        sought = {f"sought_{source}": values.get(source) for source, _ in DEDUPLICATED.values()}
        return super().add({**values, **sought, "own_tenant": self._transaction.tenant_id})

    def change(self, id_: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change a customer.

        :raises NotFound: if there is no such customer.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        deduplicated = {
            column: _if_wanted(setting, self._transaction.tenant_id, literal(values[source], KEY))
            for column, (source, setting) in DEDUPLICATED.items()
            if source in values
        }
        return super().change(id_, {**values, **deduplicated}, version=version)

    def search(
        self,
        request: PageRequest,
        *,
        created_by: UUID | None = None,
        search: str | None = None,
        status: Sequence[str] = ("active",),
        kind: Sequence[str] = (),
        tag: str | None = None,
        email: str | None = None,
        phone: str | None = None,
        created_from: datetime | None = None,
        created_to: datetime | None = None,
        updated_since: datetime | None = None,
    ) -> Page:
        """Return one page of customers; every filter narrows, None and empty ones do not."""
        statement = self.select().where(Customer.status.in_(status))
        if created_by is not None:
            statement = statement.where(Customer.created_by == created_by)
        if search is not None:
            statement = statement.where(
                or_(*(func.strpos(Customer.search_key, word) > 0 for word in search_words(search)))
            )
        if kind:
            statement = statement.where(Customer.kind.in_(kind))
        if tag is not None:
            statement = statement.where(Customer.tags.contains([tag]))
        if email is not None:
            statement = statement.where(Customer.email_key == email_key(email))
        if phone is not None:
            statement = statement.where(Customer.phone == phone)
        if created_from is not None:
            statement = statement.where(Customer.created_at >= created_from)
        if created_to is not None:
            statement = statement.where(Customer.created_at < created_to)
        if updated_since is not None:
            statement = statement.where(Customer.updated_at >= updated_since)
        return self.page(statement, request)

    def similar(
        self, *, except_id: UUID, name_key: str, email_key: str | None, phone: str | None
    ) -> Sequence[Row[Any]]:
        """Return at most five active customers that may be the same person: equal name, address or number."""
        return self._send(
            self._similar(), except_id=except_id, name_key=name_key, email_key=email_key, phone=phone
        ).all()

    @classmethod
    @cache
    def _similar(cls) -> Select[Any]:
        # A number or address that is not known is NULL here and equals nothing.
        known = cls.model.__table__.c
        equals = (known[name] == bindparam(name) for name in ("name_key", "email_key", "phone"))
        return (
            cls._prepared(known.id, known.name, known.email, known.phone)
            .where(or_(*equals), known.status == "active", known.id != bindparam("except_id"))
            .order_by(known.created_at, known.id)
            .limit(SIMILAR_LIMIT)
        )

    @classmethod
    @cache
    def _insert(cls) -> ReturningInsert[Any]:
        deduplicated = {
            column: _if_wanted(setting, bindparam("own_tenant"), bindparam(f"sought_{source}"))
            for column, (source, setting) in DEDUPLICATED.items()
        }
        return super()._insert().values(deduplicated)


def _if_wanted(setting: str, tenant_id: Any, value: Any) -> ColumnElement[Any]:
    # The setting is read by the statement that writes: no second round trip, no race with its change.
    wanted = select(Tenant.settings["customers"][setting].as_boolean()).where(Tenant.id == tenant_id)
    return case((wanted.scalar_subquery(), value))
