"""Which starts are free: hours, lunch, exceptions, midnight, buffers, gaps, capacity, chairs."""

from tests.availability.offers import PLACE, busy, candidate, day_of, hours, offer, shown
from tests.availability.worlds import week

DAY = "2026-03-03"
WEEK = week(("10:00", "14:00"), ("15:00", "17:00"))


def on(clock: str, day: str = DAY) -> str:
    return f"{day}T{clock}:00+05:30"


class TestHours:
    def test_leave_lunch_out(self) -> None:
        asha = candidate()
        slots = day_of(offer(asha, slot_interval_min=30), hours(DAY, weeks={asha.id: WEEK}), DAY)
        assert shown(slots) == [
            *("10:00", "10:30", "11:00", "11:30", "12:00", "12:30", "13:00"),
            *("15:00", "15:30", "16:00"),
        ]
        assert all(slot.leads == [asha] and slot.remaining == 1 for slot in slots)
        assert all(slot.end - slot.start == 3600 for slot in slots)

    def test_are_counted_from_each_window_s_own_start(self) -> None:
        asha = candidate()
        own = {asha.id: week(("10:10", "12:00"), ("15:05", "16:30"))}
        slots = day_of(offer(asha, slot_interval_min=20), hours(DAY, weeks=own), DAY)
        assert shown(slots) == ["10:10", "10:30", "10:50", "15:05", "15:25"]

    def test_of_the_location_are_those_of_whoever_has_none(self) -> None:
        asha = candidate()
        slots = day_of(offer(asha), hours(DAY, weeks={PLACE: week(("09:00", "10:30"))}), DAY)
        assert shown(slots) == ["09:00", "09:15", "09:30"]

    def test_of_the_location_bound_everybody_s(self) -> None:
        asha = candidate()
        weeks = {asha.id: week(("08:00", "11:00")), PLACE: week(("09:30", "20:00"))}
        assert shown(day_of(offer(asha), hours(DAY, weeks=weeks), DAY)) == ["09:30", "09:45", "10:00"]

    def test_that_nobody_set_are_all_day(self) -> None:
        slots = day_of(offer(candidate(), slot_interval_min=60), hours(DAY), DAY)
        assert shown(slots) == [f"{hour:02}:00" for hour in range(24)]

    def test_of_an_exception_replace_the_week_s(self) -> None:
        asha = candidate()
        days = {asha.id: {DAY: [("12:00", "13:15")], "2026-03-04": []}}
        world = hours(DAY, "2026-03-05", weeks={asha.id: WEEK}, exceptions=days)
        assert shown(day_of(offer(asha), world, DAY)) == ["12:00", "12:15"]
        assert day_of(offer(asha), world, "2026-03-04") == []
        assert len(day_of(offer(asha), world, "2026-03-05")) == 18

    def test_of_a_location_s_exception_close_it_for_all(self) -> None:
        asha = candidate()
        world = hours(DAY, weeks={asha.id: WEEK}, exceptions={PLACE: {DAY: []}})
        assert day_of(offer(asha), world, DAY) == []

    def test_of_an_exception_alone_leave_other_days_to_the_location(self) -> None:
        asha = candidate()
        weeks = {PLACE: week(("22:00", "23:30"))}
        world = hours(DAY, "2026-03-04", weeks=weeks, exceptions={asha.id: {"2026-03-04": []}})
        assert shown(day_of(offer(asha), world, DAY)) == ["22:00", "22:15", "22:30"]
        assert day_of(offer(asha), world, "2026-03-04") == []


class TestMidnight:
    def test_is_crossed_by_a_window_of_the_evening_before(self) -> None:
        asha = candidate()
        night = week(("22:00", "06:00"), days=["mon"])
        slots = day_of(offer(asha, slot_interval_min=60), hours(DAY, weeks={asha.id: night}), DAY)
        assert shown(slots) == ["00:00", "01:00", "02:00", "03:00", "04:00", "05:00"]

    def test_is_no_wall_between_windows_that_touch(self) -> None:
        asha = candidate()
        weeks = {asha.id: {"tue": [[1380, 1440]], "wed": [[0, 60]]}}
        slots = day_of(offer(asha, slot_interval_min=30), hours(DAY, weeks=weeks), DAY)
        assert shown(slots) == ["23:00", "23:30"]

    def test_is_no_start_to_count_from_where_the_location_is_open_all_night(self) -> None:
        asha = candidate()
        weeks = {PLACE: week(("22:00", "06:00"))}
        world = hours(DAY, "2026-03-09", weeks=weeks, exceptions={asha.id: {"2026-03-09": []}})
        slots = day_of(offer(asha, slot_interval_min=50), world, "2026-03-04")
        assert shown(slots)[:3] == ["00:30", "01:20", "02:10"]


class TestWhatIsTaken:
    def test_keeps_its_time(self) -> None:
        asha = candidate()
        taken = {asha.id: busy((on("11:00"), on("12:00")), (on("12:00"), on("12:20")))}
        service = offer(asha, slot_interval_min=30)
        slots = day_of(service, hours(DAY, weeks={asha.id: week(("10:00", "14:00"))}), DAY, taken=taken)
        assert shown(slots) == ["10:00", "12:30", "13:00"]

    def test_counts_with_the_buffers_of_whoever_comes_next(self) -> None:
        asha = candidate()
        taken = {asha.id: busy((on("11:00"), on("12:00")))}
        service = offer(asha, buffer_before_min=15, buffer_after_min=10)
        slots = day_of(service, hours(DAY, weeks={asha.id: week(("09:30", "14:00"))}), DAY, taken=taken)
        assert shown(slots) == ["09:30", "09:45", "12:15", "12:30", "12:45", "13:00"]

    def test_may_be_prepared_for_before_opening_and_cleaned_up_after_closing(self) -> None:
        asha = candidate()
        service = offer(asha, buffer_before_min=30, buffer_after_min=30)
        slots = day_of(service, hours(DAY, weeks={asha.id: week(("10:00", "11:00"))}), DAY)
        assert shown(slots) == ["10:00"]

    def test_is_time_off_too_of_people_rooms_and_locations(self) -> None:
        room = candidate("room")
        asha, ravi = candidate(name="Asha"), candidate(name="Ravi", parent_id=room.id)
        off = {
            asha.id: [(on("10:30"), on("12:00"))],
            room.id: [(on("12:00"), on("13:00"))],
            PLACE: [(on("13:30"), on("15:00"))],
        }
        world = hours(DAY, weeks={PLACE: week(("10:00", "15:00"))}, time_off=off)
        free = {
            shown([slot])[0]: [one.name for one in slot.leads]
            for slot in day_of(offer(asha, ravi), world, DAY)
        }
        assert free == {
            **{key: ["Ravi"] for key in ("10:00", "10:15", "10:30", "10:45", "11:00")},
            **{key: ["Asha"] for key in ("12:00", "12:15", "12:30")},
        }

    def test_spares_time_off_from_buffers(self) -> None:
        asha = candidate()
        off = {asha.id: [(on("11:00"), on("12:00"))]}
        world = hours(DAY, weeks={asha.id: week(("10:00", "13:30"))}, time_off=off)
        service = offer(asha, duration_min=30, buffer_after_min=15, slot_interval_min=30)
        assert shown(day_of(service, world, DAY)) == ["10:00", "12:00", "12:30", "13:00"]


class TestTheGap:
    """A color: 30 minutes of work, 40 in which it takes, 20 of work."""

    SEGMENTS = (
        {"minutes": 30, "needs": ["staff", "equipment"]},
        {"minutes": 40, "needs": ["equipment"]},
        {"minutes": 20, "needs": ["staff", "equipment"]},
    )

    def test_leaves_the_person_to_somebody_else(self) -> None:
        asha, chair = candidate(), candidate("equipment")
        world = hours(DAY, weeks={PLACE: week(("10:00", "13:00"))})
        service = offer(asha, chair, duration_min=90, segments=self.SEGMENTS, slot_interval_min=30)
        taken = {asha.id: busy((on("10:30"), on("11:00")))}
        assert shown(day_of(service, world, DAY, taken=taken)) == ["10:00", "11:00", "11:30"]

    def test_needs_the_chair_all_the_time(self) -> None:
        asha, chair = candidate(), candidate("equipment")
        world = hours(DAY, weeks={PLACE: week(("10:00", "13:00"))})
        service = offer(asha, chair, duration_min=90, segments=self.SEGMENTS, slot_interval_min=30)
        taken = {chair.id: busy((on("10:30"), on("11:00")))}
        assert shown(day_of(service, world, DAY, taken=taken)) == ["11:00", "11:30"]

    def test_may_be_somebody_s_lunch(self) -> None:
        asha, chair = candidate(), candidate("equipment")
        weeks = {asha.id: week(("10:00", "10:30"), ("11:10", "11:30"))}
        service = offer(asha, chair, duration_min=90, segments=self.SEGMENTS)
        assert shown(day_of(service, hours(DAY, weeks=weeks), DAY)) == ["10:00"]


class TestCapacity:
    def test_is_so_many_bookings_at_a_time(self) -> None:
        desks = candidate("desk", capacity=3)
        taken = {desks.id: busy((on("10:00"), on("12:00"), 1), (on("11:00"), on("13:00"), 3))}
        world = hours(DAY, weeks={PLACE: week(("10:00", "14:00"))})
        slots = day_of(offer(desks, slot_interval_min=60), world, DAY, taken=taken)
        assert [slot.remaining for slot in slots] == [2, 1, 2, 3]

    def test_is_a_slot_for_each_of_a_party(self) -> None:
        desks = candidate("desk", capacity=3)
        taken = {desks.id: busy((on("11:00"), on("12:00"), 2))}
        world = hours(DAY, weeks={PLACE: week(("10:00", "13:00"))})
        service = offer(desks, slot_interval_min=60)
        assert [slot.remaining for slot in day_of(service, world, DAY, taken=taken, party_size=2)] == [
            1,
            1,
            1,
        ]
        assert shown(day_of(service, world, DAY, taken=taken, party_size=3)) == ["10:00", "12:00"]

    def test_is_what_may_be_booked_and_no_more(self) -> None:
        desks = candidate("desk", capacity=3, bookable_capacity=1)
        taken = {desks.id: busy((on("11:00"), on("12:00"), 1), (on("12:00"), on("13:00"), 2))}
        world = hours(DAY, weeks={PLACE: week(("10:00", "13:00"))})
        slots = day_of(offer(desks, slot_interval_min=60), world, DAY, taken=taken)
        assert shown(slots) == ["10:00", "12:00"]

    def test_of_one_is_taken_whole_by_a_party(self) -> None:
        guide = candidate()
        world = hours(DAY, weeks={guide.id: week(("10:00", "11:00"))})
        assert [slot.remaining for slot in day_of(offer(guide), world, DAY, party_size=8)] == [1]


class TestTwoKinds:
    def test_share_the_chairs_that_there_are(self) -> None:
        asha, ravi, chair = candidate(name="Asha"), candidate(name="Ravi"), candidate("equipment")
        world = hours(DAY, weeks={PLACE: week(("10:00", "12:00"))})
        slots = day_of(offer(asha, ravi, chair, slot_interval_min=60), world, DAY)
        assert [([one.name for one in slot.leads], slot.remaining) for slot in slots] == [
            (["Asha", "Ravi"], 1),
            (["Asha", "Ravi"], 1),
        ]

    def test_must_be_in_one_place(self) -> None:
        annex = candidate("equipment").id
        asha, ravi = candidate(name="Asha"), candidate(name="Ravi", location_id=annex)
        service = offer(asha, ravi, candidate("equipment"), slot_interval_min=60)
        slots = day_of(service, hours(DAY), DAY)
        assert {one.name for slot in slots for one in slot.leads} == {"Asha"}

    def test_take_any_chair_that_is_there_all_along(self) -> None:
        asha, one, other = candidate(), candidate("equipment"), candidate("equipment")
        taken = {one.id: busy((on("10:30"), on("12:00"))), other.id: busy((on("09:00"), on("10:30")))}
        world = hours(DAY, weeks={PLACE: week(("09:00", "12:00"))})
        slots = day_of(offer(asha, one, other, slot_interval_min=30), world, DAY, taken=taken)
        assert shown(slots) == ["09:00", "09:30", "10:30", "11:00"]


class TestPeople:
    def test_who_take_longer_end_later(self) -> None:
        asha, ravi = candidate(name="Asha"), candidate(name="Ravi", duration_min=90)
        world = hours(DAY, weeks={PLACE: week(("10:00", "12:00"))})
        slots = day_of(offer(asha, ravi, slot_interval_min=60), world, DAY)
        assert [((slot.end - slot.start) // 60, slot.leads[0].name) for slot in slots] == [
            (60, "Asha"),
            (90, "Ravi"),
            (60, "Asha"),
        ]

    def test_without_a_service_s_kind_lead_by_the_first_that_it_needs(self) -> None:
        room, projector = candidate("room"), candidate("equipment")
        slots = day_of(offer(room, projector), hours(DAY), DAY)
        assert {one.kind for slot in slots for one in slot.leads} == {"room"}
