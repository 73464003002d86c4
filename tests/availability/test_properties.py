"""Whatever the hours and the bookings: what is offered can be booked, and what is not has its reason.

The judge is the search that makes bookings, which knows nothing of grids and seconds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from mbs.availability.models import times
from mbs.availability.models.hours import Hours, Week
from mbs.availability.models.offer import Candidate, Offer
from mbs.availability.models.reasons import REASONS, Inquiry
from mbs.availability.models.slots import free_slots, grid
from mbs.availability.models.taken import FOR_EVER, Taken, taken_of
from mbs.reservations.models.places import Ground, Search
from mbs.reservations.models.wishes import At, Wish
from mbs.schedules.models import DAYS
from tests.availability.offers import PLACE, candidate, offer

DAY_OF_CHANGE = {
    "America/New_York": ("2026-03-08", "2026-11-01"),
    "Europe/London": ("2026-03-29", "2026-10-25"),
    "Australia/Sydney": ("2026-10-04", "2026-04-05"),
    "Asia/Kolkata": ("2026-03-03", "2026-03-03"),
}
QUARTER = 15 * 60


@dataclass(frozen=True)
class Row:
    """A slot that is taken."""

    resource_id: UUID
    slot_no: int
    starts_at: datetime
    ends_at: datetime


@dataclass(frozen=True)
class Case:
    """A day of a business."""

    offer: Offer
    hours: Hours
    rows: Sequence[Row]
    seen: Sequence[Row]
    first: int
    last: int
    party_size: int
    earliest: int

    @property
    def ground(self) -> Ground:
        taken: dict[UUID, list[Row]] = {}
        for row in self.rows:
            taken.setdefault(row.resource_id, []).append(row)
        return Ground(
            hours=self.hours,
            taken=taken,
            open={one.id: one.bookable_capacity for one in self.offer.candidates},
            capacity={one.id: one.capacity for one in self.offer.candidates},
        )

    def bookable(self, lead: Candidate, start: int) -> bool:
        """Return whether a booking with somebody would find its place."""
        alone = self.offer.narrowed(chosen={lead.kind: lead.id})
        search = Search(ground=self.ground, party_size=self.party_size)
        return search.run([Wish(offer=alone, when=At(times.instant(start)))]) is not None


windows = st.lists(
    st.tuples(st.integers(0, 95), st.integers(1, 96)).map(lambda ends: [ends[0] * 15, ends[1] * 15]),
    max_size=3,
)
"""Also such as overlap and such as cross midnight, which nobody refuses here."""

SEGMENTS = (
    (),
    ({"minutes": 30, "needs": ["staff", "equipment"]}, {"minutes": 30, "needs": ["equipment"]}),
    (
        {"minutes": 15, "needs": ["staff"]},
        {"minutes": 30, "needs": ["equipment"]},
        {"minutes": 15, "needs": ["staff", "equipment"]},
    ),
)


@st.composite
def rows(draw: st.DrawFn, one: Candidate, first: int) -> list[tuple[Row, Row]]:
    """Return what is taken of each slot of a resource around a day, with buffers and as it is seen."""
    found = []
    for slot in range(1, one.capacity + 1):
        ends = draw(st.lists(st.integers(-8, 104), max_size=6, unique=True).map(sorted))
        for begin, end in zip(ends[::2], ends[1::2], strict=False):
            start, stop = first + begin * QUARTER, first + end * QUARTER
            buffer = draw(st.sampled_from((0, 300)))
            found.append(
                tuple(
                    Row(one.id, slot, times.instant(a), times.instant(b))
                    for a, b in ((start, stop), (start + buffer, stop - buffer))
                )
            )
    return found  # type: ignore[return-value]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    zone = draw(st.sampled_from(sorted(DAY_OF_CHANGE)))
    day = date.fromisoformat(draw(st.sampled_from(DAY_OF_CHANGE[zone])))
    first, end = times.opens(day, 0, zone), times.opens(day, 1440, zone)
    numbers = draw(st.tuples(st.integers(1, 2), st.integers(0, 2)))
    people: list[Candidate] = []
    for number, kind in enumerate(["staff"] * numbers[0] + ["equipment"] * numbers[1]):
        capacity = draw(st.integers(1, 3))
        values: dict[str, Any] = {"capacity": capacity, "bookable_capacity": draw(st.integers(0, capacity))}
        values["duration_min"] = draw(st.sampled_from((None, 45))) if kind == "staff" else None
        people.append(candidate(kind, timezone=zone, id=UUID(int=100 + number), name=f"{number}", **values))
    segments = draw(st.sampled_from(SEGMENTS)) if numbers[1] else ()
    service = offer(
        *people,
        segments=segments,
        duration_min=60,
        buffer_before_min=draw(st.sampled_from((0, 10))),
        buffer_after_min=draw(st.sampled_from((0, 15))),
        slot_interval_min=draw(st.sampled_from((15, 20, 45))),
    )
    owners = [PLACE, *(one.id for one in people)]
    zones: Mapping[UUID, str | None] = {
        PLACE: None,
        **{one.id: draw(st.sampled_from((None, zone, "UTC"))) for one in people},
    }
    weeks = {
        owner: Week(zones[owner], {name: draw(windows) for name in DAYS})
        for owner in draw(st.sets(st.sampled_from(owners)))
    }
    exceptions = {owner: {day: draw(windows)} for owner in draw(st.sets(st.sampled_from(owners), max_size=2))}
    off = {
        owner: [(first + draw(st.integers(0, 60)) * 600, first + draw(st.integers(61, 140)) * 600)]
        for owner in draw(st.sets(st.sampled_from(owners), max_size=2))
    }
    hours = Hours(times.instant(first - times.DAY), times.instant(end + times.DAY), weeks, exceptions, off)
    taken = [row for one in people for row in draw(rows(one, first))]
    return Case(
        offer=service,
        hours=hours,
        rows=[row for row, _ in taken],
        seen=[row for _, row in taken],
        first=first,
        last=end - 1,
        party_size=draw(st.integers(1, 3)),
        earliest=draw(st.sampled_from((0, first + 8 * 3600))),
    )


def occupied(rows: Sequence[Row]) -> Taken:
    return taken_of(rows)


class TestWhateverThereIs:
    @settings(max_examples=60, deadline=None)
    @given(cases())
    def test_is_offered_if_and_only_if_it_can_be_booked(self, case: Case) -> None:
        taken = occupied(case.rows)
        slots = free_slots(
            case.offer,
            case.hours,
            taken,
            first=max(case.first, case.earliest),
            last=case.last,
            party_size=case.party_size,
        )
        inquiry = Inquiry(
            offer=case.offer,
            hours=case.hours,
            taken=taken,
            seen=occupied(case.seen),
            first=case.first,
            last=case.last,
            earliest=case.earliest,
            latest=FOR_EVER,
            party_size=case.party_size,
        )
        missing = inquiry.missing(slots)

        offered = {(slot.start, lead.id) for slot in slots for lead in slot.leads}
        by_id = {one.id: one for one in case.offer.leads}
        for start, id_ in offered:
            assert case.bookable(by_id[id_], start)
        reasons = {(one.start, one.lead.id): one.reason for one in missing}
        assert not offered & reasons.keys()
        for (start, id_), reason in reasons.items():
            assert reason in REASONS
            if reason != "notice":
                assert not case.bookable(by_id[id_], start), reason
        for lead in case.offer.leads:
            windows = case.hours.calendar(lead).windows
            own = set(grid(windows, case.offer.slot_interval_min * 60, case.first, case.last))
            told = {start for start, id_ in offered | reasons.keys() if id_ == lead.id}
            assert own <= told
            assert {reasons[start, lead.id] for start in told - own} <= {"outside_hours"}

    @settings(max_examples=60, deadline=None)
    @given(cases())
    def test_has_room_for_as_many_as_it_says(self, case: Case) -> None:
        slots = free_slots(
            case.offer,
            case.hours,
            occupied(case.rows),
            first=case.first,
            last=case.last,
            party_size=case.party_size,
        )
        for slot in slots[:: max(1, len(slots) // 3)]:
            kept = [one for one in case.offer.candidates if one.kind != "staff" or one in slot.leads]
            service, rows, made = replace(case.offer, candidates=kept), list(case.rows), 0
            while made <= slot.remaining:
                search = Search(ground=replace(case, rows=rows).ground, party_size=case.party_size)
                places = search.run([Wish(offer=service, when=At(times.instant(slot.start)))])
                if places is None:
                    break
                made += 1
                rows += [
                    Row(taking.resource.id, taking.slot_no, taking.starts_at, taking.ends_at)
                    for taking in places[0].takings
                ]
            assert made == slot.remaining
