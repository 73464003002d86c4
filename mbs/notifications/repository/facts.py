"""What messages say: the facts about the objects that a batch of events speaks of, one row each.

They are as they stand when the events are followed, not as they were when those were written.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Row, Select, Uuid, and_, any_, bindparam, func, or_
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import Allocation
from mbs.auth.models import User
from mbs.bookings.models import Booking, BookingItem
from mbs.consents.models import ContactPreference
from mbs.customers.models import Customer
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.invoices.models.tables import Document
from mbs.locations.models import Location
from mbs.payments.models import Payment
from mbs.resources.models import Resource
from mbs.sessions.models import GroupSession
from mbs.tenants.models import Membership, Tenant

CUSTOMER, WISHES, PLACE = Customer.__table__, ContactPreference.__table__, Location.__table__
PERSON: Sequence[ColumnElement[Any]] = (
    CUSTOMER.c.id.label("customer_id"),
    CUSTOMER.c.name.label("customer_name"),
    CUSTOMER.c.email.label("email"),
    CUSTOMER.c.phone.label("phone"),
    WISHES.c.timezone.label("own_timezone"),
    WISHES.c.locale.label("own_locale"),
    PLACE.c.name.label("location_name"),
)
"""Of the customer, and of the place where they come."""


class FactsRepository:
    """Each question is one statement, however many objects it is about; about none it is not asked."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def business(self) -> Row[Any]:
        """Return `id`, `name`, `locale`, `timezone` and `settings` of the business."""
        tenant = Tenant.__table__
        shown = (tenant.c.id, tenant.c.name, tenant.c.locale, tenant.c.timezone, tenant.c.settings)
        own = tenant.c.id == self._transaction.tenant_id
        return self._transaction.execute(tenant.select().with_only_columns(*shown).where(own)).one()

    def bookings(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return bookings by id: who comes, where and when, to what (`services`) and to whom (`staff`).

        `staff` are the people who serve, by their names, and if they have one the address of their account.
        """
        return _Bookings(self._transaction).find(ids)

    def documents(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return invoices and credit notes by id."""
        return _Documents(self._transaction).find(ids)

    def payments(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return payments by id."""
        return _Payments(self._transaction).find(ids)

    def owners(self) -> Sequence[Row[Any]]:
        """Return the `email` of those who own the business."""
        return _Owners(self._transaction).all()


class _Facts(Repository):
    def find(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        return {row.id: row for row in self._read(self._statement(), {"ids": sorted(ids)})} if ids else {}

    @classmethod
    def _statement(cls) -> Select[Any]:
        raise NotImplementedError

    @classmethod
    def _about(cls, *columns: Any) -> Select[Any]:
        """Return the statement of objects with their customer and place."""
        table = cls.model.__table__
        joined = (
            table.join(CUSTOMER, and_(CUSTOMER.c.tenant_id == table.c.tenant_id, _same(CUSTOMER, table)))
            .join(PLACE, and_(PLACE.c.tenant_id == table.c.tenant_id, PLACE.c.id == table.c.location_id))
            .outerjoin(
                WISHES,
                and_(
                    WISHES.c.tenant_id == table.c.tenant_id,
                    WISHES.c.customer_id == table.c.customer_id,
                ),
            )
        )
        sought = table.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
        return cls._prepared(table.c.id, *columns, *PERSON).select_from(joined).where(sought)


def _same(customer: Any, table: Any) -> ColumnElement[bool]:
    same: ColumnElement[bool] = customer.c.id == table.c.customer_id
    return same


class _Bookings(_Facts):
    model = Booking

    @classmethod
    @cache
    def _statement(cls) -> Select[Any]:
        it, held = Booking.__table__.c, GroupSession.__table__
        columns = (
            *(it.reference, it.status, it.start_at, it.timezone, it.session_id, it.expires_at),
            *(it.cancelled_by, it.cancel_reason),
        )
        state = _Classes._prepared(held.c.status).where(held.c.id == it.session_id)
        session_status = state.correlate(Booking.__table__).scalar_subquery().label("session_status")
        return cls._about(*columns, session_status, _Services.of_booking(), _Staff.of_booking())


class _Classes(Repository):
    model = GroupSession


class _Services(Repository):
    model = BookingItem

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        item = BookingItem.__table__.c
        names = cls._prepared(func.json_agg(aggregate_order_by(item.name, item.position), type_=JSON))
        mine = names.where(item.booking_id == Booking.__table__.c.id).correlate(Booking.__table__)
        return mine.scalar_subquery().label("services")


class _Staff(Repository):
    """Who serves a booking; those of a class are taken by the class."""

    model = Allocation

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        taken, resource = Allocation.__table__, Resource.__table__
        member, user, booking = Membership.__table__, User.__table__, Booking.__table__
        joined = (
            taken.join(
                resource,
                and_(resource.c.tenant_id == taken.c.tenant_id, resource.c.id == taken.c.resource_id),
            )
            .outerjoin(
                member,
                and_(
                    member.c.tenant_id == resource.c.tenant_id,
                    member.c.id == resource.c.member_id,
                    member.c.status == "active",
                ),
            )
            .outerjoin(user, and_(user.c.id == member.c.user_id, user.c.status == "active"))
        )
        person = func.jsonb_build_object("name", resource.c.name, "email", user.c.email)
        people = cls._prepared(func.jsonb_agg(person.distinct(), type_=JSON)).select_from(joined)
        mine = people.where(
            taken.c.kind == "staff",
            or_(taken.c.booking_id == booking.c.id, taken.c.session_id == booking.c.session_id),
        )
        return mine.correlate(booking).scalar_subquery().label("staff")


class _Documents(_Facts):
    model = Document

    @classmethod
    @cache
    def _statement(cls) -> Select[Any]:
        it = Document.__table__.c
        columns = (
            *(it.type, it.status, it.number, it.currency, it.total, it.amount_due, it.due_date),
            *(it.buyer, it.reason, PLACE.c.timezone.label("timezone")),
        )
        return cls._about(*columns)


class _Payments(_Facts):
    model = Payment

    @classmethod
    @cache
    def _statement(cls) -> Select[Any]:
        it = Payment.__table__.c
        return cls._about(it.number, it.currency, it.amount, PLACE.c.timezone.label("timezone"))


class _Owners(Repository):
    model = Membership

    def all(self) -> Sequence[Row[Any]]:
        return self._read(self._statement(), {})

    @classmethod
    @cache
    def _statement(cls) -> Select[Any]:
        member, user = Membership.__table__, User.__table__
        return (
            cls._prepared(user.c.email)
            .select_from(member.join(user, user.c.id == member.c.user_id))
            .where(member.c.role == "owner", member.c.status == "active", user.c.status == "active")
            .order_by(user.c.email)
        )
