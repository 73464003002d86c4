"""Which windows overlap, against a plain count of the minutes that they are open."""

from collections.abc import Sequence
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from mbs.foundation.local_time import MINUTES_A_DAY
from mbs.schedules.models import length, overlapping

HALF_HOURS = st.integers(0, 47).map(lambda number: number * 30)
WINDOWS = st.lists(st.tuples(HALF_HOURS, st.integers(0, 48).map(lambda number: number * 30)), max_size=3)
DAYS = st.lists(WINDOWS, min_size=1, max_size=7)

Days = Sequence[Sequence[Sequence[int]]]


def open_minutes(days: Days, *, cyclic: bool) -> dict[tuple[int, int], set[int]]:
    """Return the half hours in which each window is open; behind the last day the first one follows."""
    found = {}
    for number, windows in enumerate(days):
        for position, (opens, closes) in enumerate(windows):
            minutes = range(opens, closes if closes > opens else closes + MINUTES_A_DAY, 30)
            absolute = {number * MINUTES_A_DAY + minute for minute in minutes}
            period = len(days) * MINUTES_A_DAY if cyclic else 8 * MINUTES_A_DAY
            found[number, position] = {minute % period for minute in absolute}
    return found


def overlap(days: Days, *, cyclic: bool) -> bool:
    return any(one & other for one, other in combinations(open_minutes(days, cyclic=cyclic).values(), 2))


class TestOverlapping:
    @given(st.lists(WINDOWS, min_size=7, max_size=7))
    def test_finds_a_week_s_overlaps_and_no_others(self, days: Days) -> None:
        assert bool(list(overlapping(days, cyclic=True))) == overlap(days, cyclic=True)

    @given(DAYS)
    def test_finds_those_of_some_days(self, days: Days) -> None:
        assert bool(list(overlapping(days))) == overlap(days, cyclic=False)

    @given(st.lists(WINDOWS, min_size=7, max_size=7))
    def test_names_windows_without_which_none_are_left(self, days: Days) -> None:
        named = set(overlapping(days, cyclic=True))
        left = [
            [window for position, window in enumerate(windows) if (number, position) not in named]
            for number, windows in enumerate(days)
        ]
        assert not overlap(left, cyclic=True)

    @given(DAYS)
    def test_names_each_once(self, days: Days) -> None:
        named = list(overlapping(days))
        assert len(named) == len(set(named))


class TestLength:
    def test_reaches_into_the_next_day(self) -> None:
        assert [length(*window) for window in ((600, 840), (1320, 360), (0, 1440), (600, 600), (0, 0))] == [
            *(240, 480, 1440, 1440, 1440)
        ]
