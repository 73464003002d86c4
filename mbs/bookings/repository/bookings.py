"""Bookings, written and found again."""

from collections import namedtuple
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    Row,
    Select,
    Uuid,
    any_,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY

from mbs.bookings.errors import UnknownCustomer
from mbs.bookings.models import LONG, STATUSES, WAITING, Booking, reference_of, status_at
from mbs.bookings.repository.filters import FILTERS
from mbs.bookings.repository.parts import Customers, Items, Taken, status_shown
from mbs.foundation.errors import Busy, MbsError, NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.policies import booking_policy
from mbs.foundation.repository import Repository


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
    constraint_errors: ClassVar[Mapping[str, type[MbsError]]] = {
        "uq__bookings__tenant_id__reference": Busy,
        "fk__bookings__tenant_id__customer_id": UnknownCustomer,
    }

    def add_with_items(self, values: Mapping[str, Any], items: Sequence[Mapping[str, Any]]) -> Row[Any]:
        """Insert a booking with its items, numbered from 1 in their order, and return its row.

        :param values: id, reference, customer_id, location_id, mode, status, start_at, end_at, timezone,
            source, amount, currency; whatever else of the columns.
        :param items: of each id, catalog_item_id, name, quantity, unit_price, price_unit, amount, start_at,
            end_at.
        """
        booking = self._insert_kept(self._insert(), values)
        Items(self._transaction).add_all(booking.id, items)
        return booking

    def replace_items(self, id_: UUID, items: Sequence[Mapping[str, Any]]) -> None:
        """Give a booking other items, as `add_with_items` takes them."""
        booking_items = Items(self._transaction)
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

    def view_own(self, id_: UUID, *, at: datetime, only_of: UUID | None) -> Any:
        """Return a booking likewise, if it is one of a person's own; None: whosever it is.

        :raises NotFound: if there is none, or it is not theirs.
        """
        seen = self.view(id_, at=at)
        if only_of is not None and not self.is_of(id_, only_of):
            raise NotFound
        return seen

    def changed(self, seen: Any, values: Mapping[str, Any], *, version: int | None, at: datetime) -> Any:
        """Change columns of a booking and return its view.

        :param seen: the view of it before; what it takes and its items are not changed here.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        row = self.change(seen.id, values, version=version)
        if row.version != seen.version + 1:
            return self.view(seen.id, at=at)
        stored = {**row._asdict(), "status": status_at(row, at)}
        return _shape()(**stored, items=seen.items, resources=seen.resources)

    def policy(self, id_: UUID) -> Mapping[str, Any]:
        """Return the rules that a booking is under: those of its first service and of the business."""
        row = self._send(Items.policies(), {"sought_id": id_}).one()
        return booking_policy(row.settings, row.policy)

    def views(self, ids: Iterable[UUID], *, at: datetime) -> Sequence[Row[Any]]:
        """Return several bookings likewise, by ascending id; those that there are."""
        return self._read(self._views_by_id(), {"ids": sorted(ids), "at": at})

    def is_of(self, id_: UUID, user_id: UUID) -> bool:
        """Tell whether a booking is one of a person's own: made by them, or theirs to serve."""
        return bool(self._read(self._owned(), {"sought_id": id_, "only_of": user_id}))

    def search(
        self, request: PageRequest, *, at: datetime, with_customers: bool = False, **filters: Any
    ) -> Page:
        """Return one page of bookings as `view` shows them.

        :param with_customers: show each one's `customer`, too: id, name, email and phone as JSON.
        :param filters: of `FILTERS`; None and empty ones do not narrow.
        """
        given = {name: value for name, value in filters.items() if value not in (None, [])}
        if "reference" in given:
            given["reference"] = reference_of(given["reference"])
        names = set(given)
        if "from_" in given:
            given["day_before"] = given["from_"] - LONG
        if set(given.get("status", STATUSES)) <= set(WAITING):
            names.add("waiting")
        return self.page(self._filtered(tuple(sorted(names)), with_customers), request, **given, at=at)

    @classmethod
    @lru_cache(maxsize=256)
    def _filtered(cls, names: tuple[str, ...], with_customers: bool) -> Select[Any]:
        statement = cls._views().where(*(FILTERS[name] for name in names))
        return statement.add_columns(Customers.of_booking()) if with_customers else statement

    @classmethod
    @cache
    def _owned(cls) -> Select[Any]:
        id_ = cls.model.__table__.c.id
        return cls._prepared(id_).where(id_ == bindparam("sought_id"), FILTERS["only_of"])

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
        shown = (status_shown() if column.key == "status" else column for column in cls._shown())
        return cls._prepared(*shown, Items.of_booking(), Taken.of_booking())


@cache
def _shape() -> Any:
    """Return the class of a view of what has just been written, which is not read again."""
    return namedtuple("View", [*(column.key for column in BookingRepository.columns), "items", "resources"])
