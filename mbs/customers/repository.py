"""Questions put to the customers of one business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    Boolean,
    Row,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    column,
    func,
    literal,
    or_,
    table,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.dml import ReturningInsert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.expression import TableClause

from mbs.customers.errors import EmailTaken, PhoneTaken
from mbs.customers.models import KEY, Customer, search_words
from mbs.foundation.errors import MbsError, NotFound
from mbs.foundation.keys import email_key
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.tenants.models import Membership

DEDUPLICATED = {"dedupe_email": ("email_key", "uniqueEmail"), "dedupe_phone": ("phone", "uniquePhone")}
"""Columns that are unique, and empty unless the business wants that: what they repeat, and the setting."""


def _above(name: str, *columns: str) -> TableClause:
    return table(name, *(column(one, Uuid) for one in ("tenant_id", *columns)))


BOOKINGS = _above("bookings", "id", "customer_id", "session_id", "created_by")
ALLOCATIONS = _above("allocations", "booking_id", "session_id", "resource_id")
RESOURCES = _above("resources", "id", "member_id")
"""What is asked of the rooms above this one: who comes to whom."""


def _asked(of: TableClause, *columns: Any) -> Select[Any]:
    return of.select().with_only_columns(*columns).where(of.c.tenant_id == bindparam("own_tenant"))


def _own(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    """Return whether a person made a customer, or serves them: a booking, or a class that it is a seat of.

    :param conditions: which bookings to look through for it; none: all.
    """
    person, booking, taken = bindparam("only_of", type_=Uuid), BOOKINGS.c, ALLOCATIONS.c
    me = _asked(RESOURCES, RESOURCES.c.id).where(
        Membership.tenant_id == RESOURCES.c.tenant_id,
        Membership.id == RESOURCES.c.member_id,
        Membership.user_id == person,
    )
    mine = taken.resource_id == me.scalar_subquery()
    served = _asked(ALLOCATIONS, taken.booking_id).where(mine)
    classes = _asked(ALLOCATIONS, taken.session_id).where(mine, taken.session_id.is_not(None))
    came = _asked(BOOKINGS, booking.customer_id).where(*conditions)
    return or_(
        Customer.created_by == person,
        Customer.id.in_(
            # Each arm begins at what is theirs, however much of the calendar is not.
            union_all(
                came.where(booking.created_by == person),
                came.where(booking.id.in_(served)),
                came.where(booking.session_id.in_(classes)),
            )
        ),
    )


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "only_of": _own(),
    "word": or_(
        func.strpos(Customer.search_key, bindparam("word")) > 0,
        func.strpos(Customer.search_key, bindparam("number")) > 0,
    ),
    "status": Customer.status == any_(bindparam("status", type_=ARRAY(Text))),
    "kind": Customer.kind == any_(bindparam("kind", type_=ARRAY(Text))),
    "tag": Customer.tags.contains(bindparam("tag")),
    "email_key": Customer.email_key == bindparam("email_key"),
    "phone": Customer.phone == bindparam("phone"),
    "created_from": Customer.created_at >= bindparam("created_from"),
    "created_to": Customer.created_at < bindparam("created_to"),
    "updated_since": Customer.updated_at >= bindparam("updated_since"),
}
"""How each filter of a list narrows it; a value takes its place when the statement is sent."""


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
        Customer.tax_status,
        Customer.region_code,
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
        return super().add({**values, **self._sought(values)})

    def add_finding_similar(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a customer like `add`; the row's `similar` lists who may be the same person, or is None.

        These are at most five active customers of equal name, address or number: id, name, email, phone.
        """
        sought = {**self._sought(values), "sought_name_key": values["name_key"]}
        return self._insert_kept(self._insert_finding_similar(), {**values, **sought})

    def _sought(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        sought = {f"sought_{source}": values.get(source) for source, _ in DEDUPLICATED.values()}
        return {**sought, "own_tenant": self._transaction.tenant_id}

    def change(self, id_: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change a customer.

        :raises NotFound: if there is no such customer.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises EmailTaken: if the business wants addresses to be unique and this one is not.
        :raises PhoneTaken: the same of phone numbers.
        """
        deduplicated = {
            column: _if_wanted(
                setting, literal(self._transaction.tenant_id, Uuid), literal(values[source], KEY)
            )
            for column, (source, setting) in DEDUPLICATED.items()
            if source in values
        }
        return super().change(id_, {**values, **deduplicated}, version=version)

    def get_of(self, id_: UUID, user_id: UUID | None) -> Row[Any]:
        """Return a customer, if it is one of a person's own; None: whosever it is.

        :raises NotFound: if there is none, or it is not theirs: the two look alike.
        """
        customer = self.get(id_)
        if user_id not in (None, customer.created_by) and not self.is_of(id_, user_id):
            raise NotFound
        return customer

    def is_of(self, id_: UUID, user_id: UUID) -> bool:
        """Tell whether a customer is one of a person's own: made by them, or theirs to serve."""
        return bool(self._read(self._owned(), {"sought_id": id_, "only_of": user_id}))

    @classmethod
    @cache
    def _owned(cls) -> Select[Any]:
        sought = bindparam("sought_id", type_=Uuid)
        own = _own(BOOKINGS.c.customer_id == sought)
        return cls._prepared(cls.model.__table__.c.id).where(Customer.id == sought, own)

    def search(
        self,
        request: PageRequest,
        *,
        only_of: UUID | None = None,
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
        word, number = (*search_words(search), None)[:2] if search is not None else (None, None)
        values = {
            "only_of": only_of,
            "word": word,
            "status": list(status),
            "kind": list(kind) or None,
            "tag": [tag] if tag is not None else None,
            "email_key": email_key(email) if email is not None else None,
            "phone": phone,
            "created_from": created_from,
            "created_to": created_to,
            "updated_since": updated_since,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given)), request, **given, number=number)

    @classmethod
    @lru_cache(maxsize=256)
    def _filtered(cls, names: tuple[str, ...]) -> Select[Any]:
        # Lists do not show who created a customer, and to read fifty ids for nothing costs.
        shown = (column for column in cls._shown() if column.key != "created_by")
        return cls._prepared(*shown).where(*(FILTERS[name] for name in names))

    @classmethod
    @cache
    def _insert_finding_similar(cls) -> ReturningInsert[Any]:
        sought = (bindparam(f"sought_{name}", type_=KEY) for name in ("name_key", "email_key", "phone"))
        similar = func.similar_customers(bindparam("own_tenant", type_=Uuid), *sought, type_=JSON)
        return cls._insert().returning(similar.label("similar"))

    @classmethod
    @cache
    def _insert(cls) -> ReturningInsert[Any]:
        deduplicated = {
            column: _if_wanted(
                setting, bindparam("own_tenant", type_=Uuid), bindparam(f"sought_{source}", type_=KEY)
            )
            for column, (source, setting) in DEDUPLICATED.items()
        }
        return super()._insert().values(deduplicated)


def _if_wanted(setting: str, tenant_id: Any, value: Any) -> ColumnElement[Any]:
    # The setting is read by the statement that writes: no second round trip, no race with its change.
    return case((func.customer_setting(tenant_id, setting, type_=Boolean), value))
