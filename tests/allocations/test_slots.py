"""Which slots are picked."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from mbs.allocations.models import pick, vacant

NOON = datetime(2030, 3, 4, 12, tzinfo=UTC)


@dataclass
class Stay:
    slot_no: int
    starts_at: datetime
    ends_at: datetime


def hour(number: int) -> datetime:
    return NOON + timedelta(hours=number)


def stay(slot: int, first: int, last: int) -> Stay:
    return Stay(slot, hour(first), hour(last))


def chosen(taken: Iterable[Stay], first: int, last: int, *, slots: int, count: int = 1) -> object:
    return pick(list(taken), start=hour(first), end=hour(last), slots=slots, count=count)


class TestPick:
    def test_takes_the_lowest_of_all_that_are_free(self) -> None:
        assert chosen([], 0, 1, slots=6, count=2) == (1, 2)

    def test_touches_what_ends_when_it_starts_and_starts_when_it_ends(self) -> None:
        assert chosen([stay(1, -1, 0), stay(1, 1, 2)], 0, 1, slots=1) == (1,)

    def test_refuses_what_overlaps_by_a_second(self) -> None:
        second = timedelta(seconds=1)
        assert chosen([Stay(1, hour(-1), hour(0) + second)], 0, 1, slots=1) is None
        assert chosen([Stay(1, hour(1) - second, hour(2))], 0, 1, slots=1) is None

    def test_refuses_more_than_are_free(self) -> None:
        taken = [stay(1, 0, 1), stay(2, 0, 1)]
        assert chosen(taken, 0, 1, slots=6, count=4) == (3, 4, 5, 6)
        assert chosen(taken, 0, 1, slots=6, count=5) is None

    def test_overlooks_slots_beyond_those_it_may_use(self) -> None:
        assert chosen([stay(1, 0, 1), stay(4, 0, 1)], 0, 1, slots=2) == (2,)

    def test_does_not_add_up_guests_who_follow_one_another(self) -> None:
        # Two guests in one bed, one after the other, leave the second bed for all of the time.
        assert chosen([stay(1, 0, 5), stay(1, 5, 10)], 0, 10, slots=2) == (2,)

    def test_fills_the_narrowest_gap_so_that_long_stays_find_a_bed(self) -> None:
        taken = [stay(2, -5, 0), stay(2, 3, 6), stay(3, -2, 0), stay(3, 2, 9)]
        assert chosen(taken, 0, 2, slots=3) == (3,)
        assert chosen([*taken, stay(3, 0, 2)], 0, 2, slots=3) == (2,)
        assert chosen([*taken, stay(3, 0, 2), stay(2, 0, 3)], 0, 2, slots=3) == (1,)

    def test_continues_a_bed_rather_than_opening_another(self) -> None:
        assert chosen([stay(2, -5, 0)], 0, 2, slots=2) == (2,)


class TestVacant:
    def test_names_those_slots_alone_that_nobody_has_at_any_time(self) -> None:
        chance = random.Random(7)
        for _ in range(500):
            taken = []
            for _ in range(chance.randrange(12)):
                first = chance.randrange(20)
                taken.append(stay(chance.randrange(1, 6), first, first + chance.randrange(1, 6)))
            first = chance.randrange(20)
            last = first + chance.randrange(1, 6)
            busy = {t.slot_no for t in taken if t.starts_at < hour(last) and t.ends_at > hour(first)}
            found = vacant(taken, start=hour(first), end=hour(last), slots=4)
            assert sorted(found) == sorted({1, 2, 3, 4} - busy)
