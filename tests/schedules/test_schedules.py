"""/api/{staff,resources,locations}/{id}/schedule."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.schedules.schemas import ScheduleView
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.schedules.hours import CLOSED, KINDS, TUESDAY, made


def replace(business: Business, owner: str, week: Any, **options: Any) -> TestResponse:
    """Send a week; `timezone` and `headers` if they are given."""
    headers = options.pop("headers", None)
    return business.call("PUT", f"{owner}/schedule", {"week": week, **options}, headers=headers)


def faults(response: TestResponse) -> list[str]:
    assert (response.status_code, (response.json or {})["code"]) == (400, "VALIDATION_ERROR")
    assert response.json is not None
    return [fault["field"] for fault in response.json["errors"]]


@pytest.mark.parametrize("kind", KINDS)
class TestASchedule:
    def test_is_inherited_until_there_is_one(self, owner: Business, kind: str) -> None:
        address = made(owner, kind)

        response = owner.get(f"{address}/schedule")

        assert (response.status_code, response.headers["ETag"]) == (200, '"0"')
        id_ = address.rpartition("/")[2]
        assert response.json == {
            "tenantId": str(owner.tenant_id),
            "resourceId": id_ if kind != "locations" else None,
            "locationId": id_ if kind == "locations" else None,
            "timezone": None,
            "week": None,
            "createdAt": None,
            "updatedAt": None,
            "version": 0,
        }
        assert differences(ScheduleView(), response.json) == []

    def test_is_replaced_as_a_whole(self, owner: Business, kind: str) -> None:
        address = made(owner, kind)

        first = replace(owner, address, TUESDAY, timezone="Asia/Kolkata")
        second = replace(owner, address, {"sun": [["22:00", "06:00"]], "mon": [["06:00", "24:00"]]})

        assert (first.status_code, first.headers["ETag"]) == (200, '"1"')
        assert first.json is not None
        assert second.json is not None
        assert (first.json["week"], first.json["timezone"]) == ({**CLOSED, **TUESDAY}, "Asia/Kolkata")
        assert second.json["week"] == {**CLOSED, "sun": [["22:00", "06:00"]], "mon": [["06:00", "24:00"]]}
        assert (second.json["timezone"], second.headers["ETag"]) == (None, '"2"')
        read = owner.get(f"{address}/schedule")
        assert (read.json, read.headers["ETag"]) == (second.json, '"2"')
        assert differences(ScheduleView(), read.json) == []
        assert owner.get(f"{address}/schedule", headers={"If-None-Match": '"2"'}).status_code == 304

    def test_gives_way_to_the_location_s_when_it_is_removed(self, owner: Business, kind: str) -> None:
        address = made(owner, kind)
        assert replace(owner, address, TUESDAY).status_code == 200

        for _ in range(2):
            assert owner.delete(f"{address}/schedule").status_code == 204

        read = owner.get(f"{address}/schedule")
        assert ((read.json or {})["week"], read.headers["ETag"]) == (None, '"2"')

    def test_overwrites_nobody_who_was_faster(self, owner: Business, kind: str) -> None:
        address = made(owner, kind)
        unseen, seen = {"If-Match": '"0"'}, {"If-Match": '"1"'}

        assert replace(owner, address, TUESDAY, headers=seen).status_code == 412
        assert replace(owner, address, TUESDAY, headers=unseen).status_code == 200
        assert replace(owner, address, {}, headers=unseen).status_code == 412
        assert owner.delete(f"{address}/schedule", headers=unseen).status_code == 412
        assert owner.delete(f"{address}/schedule", headers=seen).status_code == 204
        # One that is made anew is not the one that somebody saw before.
        assert replace(owner, address, {}).status_code == 200
        assert replace(owner, address, TUESDAY, headers=seen).status_code == 412
        assert replace(owner, address, TUESDAY, headers={"If-Match": '"3"'}).status_code == 200

    def test_tells_the_trail(self, owner: Business, kind: str) -> None:
        address = made(owner, kind)
        for week in (TUESDAY, {"tue": [["15:00", "20:00"], ["10:00", "14:00"]]}, {}):
            assert replace(owner, address, week).status_code == 200
        assert owner.delete(f"{address}/schedule").status_code == 204

        told = owner.get("/api/events?types=schedule.updated").get_json()["data"]

        column = "location_id" if kind == "locations" else "resource_id"
        events = events_of(owner, told[0]["objectId"])
        assert [event.type for event in events] == ["schedule.updated"] * 4
        assert {event.data["object"][column] for event in events} == {address.rpartition("/")[2]}
        assert [event.data["object"]["version"] for event in events] == [1, 2, 3, 4]
        assert events[0].data["object"]["week"]["tue"] == [[600, 840], [900, 1200]]
        assert [event.data["previous"].keys() for event in events] == [set(), set(), {"week"}, {"week"}]

    def test_of_nobody_is_not_there(
        self, owner: Business, business: Callable[..., Business], kind: str
    ) -> None:
        foreign = made(business(), kind)
        nobody = f"/api/{kind}/0198a1b2-c3d4-7000-8000-000000000001"
        for method, body in (("GET", None), ("PUT", {"week": {}}), ("DELETE", None)):
            answers = [owner.call(method, f"{address}/schedule", body) for address in (foreign, nobody)]
            assert {answer.status_code for answer in answers} == {404}
            assert len({(answer.json or {})["detail"] for answer in answers}) == 1


class TestAWeek:
    @pytest.mark.parametrize(
        ("week", "fields"),
        [
            ({"tue": [["10:00", "14:00"], ["13:59", "20:00"]]}, ["week.tue.1"]),
            ({"tue": [["13:00", "20:00"], ["10:00", "14:00"]]}, ["week.tue.0"]),
            (
                {"tue": [["10:00", "20:00"], ["11:00", "12:00"], ["13:00", "14:00"]]},
                ["week.tue.1", "week.tue.2"],
            ),
            ({"tue": [["10:00", "14:00"], ["10:00", "14:00"]]}, ["week.tue.1"]),
            ({"tue": [["22:00", "06:00"]], "wed": [["05:59", "09:00"]]}, ["week.wed.0"]),
            ({"tue": [["10:00", "10:00"]], "wed": [["08:00", "09:00"], ["12:00", "13:00"]]}, ["week.wed.0"]),
            ({"sun": [["22:00", "06:00"]], "mon": [["09:00", "10:00"], ["05:00", "06:00"]]}, ["week.mon.1"]),
            ({"sun": [["00:00", "00:00"], ["23:59", "24:00"]]}, ["week.sun.1"]),
            ({"monday": [["10:00", "14:00"]]}, ["week.monday"]),
            ({"0": []}, ["week.0"]),
            ({"tue": [["25:00", "26:00"]]}, ["week.tue.0.0", "week.tue.0.1"]),
            ({"tue": [["24:00", "26:00"]]}, ["week.tue.0.1"]),
            ({"tue": [["24:00", "02:00"]]}, ["week.tue.0.0"]),
            ({"tue": [["10:00", "24:01"]]}, ["week.tue.0.1"]),
            ({"tue": [["9:00", "10:00"]]}, ["week.tue.0.0"]),
            ({"tue": [["١٠:٠٠", "11:00"]]}, ["week.tue.0.0"]),
            ({"tue": [["10:00"]]}, ["week.tue.0"]),
            ({"tue": [["10:00", "11:00", "12:00"]]}, ["week.tue.0"]),
            ({"tue": [[600, 840]]}, ["week.tue.0.0", "week.tue.0.1"]),
            ({"tue": ["10:00", "14:00"]}, ["week.tue.0", "week.tue.1"]),
            ({"tue": [["10:00", None]]}, ["week.tue.0.1"]),
            ({"tue": [None]}, ["week.tue.0"]),
            ({"tue": None}, ["week.tue"]),
            ({"tue": {}}, ["week.tue"]),
            (
                {"tue": [[f"{h:02}:{m}", f"{h:02}:{m + 5}"] for h in range(7) for m in (10, 20, 30)]},
                ["week.tue"],
            ),
            (None, ["week"]),
            ([], ["week"]),
        ],
    )
    def test_is_refused_by_the_name_of_the_window(
        self, resident: Business, week: Any, fields: list[str]
    ) -> None:
        nobody = "/api/staff/0198a1b2-c3d4-7000-8000-000000000001"
        assert faults(replace(resident, nobody, week)) == fields

    @pytest.mark.parametrize(
        "week",
        [
            {},
            {"tue": [["10:00", "14:00"], ["14:00", "20:00"]]},
            {"tue": [["22:00", "06:00"]], "wed": [["06:00", "22:00"]]},
            {"sun": [["22:00", "06:00"]], "mon": [["06:00", "07:00"]]},
            {day: [["00:00", "24:00"]] for day in CLOSED},
            {day: [["09:00", "09:00"]] for day in CLOSED},
            {"tue": [[f"{h:02}:{m}", f"{h:02}:{m + 5}"] for h in range(10) for m in (10, 30)]},
        ],
    )
    def test_may_have_any_windows_that_do_not_overlap(self, owner: Business, week: Any) -> None:
        response = replace(owner, made(owner, "staff"), week)
        assert (response.json or {})["week"] == {**CLOSED, **week}

    def test_is_shown_in_order(self, owner: Business) -> None:
        response = replace(owner, made(owner, "staff"), {"tue": [["15:00", "20:00"], ["10:00", "14:00"]]})
        assert (response.json or {})["week"]["tue"] == TUESDAY["tue"]

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"week": {}, "timezone": "Asia/Atlantis"}, "timezone"),
            ({"week": {}, "timezone": "+05:30"}, "timezone"),
            ({"week": {}, "version": 3}, "version"),
            ({"week": {}, "resourceId": "0198a1b2-c3d4-7000-8000-000000000001"}, "resourceId"),
            ({}, "week"),
        ],
    )
    def test_comes_with_a_time_zone_alone(self, resident: Business, body: Any, field: str) -> None:
        nobody = "/api/locations/0198a1b2-c3d4-7000-8000-000000000001/schedule"
        assert faults(resident.call("PUT", nobody, body)) == [field]


class TestKinds:
    def test_of_the_address_and_of_the_resource_agree(self, owner: Business) -> None:
        room = made(owner, "resources").rpartition("/")[2]
        person = made(owner, "staff").rpartition("/")[2]
        assert owner.get(f"/api/staff/{room}/schedule").status_code == 404
        assert owner.get(f"/api/locations/{person}/schedule").status_code == 404
        # A person is a resource too, with one schedule.
        assert replace(owner, f"/api/staff/{person}", TUESDAY).status_code == 200
        assert replace(owner, f"/api/resources/{person}", {}, headers={"If-Match": '"1"'}).status_code == 200

    @pytest.mark.parametrize(
        ("role", "resources", "locations"),
        [
            ("manager", (200, 200), (200, 403)),
            ("staff", (200, 403), (403, 403)),
            ("accountant", (200, 403), (200, 403)),
        ],
    )
    def test_let_colleagues_in_by_their_role(
        self, owner: Business, role: str, resources: tuple[int, int], locations: tuple[int, int]
    ) -> None:
        colleague = owner.colleague(role)
        for kind, expected in (("staff", resources), ("resources", resources), ("locations", locations)):
            address = made(owner, kind)
            answers = colleague.get(f"{address}/schedule"), replace(colleague, address, {})
            assert tuple(answer.status_code for answer in answers) == expected, kind
