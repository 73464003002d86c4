"""Why a start is missing: one test for each reason, and which of two is told."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from mbs.availability.models import reasons, times
from mbs.availability.models.hours import Hours
from mbs.availability.models.offer import Offer
from mbs.availability.models.reasons import Inquiry
from mbs.availability.models.slots import free_slots
from mbs.availability.models.taken import FOR_EVER, Occupied
from tests.availability.offers import PLACE, busy, candidate, hours, offer, second, shown
from tests.availability.worlds import week

DAY = "2026-03-03"
ZONE = "Asia/Kolkata"


def on(clock: str, day: str = DAY) -> str:
    return f"{day}T{clock}:00+05:30"


def told(
    service: Offer,
    world: Hours,
    *,
    days: tuple[str, str] = (DAY, DAY),
    taken: Mapping[UUID, Sequence[Occupied]] | None = None,
    seen: Mapping[UUID, Sequence[Occupied]] | None = None,
    **rest: Any,
) -> dict[str, str]:
    """Return the reason of each start of the days by its local time."""
    given = {"earliest": 0, "latest": FOR_EVER, "party_size": 1, **rest}
    first, last = (times.opens(date.fromisoformat(day), 0, ZONE) for day in days)
    last += times.DAY - 1
    slots = free_slots(
        service,
        world,
        taken or {},
        first=max(first, given["earliest"]),
        last=min(last, given["latest"]),
        party_size=given["party_size"],
    )
    inquiry = Inquiry(
        offer=service,
        hours=world,
        first=first,
        last=last,
        **{"taken": taken or {}, "seen": seen or taken or {}, **given},
    )
    write = times.local_writer(ZONE)
    found = {write(one.start)[11:]: one.reason for one in inquiry.missing(slots)}
    assert not found.keys() & set(shown(slots)) or len(service.leads) > 1
    return found


class TestAReason:
    def test_is_the_end_of_the_hours(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "12:00"))})
        assert told(offer(asha, slot_interval_min=30), world) == {"11:30": "outside_hours"}

    def test_is_the_hours_of_a_person_while_the_location_is_open(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "12:00")), PLACE: week(("09:00", "13:00"))})
        assert told(offer(asha, slot_interval_min=60), world) == {
            "09:00": "outside_hours",
            "12:00": "outside_hours",
        }

    def test_is_the_hours_of_one_who_has_a_day_off(self) -> None:
        asha, ravi = candidate(name="Asha"), candidate(name="Ravi")
        weeks = {asha.id: week(("10:00", "12:00")), ravi.id: week(("10:00", "12:00"), days=["mon"])}
        found = told(offer(asha, ravi, slot_interval_min=60), hours(DAY, weeks=weeks))
        assert found == {"10:00": "outside_hours", "11:00": "outside_hours"}

    def test_is_told_once_of_a_day_on_which_nobody_works(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "12:00"), days=["mon"])})
        assert told(offer(asha), world) == {"00:00": "outside_hours"}

    def test_is_time_off(self) -> None:
        asha = candidate()
        off = {asha.id: [(on("10:30"), on("11:00"))]}
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))}, time_off=off)
        assert told(offer(asha, slot_interval_min=60), world) == {"10:00": "time_off"}

    def test_is_a_booking(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))})
        taken = {asha.id: busy((on("10:30"), on("11:00")))}
        assert told(offer(asha, slot_interval_min=60), world, taken=taken) == {"10:00": "booked"}

    def test_is_the_buffer_behind_a_booking(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))})
        taken = {asha.id: busy((on("10:00"), on("11:10")))}
        seen = {asha.id: busy((on("10:00"), on("11:00")))}
        found = told(offer(asha, slot_interval_min=60), world, taken=taken, seen=seen)
        assert found == {"10:00": "booked", "11:00": "buffer"}

    def test_is_the_buffer_of_what_would_be_booked(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "14:00"))})
        taken = {asha.id: busy((on("12:00"), on("13:00")))}
        found = told(offer(asha, slot_interval_min=60, buffer_after_min=10), world, taken=taken)
        assert found == {"11:00": "buffer", "12:00": "booked"}

    def test_is_notice(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))})
        service = offer(asha, slot_interval_min=60)
        assert told(service, world, earliest=second(on("11:00"))) == {"10:00": "notice"}

    def test_is_that_it_is_too_far_ahead(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))})
        service = offer(asha, slot_interval_min=60)
        assert told(service, world, latest=second(on("11:00"))) == {"12:00": "too_far_ahead"}

    def test_is_that_no_chair_is_free(self) -> None:
        asha, chair = candidate(), candidate("equipment")
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:00"))})
        taken = {chair.id: busy((on("10:00"), on("11:00")))}
        found = told(offer(asha, chair, slot_interval_min=60), world, taken=taken)
        assert found == {"10:00": "no_resource"}


class TestOfTwoReasons:
    def test_hours_come_before_bookings(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: week(("10:00", "12:00"))})
        taken = {asha.id: busy((on("10:00"), on("13:00")))}
        found = told(offer(asha, slot_interval_min=30), world, taken=taken)
        assert found == {"10:00": "booked", "10:30": "booked", "11:00": "booked", "11:30": "outside_hours"}

    def test_time_off_comes_before_notice(self) -> None:
        asha = candidate()
        off = {asha.id: [(on("10:00"), on("11:00"))]}
        world = hours(DAY, weeks={asha.id: week(("10:00", "12:00"))}, time_off=off)
        service = offer(asha, slot_interval_min=60)
        found = told(service, world, earliest=second(on("23:00")))
        assert found == {"10:00": "time_off", "11:00": "notice"}


class TestReasons:
    def test_are_bounded(self) -> None:
        staff = [candidate(name=f"{number}") for number in range(3)]
        service = offer(*staff, slot_interval_min=15)
        world = hours("2026-03-01", "2026-03-31", exceptions={PLACE: {"2026-03-09": []}})
        first, last = second(on("00:00", "2026-03-01")), second(on("23:59", "2026-03-31"))
        inquiry = Inquiry(
            offer=service,
            hours=world,
            taken={},
            seen={},
            first=first,
            last=last,
            earliest=FOR_EVER,
            latest=FOR_EVER,
            party_size=1,
        )
        found = inquiry.missing([])
        assert len(found) == reasons.MOST_REASONS + 1
        assert [one.start for one in found] == sorted(one.start for one in found)
