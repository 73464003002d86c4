"""What is asked for: services, each at a time, which may depend on the place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from mbs.availability.models.offer import Offer
from mbs.foundation import local_time
from mbs.foundation.errors import FieldFault
from mbs.sessions.errors import NonexistentLocalTime

STAY = "stay"


@dataclass(frozen=True, slots=True)
class At:
    """An instant."""

    instant: datetime

    def start(self, timezone: str) -> datetime:
        return self.instant


@dataclass(frozen=True, slots=True)
class Local:
    """A time of day at the location; `field` is what it is called on the wire."""

    wall: datetime
    fold: int
    field: str

    def start(self, timezone: str) -> datetime:
        """Return the instant at which clocks show the time.

        :raises NonexistentLocalTime: if they never do.
        """
        if not local_time.exists(self.wall, timezone):
            message = f"Clocks in {timezone} do not show that time on that day."
            raise NonexistentLocalTime(errors=[FieldFault(self.field, "invalid", message)])
        return local_time.instant(self.wall, timezone, fold=self.fold)


@dataclass(frozen=True, slots=True)
class Nights:
    """Dates of the calendar, of which the last is the day on which the guests leave."""

    check_in: date
    check_out: date


When = At | Local | Nights


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """One service. `when` is None of one that follows the one before it.

    `minutes` and `unit_price` are what was agreed on earlier, None: what they are now. `current` is what a
    booking has already and keeps if it can.
    """

    offer: Offer
    when: When | None
    minutes: int | None = None
    unit_price: Decimal | None = None
    current: frozenset[UUID] = frozenset()


def when(asked: Mapping[str, Any], *, path: str = "") -> When | None:
    """Return the time that a body names, None if it names none.

    :param path: what stands before the names of its fields in errors, like `items.0.`.
    """
    if "start_at" in asked:
        return At(asked["start_at"])
    if "booking_date" in asked:
        wall = datetime.combine(asked["booking_date"], time.fromisoformat(asked["start_time"]))
        return Local(wall, asked.get("fold", 0), f"{path}startTime")
    if "check_in" in asked:
        return Nights(asked["check_in"], asked["check_out"])
    return None
