"""What happens in demo businesses, as data: nothing collides, nothing is out of order, nothing is to come."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbs.foundation.local_time import local
from mbs.schedules.models import DAYS
from mbs.seeds.models.billing import billed
from mbs.seeds.models.businesses import PRESETS
from mbs.seeds.models.presets import Preset, price
from mbs.seeds.models.timelines import Act, Timeline

ZONES = ("Asia/Kolkata", "America/New_York", "Europe/London", "Australia/Lord_Howe", "Pacific/Kiritimati")

Moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))


def written(preset: Preset, seed: int, now: datetime, timezone: str) -> list[Act]:
    return Timeline(preset, chance=Random(seed), now=now, timezone=timezone).acts()


def booked(acts: list[Act], name: str) -> dict[Any, list[Act]]:
    """Return the bookings of each that is named so, by their start."""
    found = defaultdict(list)
    for act in acts:
        if act.kind == "book" and name in act.values:
            found[act.values[name]].append(act)
    for ones in found.values():
        ones.sort(key=lambda act: act.values.get("start_at", act.values.get("check_in")))
    return found


class TestTimelines:
    @pytest.mark.parametrize("name", PRESETS)
    @given(seed=st.integers(0, 10_000), now=Moments, zone=st.sampled_from(ZONES))
    @settings(max_examples=15, deadline=None)
    def test_tell_what_has_happened_in_its_order(
        self, name: str, seed: int, now: datetime, zone: str
    ) -> None:
        acts = written(PRESETS[name], seed, now, zone)

        assert 15 < len(acts) < 150
        assert acts == sorted(acts, key=lambda act: act.at)
        assert now - timedelta(days=30) <= acts[0].at
        assert acts[-1].at <= now
        made = {act.number: act.at for act in acts if act.kind == "book"}
        assert all(
            made[act.number] < act.at
            for act in acts
            if act.kind in ("cancel", "no_show", "check_in", "complete")
        )
        assert all(act.at < act.values["start_at"] for act in acts if "start_at" in act.values)

    @pytest.mark.parametrize("name", ["salon", "clinic", "gym", "consultancy"])
    @given(seed=st.integers(0, 10_000), now=Moments, zone=st.sampled_from(ZONES))
    @settings(max_examples=15, deadline=None)
    def test_give_a_person_one_thing_after_the_other(
        self, name: str, seed: int, now: datetime, zone: str
    ) -> None:
        preset = PRESETS[name]
        for ones in booked(written(preset, seed, now, zone), "staff").values():
            for before, after in pairwise(ones):
                offer = preset.offer(before.values["service"])
                segments = offer.more.get("segments")
                apart = after.values["start_at"] - before.values["start_at"]
                free = segments[0]["minutes"] if segments else offer.minutes or 0
                assert apart >= timedelta(minutes=free)

    @given(seed=st.integers(0, 10_000), now=Moments)
    @settings(max_examples=30, deadline=None)
    def test_keep_to_the_hours_of_people(self, seed: int, now: datetime) -> None:
        preset = PRESETS["salon"]
        weeks = {thing.name: thing.week for thing in preset.things}
        for person, ones in booked(written(preset, seed, now, "Asia/Kolkata"), "staff").items():
            for act in ones:
                start = local(act.values["start_at"], "Asia/Kolkata")
                minute = start.hour * 60 + start.minute
                ends = minute + (preset.offer(act.values["service"]).minutes or 0)
                windows = (weeks[person] or {}).get(DAYS[start.weekday()], ())
                assert any(first <= minute and ends <= last for first, last in windows)

    @given(seed=st.integers(0, 10_000), now=Moments)
    @settings(max_examples=30, deadline=None)
    def test_never_put_seven_guests_into_six_beds(self, seed: int, now: datetime) -> None:
        beds = booked(written(PRESETS["hostel"], seed, now, "Asia/Kolkata"), "resource")["Dormitory 101"]
        for act in beds:
            night = act.values["check_in"]
            there = [one for one in beds if one.values["check_in"] <= night < one.values["check_out"]]
            assert len(there) <= 6

    def test_are_the_same_for_the_same_business_and_day(self) -> None:
        now = datetime(2026, 3, 1, 12, tzinfo=UTC)
        first, again, other = (written(PRESETS["salon"], seed, now, "Asia/Kolkata") for seed in (1, 1, 2))
        assert first == again != other


class TestBooks:
    @pytest.mark.parametrize("name", PRESETS)
    @given(seed=st.integers(0, 10_000), now=Moments)
    @settings(max_examples=15, deadline=None)
    def test_bill_what_was_done_and_nothing_else(self, name: str, seed: int, now: datetime) -> None:
        acts = written(PRESETS[name], seed, now, "Asia/Kolkata")
        books = list(billed(acts, now=now))

        done = {act.number: act.at for act in acts if act.kind == "complete"}
        bills = {act.number: act for act in books if act.kind == "bill"}
        assert len(bills) == min(len(done), 8)
        assert all(done[number] <= act.at for number, act in bills.items())
        assert [act.values["issue"] for act in bills.values()] == [True] * (len(bills) - 1) + [False]
        later = [act for act in books if act.kind != "bill"]
        assert all(bills[act.number].at < act.at < now for act in later)
        paid: Counter[int] = Counter()
        for act in later:
            paid[act.number] += act.values["percent"] if act.kind == "pay" else 0
        assert max(paid.values(), default=0) <= 100
        assert all(bills[number].values["issue"] for number in paid)


class TestPrices:
    @pytest.mark.parametrize(
        ("currency", "shown"), [("INR", "900"), ("USD", "45"), ("JPY", "5400"), ("KWD", "14"), ("XPF", "45")]
    )
    def test_are_whole_numbers_of_the_level_of_the_place(self, currency: str, shown: str) -> None:
        assert str(price(45, currency)) == shown
