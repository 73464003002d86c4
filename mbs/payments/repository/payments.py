"""Payments, written and found again; their sums are reckoned anew from what they are for."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Row,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    func,
    literal_column,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from mbs.foundation.errors import MbsError, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.invoices.errors import NumberTaken
from mbs.locations.models import Location
from mbs.payments.errors import UnknownBooking, UnknownCustomer
from mbs.payments.models import INSTANT, Payment
from mbs.payments.repository.parts import Allocated, Refunded
from mbs.tenants.models import Tenant

IT = Payment.__table__.c

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "customer_id": IT.customer_id == bindparam("customer_id", type_=Uuid),
    "booking_id": IT.booking_id == bindparam("booking_id", type_=Uuid),
    "invoice_id": IT.id.in_(Allocated.payments_of("invoice_id")),
    "method": IT.method == any_(bindparam("method", type_=ARRAY(Text))),
    "status": IT.status == any_(bindparam("status", type_=ARRAY(Text))),
    "received_from": IT.received_at >= bindparam("received_from", type_=INSTANT),
    "received_to": IT.received_at < bindparam("received_to", type_=INSTANT),
    # In the words of a partial index.
    "unapplied": IT.amount_unapplied > literal_column("0"),
}
"""How each filter of a list narrows it; a value takes its place when the statement is sent."""


class PaymentRepository(Repository):
    """A `view` is a payment with its allocations and refunds."""

    model = Payment
    columns = (
        Payment.id,
        Payment.number,
        Payment.customer_id,
        Payment.location_id,
        Payment.booking_id,
        Payment.currency,
        Payment.amount,
        Payment.method,
        Payment.status,
        Payment.reference,
        Payment.received_at,
        Payment.amount_applied,
        Payment.amount_refunded,
        Payment.amount_unapplied,
        Payment.notes,
        Payment.reversed_at,
        Payment.reverse_reason,
        Payment.created_by,
        Payment.version,
        Payment.created_at,
        Payment.updated_at,
    )
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "fk__payments__tenant_id__customer_id": UnknownCustomer,
        "fk__payments__tenant_id__booking_id": UnknownBooking,
        "uq__payments__tenant_id__number": NumberTaken,
    }

    def lock(self, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """Lock payments against other writers, by ascending id, and return those that there are.

        The documents that they are for are locked before.
        """
        return self._send(self._locked(), {"ids": sorted(ids)}).all()

    def lock_one(self, id_: UUID) -> Row[Any]:
        """Lock one payment likewise.

        :raises NotFound: if there is none.
        """
        rows = self.lock([id_])
        if not rows:
            raise NotFound
        return rows[0]

    def lock_payments_of(self, document_id: UUID) -> Sequence[Row[Any]]:
        """Lock all payments that are for a document, which the caller has locked, by ascending id."""
        return self._send(self._locked_of(), {"document_id": document_id}).all()

    def settle_payments(self, ids: Iterable[UUID]) -> Sequence[Row[Any]]:
        """Reckon anew what payments, which the caller has locked, are applied and refunded to.

        One statement, however many; their state follows, their versions count up.

        :return: their rows, in no order.
        """
        applied, refunded = Allocated.total(), Refunded.total()
        status = case(
            (IT.status == "reversed", IT.status),
            (refunded == Decimal(0), "succeeded"),
            (refunded < IT.amount, "partially_refunded"),
            else_="refunded",
        )
        statement = self.update().where(IT.id.in_(sorted(ids)))
        statement = statement.values(
            amount_applied=applied,
            amount_refunded=refunded,
            status=status,
            version=IT.version + 1,
            updated_at=func.now(),
        )
        return self._send(statement.returning(*self._shown()), {}).all()

    def view(self, id_: UUID) -> Row[Any]:
        """Return a payment with its `allocations` and `refunds` as JSON, each None where there is none.

        :raises NotFound: if there is none.
        """
        rows = self._read(self._view_by_id(), {"sought_id": id_})
        if not rows:
            raise NotFound
        return rows[0]

    def place(self, location_id: UUID | None) -> Row[Any]:
        """Return what numbers a payment: a location and the business's settings.

        :param location_id: None: the default location.
        :return: id, invoice_prefix, country, timezone of the location; settings.
        :raises NotFound: if there is no such location.
        """
        rows = self._read(_place(location_id is None), {"location_id": location_id})
        if not rows:
            raise NotFound
        return rows[0]

    def search(
        self,
        request: PageRequest,
        *,
        with_allocations: bool = False,
        customer_id: UUID | None = None,
        invoice_id: UUID | None = None,
        booking_id: UUID | None = None,
        method: Sequence[str] = (),
        status: Sequence[str] = (),
        received_from: datetime | None = None,
        received_to: datetime | None = None,
        unapplied: bool = False,
    ) -> Page:
        """Return one page of payments; every filter narrows, None and empty ones do not.

        :param with_allocations: show each one's `allocations`, too, as `view` does.
        """
        values = {
            "customer_id": customer_id,
            "invoice_id": invoice_id,
            "booking_id": booking_id,
            "method": list(method) or None,
            "status": list(status) or None,
            "received_from": received_from,
            "received_to": received_to,
            "unapplied": unapplied or None,
        }
        given = {name: value for name, value in values.items() if value is not None}
        return self.page(self._filtered(tuple(given), with_allocations), request, **given, own=True)

    @classmethod
    @lru_cache(maxsize=256)
    def _filtered(cls, names: tuple[str, ...], with_allocations: bool) -> Select[Any]:
        statement = cls._prepared(*cls._shown()).where(*(FILTERS[name] for name in names))
        return statement.add_columns(Allocated.of_payment()) if with_allocations else statement

    @classmethod
    @cache
    def _view_by_id(cls) -> Select[Any]:
        shown = cls._prepared(*cls._shown(), Allocated.of_payment(), Refunded.of_payment())
        return shown.where(IT.id == bindparam("sought_id"))

    @classmethod
    @cache
    def _locked(cls) -> Select[Any]:
        chosen = cls._prepared(*cls._shown()).where(IT.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
        return chosen.order_by(IT.id).with_for_update()

    @classmethod
    @cache
    def _locked_of(cls) -> Select[Any]:
        chosen = cls._prepared(*cls._shown()).where(IT.id.in_(Allocated.payments_of("document_id")))
        return chosen.order_by(IT.id).with_for_update()


class _Places(Repository):
    model = Location

    @classmethod
    def numbering(cls) -> Select[Any]:
        place, business = Location.__table__.c, Tenant.__table__.c
        shown = (place.id, place.invoice_prefix, place.country, place.timezone, business.settings)
        return cls._prepared(*shown).where(business.id == place.tenant_id)


@lru_cache(maxsize=2)
def _place(default: bool) -> Select[Any]:
    place = Location.__table__.c
    which = place.is_default if default else place.id == bindparam("location_id", type_=Uuid)
    return _Places.numbering().where(which)
