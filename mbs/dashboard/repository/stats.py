"""How a business is doing at one instant, and whose days are meant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, func, table

from mbs.bookings.models import Booking
from mbs.customers.models import Customer
from mbs.dashboard.models import EXPECTED, Period, Place
from mbs.dashboard.repository.bookings import BookingFigures
from mbs.dashboard.repository.conditions import starting_in
from mbs.dashboard.repository.documents import DocumentFigures
from mbs.dashboard.repository.money import MoneyFigures
from mbs.foundation.errors import FieldFault, InvalidReference
from mbs.foundation.policies import booking_policy
from mbs.foundation.repository import Repository
from mbs.locations.models import Location

BUSINESS = table("tenants", column("id"), column("timezone"), column("currency"), column("settings"))
"""What is asked of the business itself."""


class PlaceRepository(Repository):
    """Whose days are meant: the business's, or one location's."""

    model = Location
    columns = (Location.id, Location.timezone)

    def place(self, location_id: UUID | None) -> Place:
        """Return whose days are meant.

        :raises InvalidReference: if there is no such location.
        """
        zone = BUSINESS.c.timezone if location_id is None else Location.timezone
        statement = self.select(BUSINESS.c.currency, BUSINESS.c.settings, zone.label("timezone"))
        chosen = Location.is_default if location_id is None else self._id() == location_id
        found = self._transaction.execute(
            statement.where(BUSINESS.c.id == Location.tenant_id, chosen)
        ).one_or_none()
        if found is None:
            fault = FieldFault("locationId", "invalid_reference", "There is no such location.")
            raise InvalidReference(errors=[fault])
        policy = booking_policy(found.settings, {})
        return Place(found.timezone, found.currency, policy["firstDayOfWeek"])

    def stats(
        self,
        *,
        today: Period,
        month: Period,
        lately: Period,
        at: datetime,
        currency: str,
        location_id: UUID | None,
        last_month: Period | None,
    ) -> Row[Any]:
        """Return how the business is doing at an instant.

        :param last_month: the month before; without it nothing is told of invoices and payments.
        :return: customers, bookings, today, upcoming, and of those that began lately: begun, cancelled,
            no_show; booked_this_month is an amount of one currency. Likewise, and only if asked for: revenue,
            last_revenue, outstanding, overdue, received, refunded.
        """
        bookings = BookingFigures(self._transaction)
        begun = (Booking.start_at >= lately.start, Booking.start_at < at, Booking.status != "pending")
        own_customers = _Customers(self._transaction).select(func.count()).where(Customer.status == "active")
        figures = {
            "bookings": bookings.counted(at, location_id),
            "today": bookings.counted(at, location_id, *starting_in(today)).where(
                Booking.status.in_(EXPECTED)
            ),
            "upcoming": bookings.counted(at, location_id, Booking.start_at >= at).where(
                Booking.status.in_(EXPECTED)
            ),
            "begun": bookings.counted(at, location_id, *begun),
            "cancelled": bookings.counted(at, location_id, *begun).where(Booking.status == "cancelled"),
            "no_show": bookings.counted(at, location_id, *begun).where(Booking.status == "no_show"),
        }
        figures["booked_this_month"] = bookings.worth(month, currency, location_id)
        if last_month is not None:
            documents, money = DocumentFigures(self._transaction), MoneyFigures(self._transaction)
            figures |= {
                "revenue": documents.revenue_of(month, currency, location_id),
                "last_revenue": documents.revenue_of(last_month, currency, location_id),
                "outstanding": documents.owed(currency, location_id),
                "overdue": documents.owed(currency, location_id, before=today.first),
                "received": money.received_in(month, currency, location_id),
                "refunded": money.refunded_in(month, currency, location_id),
            }
        # One row to hang them on, for a statement starts from a table.
        statement = self.select(
            own_customers.scalar_subquery().label("customers"),
            *(figure.scalar_subquery().label(name) for name, figure in figures.items()),
        )
        return self._transaction.execute(statement.where(Location.is_default)).one()


class _Customers(Repository):
    model = Customer
    columns = (Customer.id,)
