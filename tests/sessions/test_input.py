"""What is no class: refused with the field that is to blame, and nothing stored."""

from typing import Any
from uuid import uuid4

import pytest

from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.group_sessions import new_class_service
from tests.factories.teams import code_of

SOMEWHEN = {"date": "2031-03-03", "startTime": "18:00"}
SERVICE = "0190a6f2-7c3e-7000-8000-000000000002"


class TestABody:
    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"serviceId": ...}, "serviceId"),
            ({"serviceId": "yoga"}, "serviceId"),
            ({"date": ..., "startTime": ...}, "startAt"),
            ({"date": ...}, "date"),
            ({"startTime": ...}, "startTime"),
            ({"startAt": "2031-03-03T18:00:00Z"}, "startAt"),
            ({"date": ..., "startTime": ..., "startAt": "2031-03-03T18:00:00"}, "startAt"),
            ({"date": ..., "startTime": ..., "startAt": "0000-03-03T18:00:00Z"}, "startAt"),
            ({"date": ..., "startTime": ..., "startAt": "2031-02-31T18:00:00Z"}, "startAt"),
            ({"date": ..., "startTime": ..., "startAt": "2031-03-03T18:00:00Z", "fold": 1}, "fold"),
            ({"date": "2031-02-31"}, "date"),
            ({"date": "0000-01-01"}, "date"),
            ({"startTime": "24:00"}, "startTime"),
            ({"startTime": 18}, "startTime"),
            ({"fold": 2}, "fold"),
            ({"capacity": 0}, "capacity"),
            ({"capacity": 501}, "capacity"),
            ({"capacity": 10**9}, "capacity"),
            ({"capacity": "10"}, "capacity"),
            ({"capacity": None}, "capacity"),
            ({"name": ""}, "name"),
            ({"name": "x" * 201}, "name"),
            ({"notes": "\u0000"}, "notes"),
            ({"endAt": "2031-03-03T18:00:00Z"}, "endAt"),
            ({"status": "completed"}, "status"),
            ({"taken": 0}, "taken"),
            ({"tenantId": SERVICE}, "tenantId"),
        ],
    )
    def test_is_refused_with_the_field(self, resident: Business, change: dict[str, Any], field: str) -> None:
        body = {"serviceId": SERVICE, **SOMEWHEN, **change}
        response = resident.post(
            "/api/sessions", {name: value for name, value in body.items() if value is not ...}
        )
        assert response.status_code == 400, response.get_data(as_text=True)
        assert field in [fault["field"] for fault in response.get_json()["errors"]]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ("from=yesterday", "from"),
            ("to=2031-03-03", "to"),
            ("status=open", "status"),
            ("serviceId=1", "serviceId"),
            ("staffId=" + SERVICE, "staffId"),
            ("sortBy=name", "sortBy"),
            ("cursor=x", "cursor"),
        ],
    )
    def test_and_a_query_are_held_to_the_contract(self, resident: Business, query: str, field: str) -> None:
        response = resident.get(f"/api/sessions?{query}")
        assert response.status_code == 400
        problem = response.get_json()
        assert problem["code"] == "INVALID_CURSOR" or field in [one["field"] for one in problem["errors"]]

    @pytest.mark.parametrize("change", [{}, {"capacity": 0}, {"startTime": "18:00"}, {"serviceId": SERVICE}])
    def test_of_a_change_is_too(self, owner: Business, change: dict[str, Any]) -> None:
        body = {"serviceId": str(new_class_service(owner)), **SOMEWHEN}
        id_ = made(owner, "/api/sessions", body)["id"]
        assert owner.patch(f"/api/sessions/{id_}", change).status_code == 400
        assert owner.get(f"/api/sessions/{id_}").get_json()["version"] == 1


class TestAReference:
    def test_must_be_to_what_there_is(self, owner: Business) -> None:
        body = {"serviceId": str(new_class_service(owner)), **SOMEWHEN}
        for field in ("serviceId", "staffId", "roomId", "locationId"):
            response = owner.post("/api/sessions", {**body, field: str(uuid4())})
            assert code_of(response) == (400, "INVALID_REFERENCE")
            assert [fault["field"] for fault in response.get_json()["errors"]] == [field]
        assert listed(owner, "/api/sessions") == []

    def test_must_be_to_what_is_meant(self, owner: Business) -> None:
        body = {"serviceId": str(new_class_service(owner)), **SOMEWHEN}
        staff, room = create_staff(owner)["id"], create_resource(owner)["id"]
        elsewhere = made(owner, "/api/locations", {"name": "Soho"})["id"]
        there = create_resource(owner, locationId=elsewhere)["id"]
        appointment = create_service(owner)["id"]
        class_id = made(owner, "/api/sessions", body)["id"]
        for change, field in (
            ({"serviceId": appointment}, "serviceId"),
            ({"staffId": room}, "staffId"),
            ({"roomId": staff}, "roomId"),
            ({"roomId": class_id}, "roomId"),
            ({"staffId": class_id}, "staffId"),
            ({"roomId": room, "locationId": elsewhere}, "roomId"),
        ):
            response = owner.post("/api/sessions", {**body, **change})
            assert code_of(response) == (400, "VALIDATION_ERROR"), change
            assert [fault["field"] for fault in response.get_json()["errors"]] == [field]
        response = owner.patch(f"/api/sessions/{class_id}", {"roomId": there})
        assert code_of(response) == (400, "VALIDATION_ERROR")

    def test_must_be_to_what_is_offered(self, owner: Business) -> None:
        service = str(new_class_service(owner))
        body = {"serviceId": service, **SOMEWHEN}
        one, other, gone = (create_staff(owner)["id"] for _ in range(3))
        assert owner.delete(f"/api/staff/{gone}").status_code == 204
        assert code_of(owner.post("/api/sessions", {**body, "staffId": gone})) == (
            409,
            "NO_RESOURCE_FOR_SERVICE",
        )
        assert owner.post("/api/sessions", {**body, "staffId": other, **SOMEWHEN}).status_code == 201
        assert assign(owner, service, [one]).status_code == 200
        later = {**body, "startTime": "20:00"}
        assert code_of(owner.post("/api/sessions", {**later, "staffId": other})) == (
            409,
            "NO_RESOURCE_FOR_SERVICE",
        )
        assert owner.post("/api/sessions", {**later, "staffId": one}).status_code == 201
        assert owner.delete(f"/api/services/{service}").status_code == 204
        assert code_of(owner.post("/api/sessions", body)) == (409, "SERVICE_INACTIVE")


class TestALocalTime:
    def test_that_does_not_exist_is_refused(self, owner: Business) -> None:
        london = made(owner, "/api/locations", {"name": "Soho", "timezone": "Europe/London"})["id"]
        body = {"serviceId": str(new_class_service(owner)), "locationId": london}
        gap = {**body, "date": "2031-03-30", "startTime": "01:30"}
        assert code_of(owner.post("/api/sessions", gap)) == (400, "NONEXISTENT_LOCAL_TIME")
        twice = {**body, "date": "2031-10-26", "startTime": "01:30"}
        assert made(owner, "/api/sessions", twice)["startAt"] == "2031-10-26T00:30:00Z"
        assert made(owner, "/api/sessions", {**twice, "fold": 1})["startAt"] == "2031-10-26T01:30:00Z"
