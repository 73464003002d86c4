"""The hours in which customers are left alone (domain 6): what a message does that comes into them."""

from collections.abc import Mapping
from datetime import datetime, time, timedelta
from typing import Literal, NamedTuple

from mbs.foundation.local_time import closes, local, opens

URGENT = timedelta(hours=4)
"""What speaks of something that begins sooner goes at any hour."""

MINUTES_AN_HOUR = 60


class Rest(NamedTuple):
    """`queued`: it may go now; `scheduled`: it goes at `until`; `expired`: by then it is of no use."""

    status: Literal["queued", "scheduled", "expired"]
    until: datetime | None = None


GOES = Rest("queued")


def rest(
    at: datetime,
    *,
    hours: Mapping[str, str] | None,
    timezone: str,
    category: str = "transactional",
    starts_at: datetime | None = None,
    expires_at: datetime | None = None,
) -> Rest:
    """Return what quiet hours make of a message to a customer.

    :param hours: the window on the recipient's clock, `from` and `to` as `HH:MM`; it may go past midnight.
        None: there is none.
    :param timezone: the recipient's.
    :param starts_at: when the booking starts of which it speaks.
    :param expires_at: from when on the message is of no use.
    """
    until = _end(at, hours, timezone) if hours is not None else None
    if until is None:
        return GOES
    if category == "transactional" and starts_at is not None and at <= starts_at < at + URGENT:
        return GOES
    if expires_at is not None and expires_at <= until:
        return Rest("expired")
    return Rest("scheduled", until)


def _end(at: datetime, hours: Mapping[str, str], timezone: str) -> datetime | None:
    first, last = _minute(hours["from"]), _minute(hours["to"])
    today = local(at, timezone).date()
    # Compared as instants: a window with a change of clocks in it is an hour longer or shorter, and nothing
    # in it is shown twice.
    for day in (today - timedelta(days=1), today):
        closing = day + timedelta(days=1) if last <= first else day
        end = closes(closing, last, timezone)
        if opens(day, first, timezone) <= at < end:
            # What clocks leap over may be all that lies between this window and the next one.
            return _end(end, hours, timezone) or end
    return None


def _minute(clock: str) -> int:
    shown = time.fromisoformat(clock)
    return shown.hour * MINUTES_AN_HOUR + shown.minute
