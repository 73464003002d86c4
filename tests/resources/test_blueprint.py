"""Resources and staff over HTTP: create, read, change, archive, remove."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.resources.schemas import EXAMPLE, STAFF_EXAMPLE, ResourceView
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.catalog import create_resource, create_staff
from tests.factories.customers import events_of

NOBODY = "0198a1b2-c3d4-7000-8000-000000000001"


def fault(response: TestResponse, code: str = "VALIDATION_ERROR") -> str:
    body = response.get_json()
    assert (response.status_code, body["code"]) == (400, code), body
    (only,) = body["errors"]
    return str(only["field"])


def code(response: TestResponse) -> tuple[int, str]:
    return response.status_code, response.get_json()["code"]


def default_location(business: Business) -> str:
    return str(business.get("/api/locations").get_json()["data"][0]["id"])


def member_id(business: Business) -> str:
    return str(business.get("/api/members").get_json()["data"][0]["id"])


def read(business: Business, id_: str) -> Any:
    response = business.get(f"/api/resources/{id_}")
    assert response.status_code == 200
    return response.json


class TestCreate:
    def test_takes_one_place_at_the_default_location(self, owner: Business) -> None:
        response = owner.post("/api/resources", {"kind": "room", "name": "Room 1"})

        body = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/resources/{body['id']}"
        assert response.headers["ETag"] == '"1"'
        assert body == {
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "kind": "room",
            "name": "Room 1",
            "locationId": default_location(owner),
            "memberId": None,
            "parentId": None,
            "capacity": 1,
            "bookableCapacity": 1,
            "tags": [],
            "color": None,
            "isActive": True,
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
        }

    def test_keeps_every_field_as_the_document_describes_it(self, owner: Business) -> None:
        location = owner.post("/api/locations", {"name": "Bandra"}).get_json()["id"]
        full = {
            **STAFF_EXAMPLE,
            "kind": "staff",
            "locationId": location,
            "memberId": member_id(owner),
            "parentId": create_resource(owner)["id"],
            "capacity": 4,
            "bookableCapacity": 3,
        }

        created = owner.post("/api/resources", full).get_json()

        assert {name: created[name] for name in full} == full
        assert differences(ResourceView(), created) == []
        assert None not in created.values()
        assert read(owner, created["id"]) == created

    def test_takes_its_own_examples(self, owner: Business) -> None:
        example: dict[str, Any] = dict(EXAMPLE)
        assert create_resource(owner, **example)["bookableCapacity"] == 6
        assert create_staff(owner, **dict[str, Any](STAFF_EXAMPLE))["kind"] == "staff"

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("kind", "session"),
            ("kind", "Room"),
            ("kind", None),
            ("name", " "),
            ("name", "x" * 201),
            ("capacity", 0),
            ("capacity", 501),
            ("capacity", 10**9),
            ("capacity", 1.5),
            ("capacity", "2"),
            ("capacity", True),
            ("bookableCapacity", 2),
            ("bookableCapacity", -1),
            ("bookableCapacity", None),
            ("tags", [f"tag {number}" for number in range(21)]),
            ("tags", ["x" * 41]),
            ("tags", "senior"),
            ("color", "1e90ff"),
            ("color", "#1e90f"),
            ("color", "#1e90fg"),
            ("color", "#1e90ff\n#"),
            ("color", "red"),
            ("locationId", "here"),
            ("locationId", None),
            ("parentId", 7),
            ("memberId", NOBODY),
            ("isActive", True),
            ("tenantId", NOBODY),
            ("version", 1),
            ("nameKey", "x"),
        ],
    )
    def test_names_the_faulty_field(self, owner: Business, field: str, value: Any) -> None:
        response = owner.post("/api/resources", {"kind": "room", "name": "Room 1", field: value})
        assert fault(response).split(".")[0] == field

    @pytest.mark.parametrize("field", ["locationId", "memberId", "parentId"])
    def test_refers_to_nothing_that_is_not_there(
        self, owner: Business, business: Callable[..., Business], field: str
    ) -> None:
        other = business()
        theirs = {
            "locationId": default_location(other),
            "memberId": member_id(other),
            "parentId": create_resource(other)["id"],
        }
        answers = [owner.post("/api/staff", {"name": "Meera", field: id_}) for id_ in (theirs[field], NOBODY)]

        assert [fault(one, "INVALID_REFERENCE") for one in answers] == [field, field]
        assert answers[0].get_json()["detail"] == answers[1].get_json()["detail"]
        assert owner.get("/api/staff").get_json()["data"] == []

    def test_gives_a_member_to_one_resource_alone(self, owner: Business) -> None:
        member = member_id(owner)
        create_staff(owner, memberId=member)
        other = create_staff(owner)

        assert code(owner.post("/api/staff", {"name": "Meera", "memberId": member})) == (409, "CONFLICT")
        assert code(owner.patch(f"/api/staff/{other['id']}", {"memberId": member})) == (409, "CONFLICT")

    def test_tells_the_trail(self, owner: Business) -> None:
        (event,) = events_of(owner, create_resource(owner, capacity=6)["id"])
        assert (event.type, event.object_type, event.data["previous"]) == ("resource.created", "resource", {})
        assert event.data["object"]["capacity"] == 6

    def test_is_repeated_under_its_key_once(self, owner: Business) -> None:
        key = {"Idempotency-Key": "one"}
        one, two = (owner.post("/api/staff", {"name": "Meera"}, headers=key) for _ in range(2))
        assert one.json == two.json
        assert len(owner.get("/api/staff").get_json()["data"]) == 1

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        assert owner.post("/api/staff?dryRun=true", {"name": "Meera"}).status_code == 201
        assert owner.get("/api/staff").get_json()["data"] == []


class TestChange:
    def test_leaves_what_it_does_not_name(self, owner: Business) -> None:
        before = create_resource(owner, capacity=6, tags=["mixed"], color="#1E90ff")

        response = owner.patch(f"/api/resources/{before['id']}", {"name": "Dormitory", "color": None})

        after = response.get_json()
        changed = {"name": "Dormitory", "color": None, "version": 2, "updatedAt": after["updatedAt"]}
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
        assert after == {**before, **changed} == read(owner, before["id"])

    def test_tells_the_trail_what_was(self, owner: Business) -> None:
        id_ = create_resource(owner, capacity=6, bookableCapacity=4)["id"]
        owner.patch(f"/api/resources/{id_}", {"name": "Room 1", "capacity": 8, "tags": ["new"]})

        event = events_of(owner, id_)[-1]

        assert event.type == "resource.updated"
        assert event.data["previous"] == {"capacity": 6, "tags": []}

    def test_finds_the_name_that_it_was_given(self, owner: Business) -> None:
        first, second = create_staff(owner, name="Zoe"), create_staff(owner, name="Mia")
        owner.patch(f"/api/staff/{first['id']}", {"name": "Ana"})
        names = [one["name"] for one in owner.get("/api/staff").get_json()["data"]]
        assert names == ["Ana", second["name"]]

    @pytest.mark.parametrize(
        "body",
        [{}, {"kind": "bed"}, {"name": None}, {"capacity": None}, {"locationId": None}, {"isActive": "no"}],
    )
    def test_refuses_what_cannot_change(self, owner: Business, body: Any) -> None:
        id_ = create_resource(owner)["id"]
        assert fault(owner.patch(f"/api/resources/{id_}", body)) == next(iter(body), "body")
        assert read(owner, id_)["version"] == 1

    def test_makes_nobody_but_staff_a_member(self, owner: Business) -> None:
        room = create_resource(owner)["id"]
        assert fault(owner.patch(f"/api/resources/{room}", {"memberId": member_id(owner)})) == "memberId"

    def test_minds_the_version(self, owner: Business) -> None:
        id_ = create_resource(owner)["id"]
        stale, fresh = (
            owner.patch(f"/api/resources/{id_}", {"tags": ["x"]}, headers={"If-Match": tag})
            for tag in ('"2"', '"1"')
        )
        assert (stale.status_code, fresh.status_code) == (412, 200)


class TestParts:
    def test_are_never_parts_of_themselves(self, owner: Business) -> None:
        house = create_resource(owner, name="House")["id"]
        room = create_resource(owner, name="Room", parentId=house)["id"]
        bed = create_resource(owner, "bed", name="Bed", parentId=room)["id"]

        for above in (house, room, bed):
            assert fault(owner.patch(f"/api/resources/{house}", {"parentId": above})) == "parentId"
        assert read(owner, house)["parentId"] is None
        assert owner.patch(f"/api/resources/{bed}", {"parentId": house}).status_code == 200
        assert owner.patch(f"/api/resources/{room}", {"parentId": bed}).status_code == 200

    def test_keep_what_they_are_parts_of(self, owner: Business) -> None:
        room = create_resource(owner)["id"]
        bed = create_resource(owner, "bed", parentId=room)["id"]

        assert code(owner.delete(f"/api/resources/{room}?purge=true")) == (409, "IN_USE")
        assert owner.delete(f"/api/resources/{bed}?purge=true").status_code == 204
        assert owner.delete(f"/api/resources/{room}?purge=true").status_code == 204


class TestRemove:
    def test_archives(self, owner: Business) -> None:
        id_ = create_staff(owner)["id"]

        assert [owner.delete(f"/api/staff/{id_}").status_code for _ in range(2)] == [204, 204]

        assert (read(owner, id_)["isActive"], read(owner, id_)["version"]) == (False, 2)
        assert [event.type for event in events_of(owner, id_)] == ["resource.created", "resource.archived"]
        assert owner.get("/api/staff").get_json()["data"] == []
        assert owner.patch(f"/api/staff/{id_}", {"isActive": True}).get_json()["isActive"] is True

    def test_for_good_leaves_its_trail(self, owner: Business) -> None:
        id_ = create_staff(owner)["id"]

        assert owner.delete(f"/api/staff/{id_}?purge=true").status_code == 204

        assert owner.get(f"/api/staff/{id_}").status_code == 404
        assert events_of(owner, id_)[-1].type == "resource.purged"

    @pytest.mark.parametrize("query", ["", "?purge=true"])
    def test_minds_the_version(self, owner: Business, query: str) -> None:
        id_ = create_staff(owner)["id"]
        response = owner.delete(f"/api/staff/{id_}{query}", headers={"If-Match": '"7"'})
        assert response.status_code == 412
        assert read(owner, id_)["isActive"] is True


class TestStaff:
    def test_are_resources_of_one_kind(self, owner: Business) -> None:
        person, room = create_staff(owner), create_resource(owner)

        assert read(owner, person["id"]) == person
        for answer in (
            owner.get(f"/api/staff/{room['id']}"),
            owner.patch(f"/api/staff/{room['id']}", {"name": "x"}),
            owner.delete(f"/api/staff/{room['id']}"),
            owner.delete(f"/api/staff/{room['id']}?purge=true"),
        ):
            assert code(answer) == (404, "NOT_FOUND")
        assert read(owner, room["id"]) == room
        assert [one["id"] for one in owner.get("/api/staff").get_json()["data"]] == [person["id"]]
        assert fault(owner.post("/api/staff", {"name": "x", "kind": "room"})) == "kind"


class TestAnotherBusiness:
    def test_finds_nothing(self, owner: Business, business: Callable[..., Business]) -> None:
        id_ = create_staff(owner)["id"]
        other = business()
        for path in (f"/api/resources/{id_}", f"/api/staff/{id_}", f"/api/staff/{uuid.uuid4()}"):
            assert other.get(path).status_code == 404
            assert other.patch(path, {"name": "Mine"}).status_code == 404
            assert other.delete(path).status_code == 404
            assert other.delete(f"{path}?purge=true").status_code == 404
        assert other.get("/api/resources").get_json()["data"] == []
        assert read(owner, id_)["version"] == 1
