"""Of all ways to stay where no bed is free all the time, the one with the fewest moves is suggested."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from mbs.availability.models import times
from mbs.availability.models.offer import Offer
from mbs.availability.models.stays import Search, stay_times
from tests.availability.offers import candidate, hours, offer

ZONE = "Europe/London"
FIRST = date(2027, 3, 25)
"""Clocks change on the 28th."""

NIGHTS = 7


@dataclass(frozen=True)
class Row:
    """A bed that is taken."""

    resource_id: UUID
    slot_no: int
    starts_at: datetime
    ends_at: datetime


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def search(
    service: Offer,
    taken: Mapping[UUID, Sequence[Row]],
    off: Mapping[UUID, Sequence[tuple[str, str]]],
    nights: tuple[int, int],
    party_size: int,
) -> Search:
    return Search(
        offer=service,
        hours=hours("2027-03-20", "2027-04-10", time_off=off),
        taken=taken,
        check_in=day(nights[0]),
        check_out=day(nights[1]),
        party_size=party_size,
        now=datetime(2027, 1, 1, tzinfo=UTC),
        exempt=True,
    )


@st.composite
def houses(draw: st.DrawFn) -> tuple[Offer, dict[UUID, list[Row]], dict[UUID, list[tuple[str, str]]], int]:
    rooms = [
        candidate(
            "room", timezone=ZONE, id=UUID(int=number), name=f"{number}", capacity=draw(st.integers(1, 2))
        )
        for number in range(1, draw(st.integers(2, 3)) + 1)
    ]
    service = offer(
        *rooms,
        mode="stay",
        duration_min=None,
        price_unit="night",
        buffer_after_min=draw(st.sampled_from((0, 60, 300))),
    )
    taken: dict[UUID, list[Row]] = {}
    for room in rooms:
        for slot in range(1, room.capacity + 1):
            ends = draw(st.lists(st.integers(-2, NIGHTS + 2), max_size=6, unique=True).map(sorted))
            for begin, end in zip(ends[::2], ends[1::2], strict=False):
                start, stop = stay_times(service.policy, day(begin), day(end), ZONE)
                taken.setdefault(room.id, []).append(Row(room.id, slot, start, stop))
    off = {}
    if draw(st.booleans()):
        number = draw(st.integers(0, NIGHTS))
        off[rooms[0].id] = [(f"{day(number)}T09:00+00:00", f"{day(number)}T17:00+00:00")]
    return service, taken, off, draw(st.integers(1, 2))


class TestASplitStay:
    @settings(max_examples=60, deadline=None)
    @given(houses())
    def test_has_as_few_parts_as_any_other(
        self, house: tuple[Offer, dict[UUID, list[Row]], dict[UUID, list[tuple[str, str]]], int]
    ) -> None:
        service, taken, off, party_size = house

        def free(first: int, last: int) -> bool:
            return bool(search(service, taken, off, (first, last), party_size).options())

        fewest: dict[int, int] = {0: 0}
        for last in range(1, NIGHTS + 1):
            ways = [parts + 1 for first, parts in fewest.items() if free(first, last)]
            if ways:
                fewest[last] = min(ways)

        parts = search(service, taken, off, (0, NIGHTS), party_size).split()

        assert len(parts) == fewest.get(NIGHTS, 0)
        for part in parts:
            nights = ((part.check_in - FIRST).days, (part.check_out - FIRST).days)
            options = search(service, taken, off, nights, party_size).options()
            assert (part.lead, part.slots) in [(one.lead, one.slots) for one in options]
        if parts:
            assert [part.check_in for part in parts] == [FIRST, *(part.check_out for part in parts[:-1])]
            assert parts[-1].check_out == day(NIGHTS)

    def test_takes_up_the_hours_of_a_change_of_clocks(self) -> None:
        start, end = stay_times(offer().policy, date(2027, 3, 27), date(2027, 3, 29), ZONE)
        assert times.written(times.seconds(start)) == "2027-03-27T14:00:00Z"
        assert times.written(times.seconds(end)) == "2027-03-29T10:00:00Z"
