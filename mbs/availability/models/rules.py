"""How early and how late one may book, and what a booking costs."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Any, Literal

NIGHTS_A_WEEK = 7


def earliest(policy: Mapping[str, Any], now: datetime, *, exempt: bool) -> datetime:
    """Return from when on an appointment or a class may begin.

    :param exempt: whether the caller is of the business, whom its notice does not bind.
    """
    return now if exempt else now + timedelta(minutes=policy["minNoticeMin"])


def latest(policy: Mapping[str, Any], now: datetime, *, exempt: bool) -> datetime | None:
    """Return the last instant at which it may begin; None: any.

    :param exempt: as of `earliest`.
    """
    return None if exempt else now + timedelta(days=policy["maxAdvanceDays"])


def too_early_or_late(
    policy: Mapping[str, Any], start: datetime, now: datetime, *, exempt: bool
) -> Literal["notice", "too_far_ahead"] | None:
    """Return which rule keeps a start from being booked now; None: none does."""
    if start < earliest(policy, now, exempt=exempt):
        return "notice"
    last = latest(policy, now, exempt=exempt)
    return "too_far_ahead" if last is not None and start > last else None


def quantity(mode: str, unit: str, *, party_size: int, minutes: int) -> Decimal:
    """Return how many units of its price an appointment or a class of so many minutes is.

    By the booking one; by the person or unit as many as come; by the hour to the thousandth; by longer units
    as many as are begun. A class costs each person the same, however long it is.
    """
    if unit == "booking":
        return Decimal(1)
    if mode == "session" or unit in ("person", "unit"):
        return Decimal(party_size)
    if unit == "hour":
        return (Decimal(minutes) / 60).quantize(Decimal("0.001"))
    length = {"week": NIGHTS_A_WEEK, "month": 31}.get(unit, 1)
    return (Decimal(minutes) / 1440 / length).to_integral_value(ROUND_CEILING)


def stay_quantity(unit: str, *, party_size: int, check_in: date, check_out: date) -> Decimal:
    """Return how many units of its price a stay is.

    Nights are those of the calendar, so that a change of the clock costs nobody an hour. Weeks and months
    count as soon as they begin; a month is over on the same day of the next, or on its last day where that
    has no such day. All but a price for the booking are for each person.
    """
    nights = (check_out - check_in).days
    if unit == "booking":
        return Decimal(1)
    units = {"hour": nights * 24, "night": nights, "day": nights, "week": -(-nights // NIGHTS_A_WEEK)}
    if unit == "month":
        units["month"] = _months(check_in, check_out)
    return Decimal(party_size * units.get(unit, 1))


def _months(start: date, end: date) -> int:
    # Counted from the first day each time: 31 January, 28 February, 31 March.
    whole = (end.year - start.year) * 12 + end.month - start.month
    last_day = (end.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
    return whole + (end.day > min(start.day, last_day.day)) or 1
