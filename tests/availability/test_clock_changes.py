"""The days on which clocks change, in New York, London and Sydney; Kolkata's never do."""

from datetime import date, datetime, timedelta

import pytest

from mbs.availability.models import times
from tests.availability.offers import PLACE, candidate, day_of, hours, offer, shown
from tests.availability.worlds import week

NEW_YORK, LONDON, KOLKATA, SYDNEY = "America/New_York", "Europe/London", "Asia/Kolkata", "Australia/Sydney"

GOLDEN = [
    # zone, day, window, interval, duration: first and last start and the last end in UTC, how many starts
    (NEW_YORK, "2026-03-08", ("13:00", "18:00"), "2026-03-08T17:00:00Z", "2026-03-08T22:00:00Z", 5),
    (NEW_YORK, "2026-03-07", ("13:00", "18:00"), "2026-03-07T18:00:00Z", "2026-03-07T23:00:00Z", 5),
    (NEW_YORK, "2026-03-07", ("22:00", "06:00"), "2026-03-08T03:00:00Z", "2026-03-08T10:00:00Z", 7),
    (NEW_YORK, "2026-10-31", ("22:00", "06:00"), "2026-11-01T02:00:00Z", "2026-11-01T11:00:00Z", 9),
    (NEW_YORK, "2026-03-08", ("02:30", "04:00"), "2026-03-08T07:00:00Z", "2026-03-08T08:00:00Z", 1),
    (NEW_YORK, "2026-11-01", ("01:30", "03:30"), "2026-11-01T05:30:00Z", "2026-11-01T08:30:00Z", 3),
    (NEW_YORK, "2026-11-01", ("00:00", "01:30"), "2026-11-01T04:00:00Z", "2026-11-01T06:30:00Z", 2),
    (LONDON, "2026-03-29", ("13:00", "18:00"), "2026-03-29T12:00:00Z", "2026-03-29T17:00:00Z", 5),
    (LONDON, "2026-03-28", ("22:00", "06:00"), "2026-03-28T22:00:00Z", "2026-03-29T05:00:00Z", 7),
    (LONDON, "2026-10-24", ("22:00", "06:00"), "2026-10-24T21:00:00Z", "2026-10-25T06:00:00Z", 9),
    (LONDON, "2026-03-29", ("01:30", "03:00"), "2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z", 1),
    (LONDON, "2026-10-25", ("01:30", "03:00"), "2026-10-25T00:30:00Z", "2026-10-25T03:00:00Z", 2),
    (KOLKATA, "2026-03-08", ("13:00", "18:00"), "2026-03-08T07:30:00Z", "2026-03-08T12:30:00Z", 5),
    (KOLKATA, "2026-03-08", ("22:00", "06:00"), "2026-03-08T16:30:00Z", "2026-03-09T00:30:00Z", 8),
    (SYDNEY, "2026-04-05", ("13:00", "18:00"), "2026-04-05T03:00:00Z", "2026-04-05T08:00:00Z", 5),
    (SYDNEY, "2026-04-04", ("22:00", "06:00"), "2026-04-04T11:00:00Z", "2026-04-04T20:00:00Z", 9),
    (SYDNEY, "2026-10-03", ("22:00", "06:00"), "2026-10-03T12:00:00Z", "2026-10-03T19:00:00Z", 7),
    (SYDNEY, "2026-10-04", ("02:30", "04:00"), "2026-10-03T16:00:00Z", "2026-10-03T17:00:00Z", 1),
]


class TestAWindow:
    @pytest.mark.parametrize(("zone", "day", "window", "opens", "closes", "starts"), GOLDEN)
    def test_opens_and_closes_when_its_clocks_say(
        self, zone: str, day: str, window: tuple[str, str], opens: str, closes: str, starts: int
    ) -> None:
        asha = candidate(timezone=zone)
        name = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")[date.fromisoformat(day).weekday()]
        world = hours(day, weeks={asha.id: week(window, days=[name])})
        calendar = world.calendar(asha)
        assert [tuple(map(times.written, one)) for one in calendar.windows] == [(opens, closes)]
        service = offer(asha, slot_interval_min=60)
        slots = [
            *day_of(service, world, day, timezone=zone),
            *day_of(service, world, _next(day), timezone=zone),
        ]
        assert len(slots) == starts
        assert times.written(slots[0].start) == opens


class TestStarts:
    def test_are_an_hour_apart_whatever_clocks_show(self) -> None:
        asha = candidate(timezone=NEW_YORK)
        service = offer(asha, slot_interval_min=60, duration_min=30)
        world = hours("2026-11-01", weeks={asha.id: week(("00:00", "04:00"))})
        slots = day_of(service, world, "2026-11-01", timezone=NEW_YORK)
        assert shown(slots, NEW_YORK) == ["00:00", "01:00", "01:00", "02:00", "03:00"]
        world = hours("2026-03-08", weeks={asha.id: week(("00:00", "05:00"))})
        slots = day_of(service, world, "2026-03-08", timezone=NEW_YORK)
        assert shown(slots, NEW_YORK) == ["00:00", "01:00", "03:00", "04:00"]

    def test_of_a_day_without_rules_are_as_many_as_it_has_hours(self) -> None:
        for day, many in (("2026-03-08", 23), ("2026-06-01", 24), ("2026-11-01", 25)):
            service = offer(candidate(timezone=NEW_YORK), slot_interval_min=60, duration_min=30)
            assert len(day_of(service, hours(day), day, timezone=NEW_YORK)) == many

    def test_are_shared_only_while_both_are_open(self) -> None:
        asha = candidate(timezone=LONDON)
        weeks = {asha.id: week(("00:30", "05:00")), PLACE: week(("01:30", "04:00"))}
        service = offer(asha, slot_interval_min=30, duration_min=30)
        slots = day_of(service, hours("2026-03-29", weeks=weeks), "2026-03-29", timezone=LONDON)
        assert shown(slots, LONDON) == ["02:00", "02:30", "03:00", "03:30"]

    def test_follow_the_schedule_s_own_zone(self) -> None:
        asha = candidate(timezone=KOLKATA)
        world = hours("2026-03-29", weeks={asha.id: week(("09:00", "10:00"))}, timezone=LONDON)
        assert shown(day_of(offer(asha), world, "2026-03-29")) == ["13:30"]
        world = hours("2026-03-28", weeks={asha.id: week(("09:00", "10:00"))}, timezone=LONDON)
        assert shown(day_of(offer(asha), world, "2026-03-28")) == ["14:30"]


class TestText:
    @pytest.mark.parametrize(
        ("instant", "zone", "local"),
        [
            ("2026-03-08T06:59:00Z", NEW_YORK, "2026-03-08T01:59"),
            ("2026-03-08T07:00:00Z", NEW_YORK, "2026-03-08T03:00"),
            ("2026-11-01T05:30:00Z", NEW_YORK, "2026-11-01T01:30"),
            ("2026-11-01T06:30:00Z", NEW_YORK, "2026-11-01T01:30"),
            ("2026-11-02T04:59:00Z", NEW_YORK, "2026-11-01T23:59"),
            ("2026-03-01T18:30:00Z", KOLKATA, "2026-03-02T00:00"),
            ("2026-10-03T16:00:00Z", SYDNEY, "2026-10-04T03:00"),
            ("1969-12-31T23:59:00Z", LONDON, "1970-01-01T00:59"),
        ],
    )
    def test_of_an_instant_is_what_clocks_show(self, instant: str, zone: str, local: str) -> None:
        second = times.seconds(datetime.fromisoformat(instant))
        assert times.local_writer(zone)(second) == local
        assert times.written(second) == instant


def _next(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()
