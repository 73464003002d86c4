"""The one place where local times become instants and back (zoneinfo alone; never PostgreSQL).

Twice a year a local time does not exist or exists twice. PostgreSQL and Python then disagree on the instant,
and so would two places of this program.
"""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_A_DAY = 1440


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def local(instant: datetime, timezone: str) -> datetime:
    """Return the local time of an instant, without an offset."""
    return instant.astimezone(zone(timezone)).replace(tzinfo=None)


def exists(wall: datetime, timezone: str) -> bool:
    """Tell whether clocks ever show a local time: in spring they leap over some."""
    aware = wall.replace(tzinfo=zone(timezone))
    return local(aware.astimezone(UTC), timezone) == wall.replace(fold=0)


def instant(wall: datetime, timezone: str, *, fold: int = 0) -> datetime:
    """Return the instant, in UTC, at which clocks show a local time.

    Of one that is shown twice, `fold` chooses the first (0) or the second (1). One that is never shown is
    the first instant behind the gap.
    """
    aware = wall.replace(tzinfo=zone(timezone), fold=fold)
    found = aware.astimezone(UTC)
    if local(found, timezone) == wall.replace(fold=0):
        return found
    return _behind_gap(wall, timezone)


def opens(day: date, minute: int, timezone: str) -> datetime:
    """Return when a window opens: of a minute that is shown twice, the first time.

    :param minute: of the local day; 1440 and more are on the next.
    """
    return instant(_wall(day, minute), timezone, fold=0)


def closes(day: date, minute: int, timezone: str) -> datetime:
    """Return when a window closes: of a minute that is shown twice, the second time."""
    return instant(_wall(day, minute), timezone, fold=1)


def _wall(day: date, minute: int) -> datetime:
    return datetime.combine(day, time.min) + timedelta(minutes=minute)


def _behind_gap(wall: datetime, timezone: str) -> datetime:
    # With the offset of before the gap the time lands behind it, with the offset of after it in front of it.
    place = zone(timezone)
    early = wall.replace(tzinfo=place, fold=1).astimezone(UTC)
    late = wall.replace(tzinfo=place, fold=0).astimezone(UTC)
    before = early.astimezone(place).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) / 2
        if middle.astimezone(place).utcoffset() == before:
            early = middle
        else:
            late = middle
    return late.replace(microsecond=0)
