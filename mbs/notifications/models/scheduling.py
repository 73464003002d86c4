"""When messages are due that wait for their time: reminders, and what owners are told once a day."""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import NamedTuple

from mbs.events.models import instant
from mbs.foundation.local_time import local, opens
from mbs.notifications.models.rules import BOOKING_REMINDERS, COMING, INVOICE_REMINDERS, MORNING, Rule

DAY = timedelta(days=1)
LAST_WORD = timedelta(days=7)
"""For how long the last reminder of an invoice may come late."""


class Reminder(NamedTuple):
    """`about` is what makes it another one when its object moves: the start, or the due date."""

    rule: Rule
    about: str
    due_at: datetime
    expires_at: datetime


def booking_reminders(status: str, start_at: datetime) -> Sequence[Reminder]:
    """Return the reminders of a booking, those that have gone out included; none unless somebody comes."""
    if status not in COMING:
        return ()
    about = instant(start_at)
    return [Reminder(rule, about, start_at + rule.delay, start_at) for rule in BOOKING_REMINDERS]


def invoice_reminders(status: str, due_date: date | None, timezone: str) -> Sequence[Reminder]:
    """Return the reminders of an invoice, those that have gone out included; none unless it is owed.

    Each is given up when the next one is due: who hears late hears only the last.

    :param timezone: of its location.
    """
    if status != "open" or due_date is None:
        return ()
    times = [opens(due_date + rule.delay, MORNING * 60, timezone) for rule in INVOICE_REMINDERS]
    ends = [opens(due_date + DAY, 0, timezone), *times[2:], times[-1] + LAST_WORD]
    return [
        Reminder(rule, due_date.isoformat(), due_at, expires_at)
        for rule, due_at, expires_at in zip(INVOICE_REMINDERS, times, ends, strict=True)
    ]


def digest_at(at: datetime, *, hour: int, timezone: str) -> datetime:
    """Return when what happens at an instant is told to owners: at the next such hour of their clock."""
    today = local(at, timezone).date()
    days: Collection[date] = (today, today + DAY)
    return next(told for day in days if (told := opens(day, hour * 60, timezone)) > at)
