"""Bookings read, listed and annotated."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from mbs.bookings.models import BLOCKING, changes
from mbs.bookings.repository.bookings import BookingRepository
from mbs.bookings.repository.events import record
from mbs.customers.repository import CustomerRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin
from mbs.foundation.errors import NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.sessions.repository import SessionRepository


class BookingService:
    """`reads_only_of` and `writes_only_of` narrow what is read and changed to one member's own; None: all."""

    def __init__(
        self, *, begin: Begin, clock: Clock, reads_only_of: UUID | None, writes_only_of: UUID | None
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._reads_only_of = reads_only_of
        self._writes_only_of = writes_only_of

    def read(self, *, id_: UUID) -> Any:
        """Return the view of a booking.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            bookings = BookingRepository(transaction)
            return bookings.view_own(id_, at=self._clock.now(), only_of=self._reads_only_of)

    def search(self, *, request: PageRequest, expand: Sequence[str] = (), **filters: Any) -> Page:
        """Return one page of bookings.

        :param filters: of `FILTERS` in the repository.
        """
        with self._begin(read_only=True) as transaction:
            return BookingRepository(transaction).search(
                request,
                at=self._clock.now(),
                with_customers="customer" in expand,
                only_of=self._reads_only_of,
                **filters,
            )

    def upcoming(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of bookings that take their time and are not over yet."""
        return self.search(request=request, from_=self._clock.now(), status=list(BLOCKING), **filters)

    def of_customer(self, *, customer_id: UUID, request: PageRequest, **filters: Any) -> Page:
        """Return one page of a customer's bookings.

        :raises NotFound: if there is no such customer.
        """
        page = self.search(request=request, customer_id=customer_id, **filters)
        if not page.rows:
            with self._begin(read_only=True) as transaction:
                customers, own = CustomerRepository(transaction), self._reads_only_of
                if own is None:
                    customers.get(customer_id)
                elif not customers.is_of(customer_id, own):
                    raise NotFound
        return page

    def attendees(self, *, session_id: UUID, request: PageRequest, **filters: Any) -> Page:
        """Return one page of the bookings of a class.

        :raises NotFound: if there is no such class.
        """
        page = self.search(request=request, session_id=session_id, **filters)
        if not page.rows:
            with self._begin(read_only=True) as transaction:
                SessionRepository(transaction).view(
                    session_id, at=self._clock.now(), only_of=self._reads_only_of
                )
        return page

    def annotate(self, *, id_: UUID, version: int | None, **values: Any) -> Any:
        """Change the notes of a booking and return its view.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        at = self._clock.now()
        with self._begin() as transaction:
            bookings = BookingRepository(transaction)
            before = bookings.view_own(id_, at=at, only_of=self._writes_only_of)
            booking = bookings.changed(before, values, version=version, at=at)
            previous = changes(before, booking, values)
            record(transaction, type_="booking.updated", booking=booking, previous=previous, at=at)
        return booking
