"""What the questions have in common: which bookings are meant, and in which part of a period they are."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Integer, Numeric, case, func, literal
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.sql.elements import Grouping

from mbs.bookings.models import INSTANT, Booking
from mbs.dashboard.models import Period

NO_MONEY = literal(0, Numeric)


def of_tenant(model: Any) -> ColumnElement[bool]:
    """Keep a joined table to the tenant of the bookings."""
    same: ColumnElement[bool] = model.tenant_id == Booking.tenant_id
    return same


def starting_in(period: Period) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return (Booking.start_at >= period.start, Booking.start_at < period.end)


def at_location(location_id: UUID | None) -> tuple[ColumnElement[bool], ...]:
    """Keep to the bookings of a location; None keeps all."""
    return (Booking.location_id == location_id,) if location_id is not None else ()


def status_at(instant: datetime) -> ColumnElement[str]:
    """Return the state that a reader sees: that a hold has run out, nobody may have written down yet."""
    over = Booking.status.in_(("held", "pending")) & (Booking.expires_at <= instant)
    return case((over, "expired"), else_=Booking.status)


def part_of(instant: Any, period: Period) -> ColumnElement[int]:
    """Return the number of the part in which an instant lies: from 1; 0 is before the period."""
    return func.width_bucket(instant, _boundaries(period), type_=Integer)


def boundary(period: Period, number: Any) -> Any:
    """Return when the part of a number begins, which is when the one before it ends."""
    # In brackets, or else the subscript would belong to the cast of the array.
    return Grouping(_boundaries(period))[number]


def _boundaries(period: Period) -> Any:
    return literal(list(period.boundaries), ARRAY(INSTANT))
