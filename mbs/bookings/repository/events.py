"""The one place where the events of bookings are written."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Row,
)

from mbs.bookings.models import recorded
from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction


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
