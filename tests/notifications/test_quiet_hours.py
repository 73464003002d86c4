"""When customers are left alone, minute by minute, also where clocks change."""

from datetime import UTC, datetime, timedelta

import pytest

from mbs.foundation.local_time import instant
from mbs.notifications.models.quiet_hours import Rest, rest

NIGHT = {"from": "21:00", "to": "09:00"}
SIESTA = {"from": "13:00", "to": "15:30"}
KOLKATA, BERLIN, NEW_YORK, LORD_HOWE = (
    "Asia/Kolkata",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
)


def at(wall: str, timezone: str = KOLKATA, fold: int = 0) -> datetime:
    return instant(datetime.fromisoformat(wall), timezone, fold=fold)


class TestANight:
    @pytest.mark.parametrize(
        ("wall", "until"),
        [
            ("2026-03-10 20:59:59", None),
            ("2026-03-10 21:00:00", "2026-03-11 09:00"),
            ("2026-03-10 23:59:59", "2026-03-11 09:00"),
            ("2026-03-11 00:00:00", "2026-03-11 09:00"),
            ("2026-03-11 08:59:59", "2026-03-11 09:00"),
            ("2026-03-11 09:00:00", None),
            ("2026-03-11 15:00:00", None),
            ("2026-12-31 22:00:00", "2027-01-01 09:00"),
            ("2028-02-28 22:00:00", "2028-02-29 09:00"),
        ],
    )
    def test_lasts_from_its_first_minute_until_its_last(self, wall: str, until: str | None) -> None:
        expected = Rest("scheduled", at(until)) if until else Rest("queued")
        assert rest(at(wall), hours=NIGHT, timezone=KOLKATA) == expected

    @pytest.mark.parametrize(
        ("wall", "until"),
        [
            ("2026-03-10 12:59", None),
            ("2026-03-10 13:00", "2026-03-10 15:30"),
            ("2026-03-10 15:29", "2026-03-10 15:30"),
            ("2026-03-10 15:30", None),
        ],
    )
    def test_may_be_a_siesta(self, wall: str, until: str | None) -> None:
        expected = Rest("scheduled", at(until)) if until else Rest("queued")
        assert rest(at(wall), hours=SIESTA, timezone=KOLKATA) == expected

    def test_is_there_only_where_the_business_wants_one(self) -> None:
        assert rest(at("2026-03-11 03:00"), hours=None, timezone=KOLKATA) == Rest("queued")

    def test_is_the_recipient_s(self) -> None:
        now = at("2026-03-11 03:00", KOLKATA)
        assert rest(now, hours=NIGHT, timezone=KOLKATA).status == "scheduled"
        assert rest(now, hours=NIGHT, timezone=NEW_YORK).status == "queued"


class TestWhatIsUrgent:
    NOW = at("2026-03-10 22:00")

    @pytest.mark.parametrize(
        ("begins_in", "status"),
        [
            (timedelta(0), "queued"),
            (timedelta(hours=3, minutes=59), "queued"),
            (timedelta(hours=4), "scheduled"),
            (timedelta(hours=20), "scheduled"),
            # What has begun is not urgent any more.
            (timedelta(seconds=-1), "scheduled"),
        ],
    )
    def test_goes_when_its_booking_begins_within_four_hours(self, begins_in: timedelta, status: str) -> None:
        found = rest(self.NOW, hours=NIGHT, timezone=KOLKATA, starts_at=self.NOW + begins_in)
        assert found.status == status

    def test_is_never_marketing(self) -> None:
        soon = self.NOW + timedelta(hours=1)
        found = rest(self.NOW, hours=NIGHT, timezone=KOLKATA, category="marketing", starts_at=soon)
        assert found.status == "scheduled"

    @pytest.mark.parametrize(
        ("expires", "status"),
        [
            ("2026-03-11 08:59:59", "expired"),
            ("2026-03-11 09:00:00", "expired"),
            ("2026-03-11 09:00:01", "scheduled"),
        ],
    )
    def test_is_dropped_when_it_would_come_too_late(self, expires: str, status: str) -> None:
        end = at(expires)
        found = rest(self.NOW, hours=NIGHT, timezone=KOLKATA, starts_at=end, expires_at=end)
        assert found.status == status


class TestAChangeOfClocks:
    def test_makes_a_night_shorter_in_spring(self) -> None:
        # On 29 March 2026 clocks in Berlin leap from 02:00 to 03:00.
        found = rest(at("2026-03-28 21:00", BERLIN), hours=NIGHT, timezone=BERLIN)
        assert found.until == datetime(2026, 3, 29, 7, tzinfo=UTC)
        assert found.until - at("2026-03-28 21:00", BERLIN) == timedelta(hours=11)

    def test_makes_a_night_longer_in_autumn(self) -> None:
        # On 25 October 2026 they go back from 03:00 to 02:00.
        found = rest(at("2026-10-24 21:00", BERLIN), hours=NIGHT, timezone=BERLIN)
        assert found.until == datetime(2026, 10, 25, 8, tzinfo=UTC)

    def test_may_swallow_the_end_which_is_then_the_first_minute_behind_it(self) -> None:
        hours = {"from": "21:00", "to": "02:30"}
        found = rest(at("2026-03-29 01:59", BERLIN), hours=hours, timezone=BERLIN)
        assert found.until == at("2026-03-29 03:00", BERLIN)
        assert rest(at("2026-03-29 03:00", BERLIN), hours=hours, timezone=BERLIN).status == "queued"

    def test_may_swallow_the_beginning(self) -> None:
        hours = {"from": "02:30", "to": "06:00"}
        assert rest(at("2026-03-29 01:59", BERLIN), hours=hours, timezone=BERLIN).status == "queued"
        found = rest(at("2026-03-29 03:00", BERLIN), hours=hours, timezone=BERLIN)
        assert found.until == at("2026-03-29 06:00", BERLIN)

    def test_may_show_the_end_twice_and_only_the_second_time_counts(self) -> None:
        hours = {"from": "21:00", "to": "02:30"}
        for wall, fold in (("02:15", 0), ("02:45", 0), ("02:15", 1)):
            found = rest(at(f"2026-10-25 {wall}", BERLIN, fold), hours=hours, timezone=BERLIN)
            assert found.until == at("2026-10-25 02:30", BERLIN, fold=1), (wall, fold)
        assert rest(at("2026-10-25 02:45", BERLIN, 1), hours=hours, timezone=BERLIN).status == "queued"

    def test_may_be_half_an_hour(self) -> None:
        # On 5 April 2026 clocks on Lord Howe Island go back from 02:00 to 01:30.
        start = at("2026-04-04 21:00", LORD_HOWE)
        found = rest(start, hours=NIGHT, timezone=LORD_HOWE)
        assert found.until is not None
        assert found.until - start == timedelta(hours=12, minutes=30)

    @pytest.mark.parametrize("timezone", [KOLKATA, BERLIN, NEW_YORK, LORD_HOWE, "Pacific/Chatham"])
    @pytest.mark.parametrize("hours", [NIGHT, SIESTA, {"from": "02:30", "to": "02:00"}])
    def test_never_sends_anybody_from_one_rest_into_another(
        self, timezone: str, hours: dict[str, str]
    ) -> None:
        instants = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=97 * step) for step in range(5400))
        for now in instants:
            until = rest(now, hours=hours, timezone=timezone).until
            if until is not None:
                assert until > now
                assert rest(until, hours=hours, timezone=timezone).status == "queued"
