"""Classes: those with seats left, and why the others are not among them."""

from typing import Any
from uuid import UUID

import pytest

from tests.availability.test_blueprint import asked, found, refusal
from tests.availability.worlds import World
from tests.factories.callers import Business

DAY = "2027-03-02"


@pytest.fixture
def world(owner: Business) -> World:
    return World(owner)


def at(hour: int, day: str = DAY) -> str:
    return f"{day}T{hour:02}:00:00+05:30"


def yoga(world: World, **values: Any) -> UUID:
    return world.service(name="Yoga", mode="session", max_capacity=4, **values)


def seat(world: World, service: UUID, session: UUID, *slots: int, hour: int = 10, capacity: int = 2) -> None:
    for slot in slots:
        taken = {"resource_id": session, "kind": "session", "capacity": capacity, "slot_no": slot}
        world.book(service, at(hour), at(hour + 1), taken, mode="session", session_id=session)


class TestClasses:
    def test_have_the_seats_that_are_left(self, world: World) -> None:
        service = yoga(world)
        morning = world.session(service, at(10), at(11), seats=2)
        evening = world.session(service, at(18), at(19), seats=8)
        world.session(service, at(12), at(13), status="cancelled")
        world.session(yoga(world), at(10), at(11))
        seat(world, service, morning, 1)
        body = found(world, service)
        assert body["slots"] == [
            {
                "startAt": f"{DAY}T04:30:00Z",
                "endAt": f"{DAY}T05:30:00Z",
                "localStart": f"{DAY}T10:00",
                "staffIds": [],
                "sessionId": str(morning),
                "remaining": 1,
            },
            {
                "startAt": f"{DAY}T12:30:00Z",
                "endAt": f"{DAY}T13:30:00Z",
                "localStart": f"{DAY}T18:00",
                "staffIds": [],
                "sessionId": str(evening),
                "remaining": 8,
            },
        ]
        two = found(world, service, partySize=2)["slots"]
        assert [slot["sessionId"] for slot in two] == [str(evening)]

    def test_that_are_full_say_so(self, world: World) -> None:
        service = yoga(world)
        full = world.session(service, at(10), at(11), seats=2)
        seat(world, service, full, 1, 2)
        body = found(world, service, explain="true")
        assert body["slots"] == []
        reason = {"startAt": f"{DAY}T04:30:00Z", "sessionId": str(full), "reason": "booked"}
        assert (body["explain"], body["explainComplete"]) == ([reason], True)

    def test_that_are_over_are_none(self, world: World) -> None:
        service = yoga(world)
        world.session(service, at(10, "2020-01-01"), at(11, "2020-01-01"))
        days = {"from": "2020-01-01", "to": "2020-01-01"}
        body = found(world, service, None, explain="true", **days)
        assert body["slots"] == []
        assert [one["reason"] for one in body["explain"]] == ["notice"]

    def test_are_those_of_a_person_or_a_place(self, world: World) -> None:
        annex = world.place(timezone="Europe/London")
        asha = world.resource()
        service = yoga(world)
        here = world.session(service, at(10), at(11))
        there = world.session(service, at(10), at(11), location_id=annex)
        its = {"session_id": here, "resource_id": asha, "kind": "staff", "slot_no": 1, "capacity": 1}
        world.allocate(**its, starts_at=at(10), ends_at=at(11))
        (slot,) = found(world, service, staffId=asha)["slots"]
        assert (slot["sessionId"], slot["staffIds"]) == (str(here), [str(asha)])
        body = found(world, service, locationId=annex)
        assert [slot["sessionId"] for slot in body["slots"]] == [str(there)]
        assert (body["timezone"], body["slots"][0]["localStart"]) == ("Europe/London", f"{DAY}T04:30")

    def test_may_be_asked_for_for_a_year(self, world: World) -> None:
        service = yoga(world)
        world.session(service, at(10), at(11))
        year = {"from": "2027-01-01", "to": "2028-01-01"}
        assert len(found(world, service, None, **year)["slots"]) == 1
        year["to"] = "2028-01-02"
        assert refusal(asked(world, service, None, **year))[:2] == (400, "RANGE_TOO_LONG")

    def test_have_no_tags_and_no_nights(self, world: World) -> None:
        service = yoga(world)
        assert refusal(asked(world, service, tag="vip")) == (400, "VALIDATION_ERROR", ["tag"])
        nights = {"checkIn": DAY, "checkOut": "2027-03-03"}
        assert refusal(asked(world, service, **nights))[2] == ["checkIn", "checkOut"]

    def test_keep_the_person_who_gives_them_from_appointments(self, world: World) -> None:
        asha = world.resource()
        world.schedule(asha, {"tue": [[600, 720]]})
        group = yoga(world)
        cut = world.service(asha, slot_interval_min=60)
        session = world.session(group, at(10), at(11))
        its = {"session_id": session, "resource_id": asha, "kind": "staff", "slot_no": 1, "capacity": 1}
        world.allocate(**its, starts_at=at(10), ends_at="2027-03-02T11:15:00+05:30")
        body = found(world, cut, explain="true")
        assert [one["reason"] for one in body["explain"]] == ["booked", "buffer"]
