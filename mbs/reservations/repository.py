"""What is read while the resources of a booking are locked, and what is found out of date then."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func

from mbs.allocations.models import Taken
from mbs.allocations.repository import AllocationRepository
from mbs.availability.models.offer import Candidate
from mbs.availability.repository import AvailabilityRepository
from mbs.bookings.models import BLOCKING, WAITING, Booking
from mbs.bookings.repository.of_sessions import expire_bookings
from mbs.customers.models import Customer
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.reservations.errors import CustomerLimit
from mbs.reservations.models.places import Ground, Place, local_day, window
from mbs.reservations.models.rules import most_a_day
from mbs.reservations.models.wishes import Wish
from mbs.resources.models import Resource
from mbs.tenants.models import Membership


class GroundRepository:
    """Reads what a search for places stands on, under the lock that keeps it true."""

    def __init__(self, transaction: Transaction, *, at: datetime) -> None:
        self._transaction = transaction
        self._at = at
        self._expired: Sequence[UUID] = ()

    def read(
        self, wishes: Sequence[Wish], *, also: Iterable[UUID] = (), except_booking: UUID | None = None
    ) -> Ground:
        """Lock all resources that could serve some wishes, and return what is known of them.

        :param also: resources to lock with them, because a booking gives them up.
        :param except_booking: the booking that is moved, which does not stand in its own way.
        :raises NonexistentLocalTime: if clocks never show a local time that is wished for.
        """
        from_, to = window(wishes)
        candidates = _needed(wishes)
        allocations = AllocationRepository(self._transaction)
        locked = {row.id: row for row in allocations.lock([*candidates, *also]) if row.active}
        taken = allocations.taken(
            candidates, from_=from_, to=to, at=self._at, except_booking=except_booking, with_expired=True
        )
        return Ground(
            hours=AvailabilityRepository(self._transaction).hours(candidates.values(), from_, to),
            taken=self.free_expired(taken),
            open={id_: row.bookable_capacity for id_, row in locked.items()},
            capacity={id_: row.capacity for id_, row in locked.items()},
        )

    def free_expired(self, taken: Iterable[Row[Any]]) -> dict[UUID, list[Taken]]:
        """Return what is taken of each resource; holds that are over are freed, if there are any."""
        found: dict[UUID, list[Taken]] = defaultdict(list)
        stale = set()
        for row in taken:
            if row.expires_at is not None and row.expires_at <= self._at:
                stale.add(row.resource_id)
            else:
                found[row.resource_id].append(row)
        if stale:
            self._expired = AllocationRepository(self._transaction).release_expired(stale, at=self._at)
        return found

    def expire(self) -> None:
        """Let the bookings expire whose holds were freed, and record it."""
        if self._expired:
            expire_bookings(self._transaction, self._expired, at=self._at)


class StaffRepository(Repository):
    """The people of a business who are resources of it, too."""

    model = Resource

    def of_person(self, user_id: UUID) -> UUID | None:
        """Return which resource somebody is; None: they are none."""
        mine = self.select(Resource.id).where(
            Membership.tenant_id == Resource.tenant_id,
            Membership.id == Resource.member_id,
            Membership.user_id == user_id,
        )
        found: UUID | None = self._transaction.execute(mine).scalar_one_or_none()
        return found


class CustomerDayRepository(Repository):
    """A customer's bookings, counted one request at a time."""

    model = Customer

    def refuse_more(
        self,
        customer_id: UUID,
        places: Sequence[Place],
        *,
        at: datetime,
        moved: Any = None,
    ) -> None:
        """Refuse a booking on a local day on which the customer has as many as are allowed.

        The customer is locked, so that two at a time do not miss each other.

        :param places: of one booking, whose day is that of the earliest.
        :param moved: the booking as it is before it is moved; within its day it may be.
        :raises CustomerLimit: if they have.
        """
        most = most_a_day(place.offer.policy for place in places)
        if most is None:
            return
        self._transaction.execute(
            self.select(Customer.id).where(Customer.id == customer_id).with_for_update(key_share=True)
        )
        first, last = local_day(min(place.start for place in places), places[0].lead.timezone)
        if moved is not None and first <= moved.start_at < last:
            return
        if _Days(self._transaction).count(customer_id, first, last, at=at) >= most:
            raise CustomerLimit


class _Days(Repository):
    model = Booking

    def count(self, customer_id: UUID, first: datetime, last: datetime, *, at: datetime) -> int:
        counted = self.select(func.count()).where(
            Booking.customer_id == customer_id,
            Booking.start_at >= first,
            Booking.start_at < last,
            Booking.status.in_([*BLOCKING, "completed"]),
            Booking.status.not_in(WAITING) | (Booking.expires_at > at),
        )
        found: int = self._transaction.execute(counted).scalar_one()
        return found


def _needed(wishes: Sequence[Wish]) -> dict[UUID, Candidate]:
    return {
        one.id: one for wish in wishes for kind in wish.offer.needed_kinds for one in wish.offer.of_kind(kind)
    }
