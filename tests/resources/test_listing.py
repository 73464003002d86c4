"""Lists of resources and staff: filters, order, pages, and what they read."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from tests.factories.callers import Business, Caller, new_business
from tests.factories.catalog import create_resource, create_service, create_staff


def names(business: Business, path: str = "/api/resources", **query: str) -> list[str]:
    response = business.get(path, query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    return [row["name"] for row in response.get_json()["data"]]


class TestFilters:
    @pytest.fixture(scope="class")
    @classmethod
    def ids(cls, app: Flask) -> dict[str, Any]:
        owner = new_business(Caller(app))
        bandra = owner.post("/api/locations", {"name": "Bandra"}).get_json()["id"]
        meera = create_staff(owner, name="Meera", tags=["senior", "color"])
        asha = create_staff(owner, name="asha", tags=["color"], locationId=bandra)
        create_resource(owner, name="Room 1")
        old = create_resource(owner, "bed", name="Old bed")
        owner.delete(f"/api/resources/{old['id']}")
        service = create_service(owner, resources=[meera["id"], old["id"]])
        return {
            "owner": owner,
            "bandra": bandra,
            "default": meera["locationId"],
            "service": service["id"],
            "asha": asha["id"],
        }

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["asha", "Meera", "Room 1"]),
            ({"sortOrder": "desc"}, ["Room 1", "Meera", "asha"]),
            ({"isActive": "true"}, ["asha", "Meera", "Room 1"]),
            ({"isActive": "false"}, ["Old bed"]),
            ({"kind": "staff"}, ["asha", "Meera"]),
            ({"kind": "room,bed"}, ["Room 1"]),
            ({"kind": "desk"}, []),
            ({"tag": "color"}, ["asha", "Meera"]),
            ({"tag": "senior"}, ["Meera"]),
            ({"tag": "colo"}, []),
            ({"tag": "color", "kind": "room"}, []),
            ({"locationId": "bandra"}, ["asha"]),
            ({"locationId": "default"}, ["Meera", "Room 1"]),
            ({"serviceId": "service"}, ["Meera"]),
            ({"serviceId": "service", "isActive": "false"}, ["Old bed"]),
            ({"serviceId": "asha"}, []),
        ],
    )
    def test_narrow(self, ids: dict[str, Any], query: dict[str, str], found: list[str]) -> None:
        assert names(ids["owner"], **{name: ids.get(value, value) for name, value in query.items()}) == found

    @pytest.mark.parametrize(("query", "found"), [({}, ["asha", "Meera"]), ({"tag": "senior"}, ["Meera"])])
    def test_narrow_staff_alike(self, ids: dict[str, Any], query: dict[str, str], found: list[str]) -> None:
        assert names(ids["owner"], "/api/staff", **query) == found

    def test_do_not_reach_another_business(
        self, ids: dict[str, Any], business: Callable[..., Business]
    ) -> None:
        other = business()
        assert names(other, serviceId=ids["service"]) == names(other, locationId=ids["bandra"]) == []

    @pytest.mark.parametrize(
        ("path", "query"),
        [
            ("resources", {"kind": "session"}),
            ("resources", {"kind": "staff,"}),
            ("resources", {"isActive": "all"}),
            ("resources", {"locationId": "here"}),
            ("resources", {"serviceId": "1"}),
            ("resources", {"tag": " "}),
            ("resources", {"sortBy": "capacity"}),
            ("resources", {"capacity": "1"}),
            ("resources", {"active": "true"}),
            ("resources", {"expand": "schedule"}),
            ("staff", {"kind": "staff"}),
            ("staff", {"limit": "0"}),
        ],
    )
    def test_are_never_ignored(self, ids: dict[str, Any], path: str, query: dict[str, str]) -> None:
        response = ids["owner"].get(f"/api/{path}", query_string=query)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.get_json()["errors"]] == list(query)


class TestPages:
    def test_show_each_once(self, owner: Business) -> None:
        made = {create_staff(owner, name=f"Name {number % 2}")["id"] for number in range(7)}
        seen, query = [], {"limit": "3", "includeTotal": "true"}
        while True:
            page = owner.get("/api/staff", query_string=query).get_json()
            seen += [row["id"] for row in page["data"]]
            assert page["pagination"]["total"] == 7
            if page["pagination"]["nextCursor"] is None:
                break
            query["cursor"] = page["pagination"]["nextCursor"]
        assert (len(seen), set(seen)) == (7, made)

    def test_of_staff_take_no_cursor_of_resources(self, owner: Business) -> None:
        for number in range(2):
            create_staff(owner, name=f"Name {number}")
        cursor = owner.get("/api/resources?limit=1").get_json()["pagination"]["nextCursor"]
        response = owner.get("/api/staff", query_string={"limit": "1", "cursor": cursor})
        assert (response.status_code, response.get_json()["code"]) == (400, "INVALID_CURSOR")
