"""Stays: beds for nights of the calendar, back to back, and how to move when no bed is free all the time."""

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from mbs.availability.models.rules import quantity, stay_quantity
from tests.availability.test_blueprint import asked, found, refusal
from tests.availability.worlds import World
from tests.factories.api_keys import program
from tests.factories.callers import Business

NIGHTS = {"checkIn": "2027-03-27", "checkOut": "2027-03-30"}


@pytest.fixture
def world(owner: Business) -> World:
    return World(owner)


def dorm(world: World, capacity: int = 6, **values: Any) -> tuple[UUID, UUID]:
    """Return a dormitory and the service that sells its beds."""
    room = world.resource("room", "Dorm", capacity=capacity, **values)
    return room, bed_service(world, room)


def bed_service(world: World, *rooms: UUID, **values: Any) -> UUID:
    given = {"mode": "stay", "price": Decimal(450), "price_unit": "night", "max_capacity": 6, **values}
    return world.service(*rooms, name="Bed", **given)


def night(day: int, hour: str = "14:00", month: int = 3) -> str:
    return f"2027-{month:02}-{day:02}T{hour}:00+05:30"


def stay(world: World, service: UUID, room: UUID, slot: int, first: int, last: int, **values: Any) -> UUID:
    """Take one bed from a day of March to another."""
    taken = {"resource_id": room, "kind": "room", "capacity": 6, "slot_no": slot, **values}
    return world.book(service, night(first), night(last, "11:00"), taken, mode="stay")


def stays(world: World, service: UUID, **query: Any) -> Any:
    return found(world, service, None, **{**NIGHTS, **query})


class TestOptions:
    def test_have_a_price_for_the_party_and_all_nights(self, world: World) -> None:
        room, service = dorm(world)
        assert stays(world, service, partySize=2) == {
            "timezone": "Asia/Kolkata",
            "serviceId": str(service),
            "checkIn": "2027-03-27",
            "checkOut": "2027-03-30",
            "options": [
                {
                    "resourceId": str(room),
                    "name": "Dorm",
                    "slotNos": [1, 2],
                    "nights": 3,
                    "price": "2700.00",
                    "currency": "INR",
                }
            ],
            "splitStay": [],
        }

    def test_are_beds_between_others_who_leave_and_come_on_the_same_days(self, world: World) -> None:
        room, service = dorm(world)
        stay(world, service, room, 2, 25, 27)
        stay(world, service, room, 2, 30, 31)
        for slot in (1, 3, 4, 5, 6):
            stay(world, service, room, slot, 29, 30)
        assert [one["slotNos"] for one in stays(world, service)["options"]] == [[2]]

    def test_are_the_whole_room_for_as_many_as_it_has_beds(self, world: World) -> None:
        room, service = dorm(world)
        assert stays(world, service, partySize=6)["options"][0]["slotNos"] == [1, 2, 3, 4, 5, 6]
        stay(world, service, room, 4, 26, 28)
        assert stays(world, service, partySize=6)["options"] == []

    def test_are_a_double_room_for_two_at_the_price_of_two(self, world: World) -> None:
        room = world.resource("room", "Double")
        service = bed_service(world, room, max_capacity=2)
        (option,) = stays(world, service, partySize=2)["options"]
        assert (option["slotNos"], option["price"]) == ([1], "2700.00")

    def test_begin_with_the_cheapest(self, world: World) -> None:
        plain, suite = world.resource("room", "Plain"), world.resource("room", "Attic")
        service = bed_service(world, plain)
        world.assign(service, suite, price=Decimal("700.50"))
        prices = [(one["name"], one["price"]) for one in stays(world, service)["options"]]
        assert prices == [("Plain", "1350.00"), ("Attic", "2101.50")]

    def test_cost_as_much_when_clocks_change(self, world: World) -> None:
        place = world.place(timezone="Europe/London")
        room = world.resource("room", "Attic", location_id=place)
        body = stays(world, bed_service(world, room))
        assert body["timezone"] == "Europe/London"
        assert [(one["nights"], one["price"]) for one in body["options"]] == [(3, "1350.00")]

    def test_leave_out_what_is_closed_for_repairs(self, world: World) -> None:
        house = world.resource("room", "House")
        room = world.resource("bed", "Bed", parent_id=house)
        service = bed_service(world, room)
        world.time_off(house, night(30, "12:00"), night(31))
        assert len(stays(world, service)["options"]) == 1
        world.time_off(house, night(28), night(28, "15:00"))
        assert stays(world, service)["options"] == []

    def test_need_no_opening_hours(self, world: World) -> None:
        _room, service = dorm(world)
        world.schedule(world.location, {"mon": [[600, 660]]})
        assert len(stays(world, service)["options"]) == 1

    def test_follow_the_hours_at_which_guests_come_and_leave(self, world: World) -> None:
        room = world.resource("room", "Attic")
        service = bed_service(world, room, policy={"checkInTime": "10:00", "checkOutTime": "12:00"})
        world.book(service, night(26), night(27, "11:00"), {"resource_id": room, "kind": "room"}, mode="stay")
        assert stays(world, service)["options"] == []

    def test_of_last_night_are_none_and_those_of_tonight_are_the_business_s_own(self, world: World) -> None:
        room = world.resource("room", "Attic")
        service = bed_service(world, room, policy={"minNoticeMin": 3 * 24 * 60})
        today = datetime.now(ZoneInfo("Asia/Kolkata")).date()
        query = {"checkIn": today.isoformat(), "checkOut": (today + timedelta(days=2)).isoformat()}
        assert len(stays(world, service, **query)["options"]) == 1
        key = program(world.owner, "bookings:read")
        answer = key.get("/api/availability", query_string={"serviceId": str(service), **query})
        assert answer.json is not None
        assert (answer.json["options"], answer.json["splitStay"]) == ([], [])
        query["checkIn"] = (today - timedelta(days=2)).isoformat()
        assert stays(world, service, **query)["options"] == []


class TestASplitStay:
    def test_moves_as_seldom_as_can_be(self, world: World) -> None:
        room, service = dorm(world, capacity=3)
        capacity = {"capacity": 3}
        stay(world, service, room, 1, 29, 31, **capacity)
        stay(world, service, room, 2, 28, 30, **capacity)
        stay(world, service, room, 3, 26, 28, **capacity)
        body = stays(world, service)
        assert body["options"] == []
        assert body["splitStay"] == [
            {"resourceId": str(room), "slotNo": 1, "checkIn": "2027-03-27", "checkOut": "2027-03-29"},
            {"resourceId": str(room), "slotNo": 3, "checkIn": "2027-03-29", "checkOut": "2027-03-30"},
        ]

    def test_keeps_a_party_in_one_room(self, world: World) -> None:
        one, other = (world.resource("room", name, capacity=2) for name in ("A", "B"))
        service = bed_service(world, one, other)
        stay(world, service, one, 2, 28, 31, capacity=2)
        stay(world, service, other, 1, 27, 28, capacity=2)
        parts = stays(world, service, partySize=2)["splitStay"]
        assert [(part["resourceId"], part["slotNo"], part["checkOut"][8:]) for part in parts] == [
            *((str(one), slot, "28") for slot in (1, 2)),
            *((str(other), slot, "30") for slot in (1, 2)),
        ]

    def test_is_none_if_one_night_has_no_bed(self, world: World) -> None:
        room, service = dorm(world, capacity=2)
        stay(world, service, room, 1, 28, 29, capacity=2)
        stay(world, service, room, 2, 28, 29, capacity=2)
        assert stays(world, service)["splitStay"] == []

    def test_of_a_year_is_found(self, world: World) -> None:
        rooms = [world.resource("room", f"Room {number}") for number in range(4)]
        service = bed_service(world, *rooms)
        for month in range(3, 12):
            room = rooms[month % 4]
            for one in rooms:
                if one != room:
                    times = (night(15, month=month), night(16, "11:00", month=month))
                    world.book(service, *times, {"resource_id": one, "kind": "room"}, mode="stay")
        parts = stays(world, service, checkIn="2027-03-01", checkOut="2028-02-29")["splitStay"]
        assert parts[0]["checkIn"] == "2027-03-01"
        assert parts[-1]["checkOut"] == "2028-02-29"
        for before, after in itertools.pairwise(parts):
            assert before["checkOut"] == after["checkIn"]
            assert before["resourceId"] != after["resourceId"]
        assert len(parts) == 9


class TestARefusal:
    @pytest.mark.parametrize(
        ("query", "fields"),
        [
            ({"checkOut": "2027-03-27"}, ["checkOut"]),
            ({"checkOut": "2027-03-26"}, ["checkOut"]),
            ({"checkOut": "2027-02-31"}, ["checkOut"]),
            ({"from": "2027-03-27"}, ["from"]),
            ({"explain": "true"}, ["explain"]),
            ({"partySize": "7"}, ["partySize"]),
        ],
    )
    def test_names_the_parameter(self, world: World, query: dict[str, str], fields: list[str]) -> None:
        _, service = dorm(world)
        answer = asked(world, service, None, **{**NIGHTS, **query})
        assert refusal(answer) == (400, "VALIDATION_ERROR", fields)

    def test_bounds_the_nights(self, world: World) -> None:
        _, service = dorm(world)
        year = {"checkIn": "2027-03-01", "checkOut": "2028-03-01"}
        assert asked(world, service, None, **year).status_code == 200
        year["checkOut"] = "2028-03-02"
        assert refusal(asked(world, service, None, **year))[:2] == (400, "RANGE_TOO_LONG")

    def test_bounds_what_years_there_are(self, world: World) -> None:
        _, service = dorm(world)
        for first, last in (("1900-01-01", "1900-01-02"), ("2199-12-30", "2199-12-31")):
            assert asked(world, service, None, checkIn=first, checkOut=last).status_code == 200


class TestQuantities:
    @pytest.mark.parametrize(
        ("unit", "check_in", "check_out", "units"),
        [
            ("night", "2026-03-07", "2026-03-09", 4),
            ("day", "2026-03-07", "2026-03-09", 4),
            ("booking", "2026-03-07", "2026-03-09", 1),
            ("person", "2026-03-07", "2026-03-09", 2),
            ("hour", "2026-03-07", "2026-03-09", 96),
            ("week", "2026-03-01", "2026-03-08", 2),
            ("week", "2026-03-01", "2026-03-09", 4),
            ("month", "2026-01-31", "2026-02-28", 2),
            ("month", "2026-01-31", "2026-03-31", 4),
            ("month", "2026-01-31", "2026-03-01", 4),
            ("month", "2026-01-15", "2026-02-15", 2),
            ("month", "2026-01-15", "2026-02-16", 4),
            ("month", "2026-01-15", "2026-01-16", 2),
            ("month", "2027-12-31", "2028-02-29", 4),
        ],
    )
    def test_of_a_stay_for_two(self, unit: str, check_in: str, check_out: str, units: int) -> None:
        first, last = date.fromisoformat(check_in), date.fromisoformat(check_out)
        assert stay_quantity(unit, party_size=2, check_in=first, check_out=last) == units

    @pytest.mark.parametrize(
        ("mode", "unit", "minutes", "units"),
        [
            ("appointment", "booking", 90, "1"),
            ("appointment", "person", 90, "3"),
            ("appointment", "hour", 50, "0.833"),
            ("appointment", "day", 90, "1"),
            ("appointment", "night", 1440, "1"),
            ("appointment", "month", 1440, "1"),
            ("session", "hour", 90, "3"),
            ("session", "booking", 90, "1"),
        ],
    )
    def test_for_three(self, mode: str, unit: str, minutes: int, units: str) -> None:
        assert quantity(mode, unit, party_size=3, minutes=minutes) == Decimal(units)
