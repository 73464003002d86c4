"""Questions put to the bookings of one business, and the one function that writes their events."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import JSON, Row, Select, Text, Uuid, and_, any_, bindparam, case, cast, func, or_
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import Allocation
from mbs.bookings.models import INSTANT, WAITING, Booking, BookingItem, recorded
from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.errors import Busy, MbsError, NotFound
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource


class BookingRepository(Repository):
    """A `view` is a booking with its items and resources, `expired` as soon as its time to wait is over."""

    model = Booking
    columns = (
        Booking.id,
        Booking.reference,
        Booking.customer_id,
        Booking.location_id,
        Booking.session_id,
        Booking.mode,
        Booking.status,
        Booking.start_at,
        Booking.end_at,
        Booking.timezone,
        Booking.party_size,
        Booking.source,
        Booking.amount,
        Booking.currency,
        Booking.deposit_due,
        Booking.fee,
        Booking.fee_reason,
        Booking.notes,
        Booking.internal_notes,
        Booking.expires_at,
        Booking.reschedule_count,
        Booking.status_changed_at,
        Booking.cancelled_at,
        Booking.cancelled_by,
        Booking.cancel_reason,
        Booking.created_by,
        Booking.version,
        Booking.created_at,
        Booking.updated_at,
    )
    # References are random: of a million million two are the same once in a business's lifetime.
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {"uq__bookings__tenant_id__reference": Busy}

    def add_with_items(self, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Row[Any]:
        """Insert a booking with its items, numbered from 1 in their order, and return its row.

        :param values: id, reference, customer_id, location_id, mode, status, start_at, end_at, timezone,
            source, amount, currency; whatever else of the columns.
        :param items: of each id, catalog_item_id, name, quantity, unit_price, price_unit, amount, start_at,
            end_at.
        """
        booking = self._insert_kept(self._insert(), values)
        _Items(self._transaction).add_all(booking.id, items)
        return booking

    def replace_items(self, id_: UUID, items: Sequence[Mapping[str, Any]]) -> None:
        """Give a booking other items, as `add_with_items` takes them."""
        booking_items = _Items(self._transaction)
        booking_items.remove_all(id_)
        booking_items.add_all(id_, items)

    def lock(self, id_: UUID) -> Row[Any]:
        """Return a booking as it is stored, locked against other writers until the transaction ends.

        :raises NotFound: if there is none.
        """
        rows = self._read(self._locked(), {"sought_id": id_})
        if not rows:
            raise NotFound
        return rows[0]

    def view(self, id_: UUID, *, at: datetime) -> Row[Any]:
        """Return a booking with its items and resources, as they are at an instant.

        :return: `columns`, and `items` and `resources` as JSON, which `models` reads.
        :raises NotFound: if there is none.
        """
        rows = self._read(self._view_by_id(), {"sought_id": id_, "at": at})
        if not rows:
            raise NotFound
        return rows[0]

    def views(self, ids: Iterable[UUID], *, at: datetime) -> Sequence[Row[Any]]:
        """Return several bookings likewise, by ascending id; those that there are."""
        return self._read(self._views_by_id(), {"ids": sorted(ids), "at": at})

    @classmethod
    @cache
    def _locked(cls) -> Select[Any]:
        return cls._by_id().with_for_update()

    @classmethod
    @cache
    def _view_by_id(cls) -> Select[Any]:
        return cls._views().where(cls.model.__table__.c.id == bindparam("sought_id"))

    @classmethod
    @cache
    def _views_by_id(cls) -> Select[Any]:
        id_ = cls.model.__table__.c.id
        return cls._views().where(id_ == any_(bindparam("ids", type_=ARRAY(Uuid)))).order_by(id_)

    @classmethod
    @cache
    def _views(cls) -> Select[Any]:
        shown = (status_at() if column.key == "status" else column for column in cls._shown())
        return cls._prepared(*shown, _Items.of_booking(), _Taken.of_booking())


class _Items(Repository):
    model = BookingItem
    columns = (BookingItem.id,)

    def add_all(self, booking_id: UUID, items: Sequence[Mapping[str, Any]]) -> None:
        numbered = [
            {**item, "booking_id": booking_id, "position": number}
            for number, item in enumerate(items, start=1)
        ]
        with self._naming_facts():
            self._transaction.execute(self._insert(), numbered)

    def remove_all(self, booking_id: UUID) -> None:
        self._write(self.delete().where(BookingItem.booking_id == booking_id))

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        item = BookingItem.__table__.c
        # Amounts go as text: read as JSON numbers they would become floats.
        shown = func.json_build_object(
            *("service_id", item.catalog_item_id),
            *("name", item.name),
            *("quantity", cast(item.quantity, Text)),
            *("unit_price", cast(item.unit_price, Text)),
            *("price_unit", item.price_unit),
            *("amount", cast(item.amount, Text)),
            *("start_at", item.start_at),
            *("end_at", item.end_at),
        )
        items = cls._prepared(func.json_agg(aggregate_order_by(shown, item.position), type_=JSON))
        mine = items.where(item.booking_id == Booking.__table__.c.id).correlate(Booking.__table__)
        return mine.scalar_subquery().label("items")


class _Taken(Repository):
    """What a booking takes or, when it is over, took: moving it leaves nothing of its former time."""

    model = Allocation
    columns = (Allocation.id,)

    @classmethod
    def of_booking(cls) -> ColumnElement[Any]:
        taken, resource = Allocation.__table__.c, Resource.__table__.c
        shown = func.json_build_object(
            *("resource_id", taken.resource_id),
            *("kind", taken.kind),
            *("name", resource.name),
            *("slot_no", taken.slot_no),
            *("item_no", taken.item_no),
        )
        order = (taken.item_no, taken.segment_no, taken.kind.desc(), taken.resource_id, taken.slot_no)
        resources = cls._prepared(func.json_agg(aggregate_order_by(shown, *order), type_=JSON)).where(
            taken.booking_id == Booking.__table__.c.id,
            resource.tenant_id == taken.tenant_id,
            resource.id == taken.resource_id,
        )
        return resources.correlate(Booking.__table__).scalar_subquery().label("resources")


def status_at() -> ColumnElement[str]:
    """Return the status as it is at the parameter `at`: whoever was waited for too long is `expired`."""
    row = Booking.__table__.c
    waiting = or_(*(row.status == status for status in WAITING))
    over = and_(waiting, row.expires_at <= bindparam("at", type_=INSTANT))
    return case((over, "expired"), else_=row.status).label("status")


def record(
    transaction: Transaction,
    *,
    type_: str,
    booking: Row[Any],
    previous: Mapping[str, Any],
    at: datetime,
    overrides: Mapping[str, bool] | None = None,
) -> None:
    """Write the event of a change of a booking, as the transaction's last statement.

    :param booking: the view of it after the change.
    :param previous: what the changed columns held before.
    :param overrides: which rules somebody set aside for it.
    """
    data = {"object": recorded(booking._asdict(), booking.currency)}
    data["previous"] = recorded(previous, booking.currency)
    if overrides:
        data["overrides"] = dict(overrides)
    EventRepository(transaction).append(
        type_=type_, object_type="booking", object_id=booking.id, at=at, data=data
    )
