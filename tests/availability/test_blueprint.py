"""GET /api/availability: what it takes, what it answers, what it refuses."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from mbs.availability.schemas import AvailabilityView
from tests.availability.worlds import World, week
from tests.factories.api_keys import program
from tests.factories.callers import Business

DAY = "2027-03-02"


@pytest.fixture
def world(owner: Business) -> World:
    return World(owner)


def asked(world: World, service: object, day: str | None = DAY, **query: Any) -> TestResponse:
    dates = {} if day is None else {"from": day, "to": day}
    names = {"serviceId": str(service), **dates, **query}
    return world.owner.get("/api/availability", query_string={k: str(v) for k, v in names.items()})


def found(world: World, service: object, day: str | None = DAY, **query: Any) -> Any:
    response = asked(world, service, day, **query)
    assert response.status_code == 200, response.get_data(as_text=True)
    body = response.json
    assert body is not None
    faults = AvailabilityView().validate(body)
    assert faults == {}
    return body


def refusal(response: TestResponse) -> tuple[int, str, list[str]]:
    body = response.json
    assert body is not None
    return response.status_code, body["code"], [fault["field"] for fault in body.get("errors", ())]


class TestAppointments:
    def test_are_told_in_both_times_with_whom(self, world: World) -> None:
        asha, ravi = world.resource(name="Asha"), world.resource(name="Ravi")
        world.schedule(asha, week(("10:00", "11:30")))
        world.schedule(ravi, week(("10:30", "11:30")))
        service = world.service(asha, ravi, slot_interval_min=30)
        body = found(world, service)
        assert body == {
            "timezone": "Asia/Kolkata",
            "serviceId": str(service),
            "from": DAY,
            "to": DAY,
            "slots": [
                {
                    "startAt": f"{DAY}T04:30:00Z",
                    "endAt": f"{DAY}T05:30:00Z",
                    "localStart": f"{DAY}T10:00",
                    "staffIds": [str(asha)],
                    "remaining": 1,
                },
                {
                    "startAt": f"{DAY}T05:00:00Z",
                    "endAt": f"{DAY}T06:00:00Z",
                    "localStart": f"{DAY}T10:30",
                    "staffIds": [str(asha), str(ravi)],
                    "remaining": 2,
                },
            ],
        }

    def test_leave_out_what_is_taken_but_not_holds_that_are_over(self, world: World) -> None:
        asha = world.resource()
        world.schedule(asha, week(("10:00", "13:00")))
        service = world.service(asha, slot_interval_min=60)
        world.book(service, f"{DAY}T10:00:00+05:30", f"{DAY}T11:00:00+05:30", {"resource_id": asha})
        for hour, until in ((11, "2020-01-01T00:00:00Z"), (12, "2037-01-01T00:00:00Z")):
            times = (f"{DAY}T{hour}:00:00+05:30", f"{DAY}T{hour + 1}:00:00+05:30")
            held = {"resource_id": asha, "state": "held", "expires_at": until}
            world.book(service, *times, held, status="held", expires_at=until)
        assert [slot["localStart"][11:] for slot in found(world, service)["slots"]] == ["11:00"]

    def test_say_why_others_are_missing(self, world: World) -> None:
        asha = world.resource()
        world.schedule(asha, week(("10:00", "14:00")))
        service = world.service(asha, slot_interval_min=60, buffer_after_min=10)
        taken = {"resource_id": asha, "ends_at": f"{DAY}T11:10:00+05:30"}
        world.book(service, f"{DAY}T10:00:00+05:30", f"{DAY}T11:00:00+05:30", taken)
        world.time_off(asha, f"{DAY}T12:30:00+05:30", f"{DAY}T12:45:00+05:30")
        body = found(world, service, explain="true")
        assert [slot["localStart"][11:] for slot in body["slots"]] == ["13:00"]
        assert body["explain"] == [
            {"startAt": f"{DAY}T{utc}:00Z", "staffId": str(asha), "reason": reason}
            for utc, reason in (("04:30", "booked"), ("05:30", "buffer"), ("06:30", "time_off"))
        ]
        assert body["explainComplete"] is True

    def test_are_those_of_the_shift_that_began_the_evening_before(self, world: World) -> None:
        asha = world.resource()
        world.schedule(asha, week(("22:00", "02:00"), days=["mon"]))
        world.exception(asha, "2027-03-09", ("23:00", "01:00"))
        service = world.service(asha, slot_interval_min=60)
        starts = [slot["localStart"] for slot in found(world, service)["slots"]]
        assert starts == [f"{DAY}T00:00", f"{DAY}T01:00"]
        days = {"from": "2027-03-08", "to": "2027-03-10"}
        starts = [slot["localStart"][8:] for slot in found(world, service, None, **days)["slots"]]
        assert starts == ["08T22:00", "08T23:00", "09T00:00", "09T01:00", "09T23:00", "10T00:00"]

    def test_of_a_service_that_needs_nobody_name_the_rooms(self, world: World) -> None:
        desks = world.resource("desk", "Desks", capacity=4)
        world.schedule(world.location, week(("10:00", "11:00")))
        service = world.service(desks, max_capacity=4)
        (slot,) = found(world, service, partySize=2)["slots"]
        assert (slot["staffIds"], slot["resourceIds"], slot["remaining"]) == ([], [str(desks)], 2)

    def test_are_those_of_one_person_place_or_tag(self, world: World) -> None:
        annex = world.place(timezone="Europe/London")
        asha, ravi = (
            world.resource(name="Asha", tags=["senior"]),
            world.resource(name="Ravi", location_id=annex),
        )
        for person in (asha, ravi):
            world.schedule(person, week(("10:00", "11:00")))
        service = world.service(asha, ravi)
        for query, who, zone in (
            ({"staffId": asha}, asha, "Asia/Kolkata"),
            ({"resourceId": ravi}, ravi, "Europe/London"),
            ({"locationId": annex}, ravi, "Europe/London"),
            ({"tag": "senior"}, asha, "Asia/Kolkata"),
        ):
            body = found(world, service, **query)
            assert [slot["staffIds"] for slot in body["slots"]] == [[str(who)]]
            assert [slot["localStart"] for slot in body["slots"]] == [f"{DAY}T10:00"]
            assert body["timezone"] == zone
        assert [slot["localStart"][11:] for slot in found(world, service)["slots"]] == ["10:00", "15:30"]

    @pytest.mark.parametrize(
        ("zone", "day", "window", "starts"),
        [
            ("America/New_York", "2027-03-14", ("13:00", "15:00"), ["17:00", "18:00"]),
            ("America/New_York", "2027-03-14", ("02:30", "04:00"), ["07:00"]),
            ("Europe/London", "2027-10-31", ("00:30", "03:00"), ["23:30", "00:30", "01:30"]),
            ("Asia/Kolkata", "2027-03-14", ("13:00", "15:00"), ["07:30", "08:30"]),
            ("Australia/Sydney", "2027-10-03", ("01:00", "04:00"), ["15:00", "16:00"]),
        ],
    )
    def test_follow_clocks_that_change(
        self, world: World, zone: str, day: str, window: tuple[str, str], starts: list[str]
    ) -> None:
        place = world.place(timezone=zone)
        asha = world.resource(location_id=place)
        world.schedule(asha, week(window))
        service = world.service(asha, slot_interval_min=60)
        assert [slot["startAt"][11:16] for slot in found(world, service, day)["slots"]] == starts

    def test_bind_keys_by_notice_and_people_by_the_past_alone(self, world: World, app: Flask) -> None:
        asha = world.resource()
        policy = {"minNoticeMin": 3 * 24 * 60, "maxAdvanceDays": 6}
        service = world.service(asha, slot_interval_min=60, policy=policy)
        today = datetime.now(ZoneInfo("Asia/Kolkata")).date()
        days = {"from": today - timedelta(days=1), "to": today + timedelta(days=9)}
        people = {slot["localStart"][:10] for slot in found(world, service, None, **days)["slots"]}
        coming = {(today + timedelta(days=number)).isoformat() for number in range(1, 10)}
        # The last start of today may be over.
        assert people - {today.isoformat()} == coming
        key = program(world.owner, "bookings:read")
        response = key.get("/api/availability", query_string={"serviceId": str(service), **days})
        assert response.status_code == 200
        assert response.json is not None
        starts = [slot["startAt"] for slot in response.json["slots"]]
        assert len(starts) == 3 * 24
        told = key.get(
            "/api/availability", query_string={"serviceId": str(service), **days, "explain": "true"}
        ).json
        assert told is not None
        assert {one["reason"] for one in told["explain"]} == {"notice", "too_far_ahead"}
        assert len(told["explain"]) + len(starts) == 11 * 24


class TestARefusal:
    def test_names_what_does_not_exist(self, world: World, business: Callable[..., Business]) -> None:
        other = World(business())
        asha = other.resource()
        service = world.service(world.resource())
        for bad in (uuid4(), other.service(asha)):
            assert refusal(asked(world, bad)) == (400, "INVALID_REFERENCE", ["serviceId"])
        for field, bad in (
            ("staffId", asha),
            ("staffId", uuid4()),
            ("resourceId", asha),
            ("locationId", other.location),
        ):
            wrong: dict[str, Any] = {field: bad}
            assert refusal(asked(world, service, **wrong)) == (400, "INVALID_REFERENCE", [field])

    def test_says_who_does_not_do_it(self, world: World) -> None:
        service = world.service(world.resource())
        idle = world.resource(name="Idle")
        assert refusal(asked(world, service, staffId=idle))[:2] == (409, "NO_RESOURCE_FOR_SERVICE")
        two = world.resource(name="Asha"), world.resource(name="Ravi")
        both = asked(world, world.service(*two), staffId=two[0], resourceId=two[1])
        assert refusal(both)[:2] == (409, "NO_RESOURCE_FOR_SERVICE")
        assert refusal(asked(world, world.service()))[:2] == (409, "NO_RESOURCE_FOR_SERVICE")
        half = world.service(world.resource(), world.resource("room", "Room", active=False))
        assert refusal(asked(world, half))[:2] == (409, "NO_RESOURCE_FOR_SERVICE")

    def test_is_of_a_service_that_is_archived(self, world: World) -> None:
        service = world.service(world.resource(), active=False)
        assert refusal(asked(world, service))[:2] == (409, "SERVICE_INACTIVE")

    @pytest.mark.parametrize(
        ("query", "fields"),
        [
            ({"from": "2027-03-02", "to": "2027-03-01"}, ["to"]),
            ({"from": "2027-02-31", "to": "2027-03-01"}, ["from"]),
            ({"from": "0000-01-01", "to": "2027-03-01"}, ["from"]),
            ({"from": "2027-03-02"}, ["to"]),
            ({}, ["from", "to"]),
            ({"checkIn": "2027-03-02", "checkOut": "2027-03-03"}, ["from", "to", "checkIn", "checkOut"]),
            ({"from": DAY, "to": DAY, "partySize": "0"}, ["partySize"]),
            ({"from": DAY, "to": DAY, "partySize": "1000000000"}, ["partySize"]),
            ({"from": DAY, "to": DAY, "partySize": "2"}, ["partySize"]),
            ({"from": DAY, "to": DAY, "party": "2"}, ["party"]),
            ({"from": DAY, "to": DAY, "staffId": "asha"}, ["staffId"]),
        ],
    )
    def test_names_each_faulty_parameter(
        self, world: World, query: dict[str, str], fields: list[str]
    ) -> None:
        service = world.service(world.resource())
        assert refusal(asked(world, service, None, **query)) == (400, "VALIDATION_ERROR", fields)

    def test_bounds_the_days(self, world: World) -> None:
        service = world.service(world.resource())
        many = {"from": "2027-03-01", "to": "2027-04-01"}
        assert refusal(asked(world, service, None, **many))[:2] == (400, "RANGE_TOO_LONG")
        assert asked(world, service, None, **{**many, "to": "2027-03-31"}).status_code == 200

    @pytest.mark.parametrize(("role", "status"), [("staff", 200), ("accountant", 200), ("manager", 200)])
    def test_is_not_for_people_who_see_bookings(self, world: World, role: str, status: int) -> None:
        service = world.service(world.resource())
        colleague = world.owner.colleague(role)
        query = {"serviceId": str(service), "from": DAY, "to": DAY}
        assert colleague.get("/api/availability", query_string=query).status_code == status

    def test_is_for_strangers(self, world: World, app: Flask) -> None:
        service = world.service(world.resource())
        response = app.test_client().get(f"/api/availability?serviceId={service}&from={DAY}&to={DAY}")
        assert response.status_code == 401
