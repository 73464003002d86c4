"""How lists of bookings are narrowed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import (
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import ColumnElement

from mbs.allocations.models import Allocation
from mbs.bookings.models import INSTANT, KEY, WAITING, Booking, BookingItem
from mbs.bookings.repository.parts import Items, Taken, status_shown
from mbs.foundation.repository import Repository
from mbs.resources.models import Resource
from mbs.tenants.models import Membership


class _Calendar(Repository):
    """The bookings of a question about bookings."""

    model = Booking


class _Served(Repository):
    """What of a calendar is a person's own."""

    model = Resource

    @classmethod
    def by(cls, user: str) -> ColumnElement[bool]:
        """Return whether somebody made a booking, serves it, or gives the class that it is a seat of."""
        it, membership = Resource.__table__.c, Membership.__table__.c
        me = cls._prepared(it.id).where(
            membership.tenant_id == it.tenant_id,
            membership.id == it.member_id,
            membership.user_id == bindparam(user, type_=Uuid),
        )
        taken, booking = Allocation.__table__.c, Booking.__table__.c
        mine = taken.resource_id == me.scalar_subquery()
        classes = Taken._prepared(taken.session_id).where(mine, taken.session_id.is_not(None))
        # Each arm begins at what is theirs, however much of the calendar is not.
        return booking.id.in_(
            union_all(
                _Calendar._prepared(booking.id)
                .where(booking.created_by == bindparam(user, type_=Uuid))
                .correlate(None),
                Taken._prepared(taken.booking_id).where(mine, taken.booking_id.is_not(None)),
                _Calendar._prepared(booking.id).where(booking.session_id.in_(classes)).correlate(None),
            )
        )


def _under_way_since() -> ColumnElement[Any]:
    """Return the earliest start of what may still go on at the parameter `from_`.

    What is short began within a day of it, so that nobody reads through all that is over; few are long.
    """
    it = Booking.__table__.c
    on = it.end_at > bindparam("from_", type_=INSTANT)
    # A bare min() would be looked for from the oldest booking on; FILTER leaves but the index of long ones.
    start = _Calendar._prepared(func.min(it.start_at).filter(on))
    started = start.where(it.long, on).correlate(None)
    return func.least(bindparam("day_before", type_=INSTANT), started.scalar_subquery(), type_=INSTANT)


def _with_item(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return Booking.__table__.c.id.in_(Items._prepared(BookingItem.__table__.c.booking_id).where(*conditions))


def _taking(*conditions: ColumnElement[bool]) -> ColumnElement[bool]:
    return Booking.__table__.c.id.in_(Taken._prepared(Allocation.__table__.c.booking_id).where(*conditions))


FILTERS: Mapping[str, ColumnElement[bool]] = {
    "from_": and_(Booking.end_at > bindparam("from_", type_=INSTANT), Booking.start_at >= _under_way_since()),
    "to": Booking.start_at < bindparam("to", type_=INSTANT),
    "status": status_shown() == any_(bindparam("status", type_=ARRAY(Text))),
    # In the words of a partial index: whoever awaits an answer is among few.
    "waiting": Booking.status.in_([literal_column(f"'{status}'") for status in WAITING]),
    "customer_id": Booking.customer_id == bindparam("customer_id", type_=Uuid),
    "location_id": Booking.location_id == bindparam("location_id", type_=Uuid),
    "session_id": Booking.session_id == bindparam("session_id", type_=Uuid),
    "service_id": _with_item(BookingItem.catalog_item_id == bindparam("service_id", type_=Uuid)),
    "resource_id": _taking(Allocation.resource_id == bindparam("resource_id", type_=Uuid)),
    "staff_id": _taking(
        Allocation.resource_id == bindparam("staff_id", type_=Uuid), Allocation.kind == "staff"
    ),
    "source": Booking.source == any_(bindparam("source", type_=ARRAY(Text))),
    "reference": Booking.reference == bindparam("reference", type_=KEY),
    "updated_since": Booking.updated_at >= bindparam("updated_since", type_=INSTANT),
    "only_of": _Served.by("only_of"),
}
"""How each filter narrows; a value takes its place when the statement is sent."""
