"""Questions put to the customers of one business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import Row, case, func, literal, or_, select
from sqlalchemy.sql.elements import ColumnElement

from mbs.customers.errors import EmailTaken, PhoneTaken
from mbs.customers.models import Customer, search_words
from mbs.foundation.errors import MbsError
from mbs.foundation.keys import email_key
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.tenants.models import Tenant

SIMILAR_LIMIT = 5


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
        return super().add({**values, **self._deduplicated(values)})

    def change(self, id_: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change a customer.

        :raises NotFound: if there is no such customer.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        return super().change(id_, {**values, **self._deduplicated(values)}, version=version)

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
        equals: list[ColumnElement[bool]] = [Customer.name_key == name_key]
        if email_key is not None:
            equals.append(Customer.email_key == email_key)
        if phone is not None:
            equals.append(Customer.phone == phone)
        statement = (
            self.select(Customer.id, Customer.name, Customer.email, Customer.phone)
            .where(or_(*equals), Customer.status == "active", Customer.id != except_id)
            .order_by(Customer.created_at, Customer.id)
            .limit(SIMILAR_LIMIT)
        )
        return self._transaction.execute(statement).all()

    def _deduplicated(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        # The setting is read by the statement that writes: no second round trip, no race with its change.
        columns: dict[str, Any] = {}
        for column, source, setting in (
            ("dedupe_email", "email_key", "uniqueEmail"),
            ("dedupe_phone", "phone", "uniquePhone"),
        ):
            if source in values:
                wanted = (
                    select(Tenant.settings["customers"][setting].as_boolean())
                    .where(Tenant.id == self._transaction.tenant_id)
                    .scalar_subquery()
                )
                columns[column] = case((wanted, literal(values[source], Customer.email_key.type)))
        return columns
