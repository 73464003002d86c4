"""Instants as whole seconds, and as the text of the wire, for thousands of slots at a time."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from mbs.foundation import local_time

MINUTE = 60
DAY = 86400

CLOCK = tuple(f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440))
"""Each minute of a day as clocks show it."""


@lru_cache(maxsize=16384)
def opens(day: date, minute: int, timezone: str) -> int:
    """Return when a window opens, as `local_time.opens`, in seconds."""
    return seconds(local_time.opens(day, minute, timezone))


@lru_cache(maxsize=16384)
def closes(day: date, minute: int, timezone: str) -> int:
    """Return when a window closes, as `local_time.closes`, in seconds."""
    return seconds(local_time.closes(day, minute, timezone))


def seconds(instant_: datetime) -> int:
    """Return the last whole second at or before an instant."""
    return int(instant_.timestamp() // 1)


def seconds_up(instant_: datetime) -> int:
    """Return the first whole second at or after an instant."""
    return -int(-instant_.timestamp() // 1)


def instant(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)


def local_day(instant_: datetime, timezone: str) -> date:
    return local_time.local(instant_, timezone).date()


def days_between(first: int, last: int, timezone: str) -> list[tuple[int, int]]:
    """Return the local days from one instant to another: the first second of each, and of the next."""
    day, end = (local_day(instant(second), timezone) for second in (first, last))
    days = [day + timedelta(days=number) for number in range((end - day).days + 1)]
    return [(opens(one, 0, timezone), opens(one, 1440, timezone)) for one in days]


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return date.fromordinal(719163 + day).isoformat()


def written(second: int) -> str:
    """Return an instant of a whole second as RFC 3339 in UTC."""
    day, rest = divmod(second, DAY)
    minute, odd = divmod(rest, MINUTE)
    return f"{_day_text(day)}T{CLOCK[minute]}:{odd:02}Z"


@lru_cache(maxsize=4096)
def _offset(day: int, timezone: str) -> int | None:
    """Return by how many seconds local time is ahead of UTC on a day of UTC; None if that changes then."""
    first, last = (_ahead(second, timezone) for second in (day * DAY, (day + 1) * DAY))
    return first if first == last else None


def _ahead(second: int, timezone: str) -> int:
    at = instant(second)
    return round((local_time.local(at, timezone) - at.replace(tzinfo=None)) / timedelta(seconds=1))


def local_writer(timezone: str) -> Callable[[int], str]:
    """Return a function that writes an instant as the local time of its minute, `2026-03-02T10:00`."""

    def write(second: int) -> str:
        offset = _offset(second // DAY, timezone)
        if offset is None:
            offset = _ahead(second, timezone)
        day, rest = divmod(second + offset, DAY)
        return f"{_day_text(day)}T{CLOCK[rest // MINUTE]}"

    return write
