"""Who came, how often, and what they paid for."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, or_
from sqlalchemy.orm import aliased

from mbs.bookings.models import Booking
from mbs.customers.models import Customer
from mbs.dashboard.models import AGREED, TOP, Period
from mbs.dashboard.repository.conditions import NO_MONEY, at_location, starting_in
from mbs.foundation.repository import Repository


class VisitRepository(Repository):
    model = Booking
    columns = (Booking.id,)

    def visitors(self, period: Period, *, currency: str, location_id: UUID | None) -> Sequence[Row[Any]]:
        """Return the customers who came most or paid most, each with figures of all who came.

        A visit is an agreed booking that starts in the period. Nobody is new who had one before it.

        :return: customer_id, name, visits, amount (in one currency), by_visits and by_amount (their ranks),
            and the same in each row: customers, all_visits, new.
        """
        earlier, visits = aliased(Booking), func.count()
        known = exists().where(
            earlier.tenant_id == self._transaction.tenant_id,
            earlier.customer_id == Booking.customer_id,
            earlier.start_at < period.start,
            earlier.status.in_(AGREED),
        )
        amount = func.coalesce(func.sum(Booking.amount).filter(Booking.currency == currency), NO_MONEY)
        last = Booking.customer_id
        came = self.select(
            Booking.customer_id.label("customer_id"),
            visits.label("visits"),
            amount.label("amount"),
            func.row_number().over(order_by=(visits.desc(), amount.desc(), last)).label("by_visits"),
            func.row_number().over(order_by=(amount.desc(), visits.desc(), last)).label("by_amount"),
            func.count().over().label("customers"),
            func.sum(visits).over().label("all_visits"),
            func.count().filter(~known).over().label("new"),
        ).where(*starting_in(period), Booking.status.in_(AGREED), *at_location(location_id))
        each = came.group_by(Booking.customer_id).subquery("came")
        statement = (
            _Customers(self._transaction)
            .select(Customer.name, *each.c)
            .join(each, each.c.customer_id == Customer.id)
            .where(or_(each.c.by_visits <= TOP, each.c.by_amount <= TOP))
        )
        return self._transaction.execute(statement).all()


class _Customers(Repository):
    model = Customer
    columns = (Customer.id,)
