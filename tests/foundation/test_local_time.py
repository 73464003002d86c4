"""Local times and instants, on the days on which clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbs.foundation import territories
from mbs.foundation.local_time import MINUTES_A_DAY, closes, exists, instant, local, opens

NEW_YORK, LONDON, KOLKATA, SYDNEY = "America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Sydney"
LORD_HOWE, APIA, CASABLANCA, HAVANA = (
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
    "America/Havana",
)

WINDOWS = [
    # Away from the night itself only the offset counts.
    (NEW_YORK, "2026-03-07", "13:00", "18:00", "2026-03-07T18:00", "2026-03-07T23:00"),
    (NEW_YORK, "2026-03-08", "13:00", "18:00", "2026-03-08T17:00", "2026-03-08T22:00"),
    (NEW_YORK, "2026-11-01", "13:00", "18:00", "2026-11-01T18:00", "2026-11-01T23:00"),
    (LONDON, "2026-03-29", "13:00", "18:00", "2026-03-29T12:00", "2026-03-29T17:00"),
    (KOLKATA, "2026-03-08", "13:00", "18:00", "2026-03-08T07:30", "2026-03-08T12:30"),
    (SYDNEY, "2026-10-04", "13:00", "18:00", "2026-10-04T02:00", "2026-10-04T07:00"),
    # Shifts through the night: 7 hours in spring, 9 in autumn, 8 otherwise; on Lord Howe half an hour.
    (NEW_YORK, "2026-03-07", "22:00", "06:00", "2026-03-08T03:00", "2026-03-08T10:00"),
    (NEW_YORK, "2026-10-31", "22:00", "06:00", "2026-11-01T02:00", "2026-11-01T11:00"),
    (LONDON, "2026-03-28", "22:00", "06:00", "2026-03-28T22:00", "2026-03-29T05:00"),
    (LONDON, "2026-10-24", "22:00", "06:00", "2026-10-24T21:00", "2026-10-25T06:00"),
    (KOLKATA, "2026-03-08", "22:00", "06:00", "2026-03-08T16:30", "2026-03-09T00:30"),
    (SYDNEY, "2026-10-03", "22:00", "06:00", "2026-10-03T12:00", "2026-10-03T19:00"),
    (SYDNEY, "2026-04-04", "22:00", "06:00", "2026-04-04T11:00", "2026-04-04T20:00"),
    (LORD_HOWE, "2026-10-03", "22:00", "06:00", "2026-10-03T11:30", "2026-10-03T19:00"),
    (LORD_HOWE, "2026-04-04", "22:00", "06:00", "2026-04-04T11:00", "2026-04-04T19:30"),
    # Times that clocks leap over are the first instant behind the gap, as an opening and as a closing.
    (NEW_YORK, "2026-03-08", "02:30", "04:00", "2026-03-08T07:00", "2026-03-08T08:00"),
    (NEW_YORK, "2026-03-08", "01:00", "02:30", "2026-03-08T06:00", "2026-03-08T07:00"),
    (NEW_YORK, "2026-03-08", "02:00", "03:00", "2026-03-08T07:00", "2026-03-08T07:00"),
    (LONDON, "2026-03-29", "01:59", "03:00", "2026-03-29T01:00", "2026-03-29T02:00"),
    (SYDNEY, "2026-10-04", "02:30", "04:00", "2026-10-03T16:00", "2026-10-03T17:00"),
    (LORD_HOWE, "2026-10-04", "02:15", "03:00", "2026-10-03T15:30", "2026-10-03T16:00"),
    (HAVANA, "2026-03-07", "20:00", "24:00", "2026-03-08T01:00", "2026-03-08T05:00"),
    (HAVANA, "2026-03-08", "00:30", "02:00", "2026-03-08T05:00", "2026-03-08T06:00"),
    # Of times that clocks show twice, the first is when it opens, and the second when it closes.
    (NEW_YORK, "2026-11-01", "01:30", "03:30", "2026-11-01T05:30", "2026-11-01T08:30"),
    (NEW_YORK, "2026-11-01", "00:00", "01:30", "2026-11-01T04:00", "2026-11-01T06:30"),
    (NEW_YORK, "2026-11-01", "01:00", "01:30", "2026-11-01T05:00", "2026-11-01T06:30"),
    (LONDON, "2026-10-25", "01:30", "01:45", "2026-10-25T00:30", "2026-10-25T01:45"),
    (SYDNEY, "2026-04-05", "02:30", "03:00", "2026-04-04T15:30", "2026-04-04T17:00"),
    (LORD_HOWE, "2026-04-05", "01:30", "01:45", "2026-04-04T14:30", "2026-04-04T15:15"),
    (HAVANA, "2026-10-31", "20:00", "24:00", "2026-11-01T00:00", "2026-11-01T05:00"),
    # Morocco goes back for Ramadan and forward after it; Samoa left out a whole day.
    (CASABLANCA, "2026-02-14", "22:00", "06:00", "2026-02-14T21:00", "2026-02-15T06:00"),
    (CASABLANCA, "2026-03-21", "22:00", "06:00", "2026-03-21T22:00", "2026-03-22T05:00"),
    (APIA, "2011-12-29", "22:00", "06:00", "2011-12-30T08:00", "2011-12-30T10:00"),
    (APIA, "2011-12-30", "09:00", "17:00", "2011-12-30T10:00", "2011-12-30T10:00"),
    (APIA, "2011-12-31", "09:00", "17:00", "2011-12-30T19:00", "2011-12-31T03:00"),
    # To the end of the day, and around the clock.
    (KOLKATA, "2026-03-08", "00:00", "24:00", "2026-03-07T18:30", "2026-03-08T18:30"),
    (NEW_YORK, "2026-03-08", "00:00", "24:00", "2026-03-08T05:00", "2026-03-09T04:00"),
    (NEW_YORK, "2026-11-01", "00:00", "24:00", "2026-11-01T04:00", "2026-11-02T05:00"),
]


def minute(clock: str) -> int:
    hours, minutes = clock.split(":")
    return 60 * int(hours) + int(minutes)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class TestAWindow:
    @pytest.mark.parametrize(("zone", "day", "start", "end", "opened", "closed"), WINDOWS)
    def test_opens_and_closes_when_clocks_say(
        self, zone: str, day: str, start: str, end: str, opened: str, closed: str
    ) -> None:
        until = minute(end) if end > start else minute(end) + MINUTES_A_DAY
        assert opens(date.fromisoformat(day), minute(start), zone) == utc(opened)
        assert closes(date.fromisoformat(day), until, zone) == utc(closed)


class TestExists:
    @pytest.mark.parametrize(
        ("zone", "wall", "shown"),
        [
            (NEW_YORK, "2026-03-08T01:59:59.999999", True),
            (NEW_YORK, "2026-03-08T02:00", False),
            (NEW_YORK, "2026-03-08T02:59:59.999999", False),
            (NEW_YORK, "2026-03-08T03:00", True),
            (NEW_YORK, "2026-11-01T01:30", True),
            (LONDON, "2026-03-29T01:00", False),
            (SYDNEY, "2026-10-04T02:30", False),
            (LORD_HOWE, "2026-10-04T02:29", False),
            (LORD_HOWE, "2026-10-04T02:30", True),
            (APIA, "2011-12-29T23:59", True),
            (APIA, "2011-12-30T12:00", False),
            (APIA, "2011-12-31T00:00", True),
            (KOLKATA, "2026-03-08T02:30", True),
        ],
    )
    def test_tells_what_clocks_leap_over(self, zone: str, wall: str, shown: bool) -> None:
        for fold in (0, 1):
            assert exists(datetime.fromisoformat(wall).replace(fold=fold), zone) == shown


class TestLocal:
    def test_has_no_offset(self) -> None:
        assert local(utc("2026-03-08T06:59"), NEW_YORK) == datetime(2026, 3, 8, 1, 59)
        assert local(utc("2026-03-08T07:00"), NEW_YORK) == datetime(2026, 3, 8, 3)
        assert local(utc("2026-03-08T07:00"), NEW_YORK).tzinfo is None

    def test_shows_an_hour_twice_in_autumn(self) -> None:
        shown = [local(utc(f"2026-11-01T0{hour}:30"), NEW_YORK) for hour in (5, 6)]
        assert shown[0] == shown[1] == datetime(2026, 11, 1, 1, 30)
        assert [wall.fold for wall in shown] == [0, 1]


class TestInstant:
    def test_of_a_time_shown_twice_is_the_first_or_the_second(self) -> None:
        wall = datetime(2026, 11, 1, 1, 30)
        assert instant(wall, NEW_YORK) == utc("2026-11-01T05:30")
        assert instant(wall, NEW_YORK, fold=1) == utc("2026-11-01T06:30")

    @pytest.mark.parametrize("fold", [0, 1])
    def test_of_a_time_that_never_was_is_the_first_one_behind_it(self, fold: int) -> None:
        for wall in (
            datetime(2026, 3, 8, 2),
            datetime(2026, 3, 8, 2, 30, 15, 7),
            datetime(2026, 3, 8, 2, 59, 59),
        ):
            assert instant(wall, NEW_YORK, fold=fold) == utc("2026-03-08T07:00")


zones = st.sampled_from(sorted(territories.timezones()))
days = st.dates(date(1970, 1, 1), date(2100, 12, 31))
minutes = st.integers(0, 2 * MINUTES_A_DAY)
folds = st.sampled_from([0, 1])
walls = st.datetimes(datetime(1970, 1, 3), datetime(2100, 12, 31))


@st.composite
def changes(draw: st.DrawFn) -> tuple[datetime, str]:
    """Return a local time close to a change of the clock, with its zone; such nights are two of 365."""
    zone = draw(zones)
    year = draw(st.integers(1970, 2037))
    hours = [utc(f"{year}-01-01T00:00") + timedelta(hours=number) for number in range(0, 366 * 24, 6)]
    ahead = [local(hour, zone) - hour.replace(tzinfo=None) for hour in hours]
    nights = [hour for hour, one, other in zip(hours, ahead, ahead[1:], strict=False) if one != other]
    near = draw(st.sampled_from(nights)) if nights else draw(st.sampled_from(hours))
    return local(near, zone).replace(fold=0) + timedelta(minutes=draw(st.integers(-180, 600))), zone


class TestEveryZone:
    def test_is_known_here(self) -> None:
        assert len(territories.timezones() & available_timezones()) > 400

    @given(walls, zones, folds)
    def test_brings_a_time_back_that_exists(self, wall: datetime, zone: str, fold: int) -> None:
        check_round_trip(wall, zone, fold)

    @given(changes(), folds)
    def test_does_so_when_clocks_change(self, change: tuple[datetime, str], fold: int) -> None:
        check_round_trip(*change, fold)

    @given(days, minutes, minutes, zones)
    def test_opens_before_it_closes(self, day: date, one: int, other: int, zone: str) -> None:
        check_order(day, one, other, zone)

    @given(changes(), minutes, minutes)
    def test_does_so_in_such_nights(self, change: tuple[datetime, str], one: int, other: int) -> None:
        check_order(change[0].date(), one % 600, other % 600, change[1])


def check_round_trip(wall: datetime, zone: str, fold: int) -> None:
    found = instant(wall, zone, fold=fold)
    if exists(wall, zone):
        assert local(found, zone) == wall
        assert instant(wall, zone, fold=0) <= instant(wall, zone, fold=1)
    else:
        just_before = found - timedelta(microseconds=1)
        assert local(just_before, zone) < wall < local(found, zone)


def check_order(day: date, one: int, other: int, zone: str) -> None:
    first, last = sorted((one, other))
    assert opens(day, first, zone) <= opens(day, last, zone)
    assert closes(day, first, zone) <= closes(day, last, zone)
    assert opens(day, first, zone) <= closes(day, last, zone)
