"""Who and what can do a service: the list as a whole, its prices and durations, and two who edit it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from uuid_utils.compat import uuid7

from mbs.catalog.schemas import RESOURCES_EXAMPLE, AssignResources, ServiceResources
from tests.catalog.test_blueprint import NOBODY, fault
from tests.catalog.test_needs import COLOR
from tests.contract.closed_schemas import differences
from tests.factories.calendars import new_booking
from tests.factories.callers import Business, Caller, new_business
from tests.factories.catalog import assign, create_resource, create_service, create_staff
from tests.factories.customers import create, events_of
from tests.resources.test_capacity import NOON, at_once

NEW_ITEM = text("""
INSERT INTO booking_items (id, booking_id, position, catalog_item_id, name, quantity, unit_price, price_unit,
                           amount, start_at, end_at)
VALUES (:id, :booking, 1, :service, 'x', 1, 0, 'booking', 0, :start, :start + interval '1 hour')
""")


def listed(business: Business, service_id: str) -> Any:
    response = business.get(f"/api/services/{service_id}/resources")
    assert response.status_code == 200
    return response.json


def ids(business: Business, service_id: str) -> list[str]:
    return [one["resourceId"] for one in listed(business, service_id)["resources"]]


class TestAssign:
    def test_replaces_the_whole_list(self, owner: Business) -> None:
        meera, asha = create_staff(owner, name="Meera")["id"], create_staff(owner, name="Asha")["id"]
        chair = create_resource(owner, "equipment", name="Chair")["id"]
        id_ = create_service(owner, resources=[meera, chair])["id"]

        response = assign(owner, id_, [meera, {"resourceId": asha, "price": "700.5", "duration": 30}])

        assert response.status_code == 200
        assert response.headers["ETag"] == '"3"'
        assert response.json == {
            "version": 3,
            "resources": [
                {
                    "resourceId": asha,
                    "kind": "staff",
                    "name": "Asha",
                    "isActive": True,
                    "price": "700.50",
                    "duration": 30,
                },
                {
                    "resourceId": meera,
                    "kind": "staff",
                    "name": "Meera",
                    "isActive": True,
                    "price": None,
                    "duration": None,
                },
            ],
        }
        assert listed(owner, id_) == response.json
        assert differences(ServiceResources(), response.json) == []
        assert owner.get(f"/api/services/{id_}").get_json()["version"] == 3

    def test_can_leave_nobody(self, owner: Business) -> None:
        id_ = create_service(owner, resources=[create_staff(owner)["id"]])["id"]
        assert assign(owner, id_, []).get_json() == {"version": 3, "resources": []}

    def test_takes_its_own_example(self) -> None:
        assert len(AssignResources().load(RESOURCES_EXAMPLE)["resources"]) == 2

    def test_tells_the_trail_what_was(self, owner: Business) -> None:
        staff = create_staff(owner)["id"]
        id_ = create_service(owner)["id"]
        assign(owner, id_, [{"resourceId": staff, "price": "700"}])
        assign(owner, id_, [])

        first, second = events_of(owner, id_)[1:]

        one = {"resourceId": staff, "price": "700.00", "duration": None}
        assert first.type == second.type == "service.resources_updated"
        assert first.data == {
            "object": {"id": id_, "resources": [one], "version": 2},
            "previous": {"resources": []},
        }
        assert second.data["previous"] == {"resources": [one]}

    def test_keeps_those_that_are_archived(self, owner: Business) -> None:
        staff = create_staff(owner)["id"]
        id_ = create_service(owner, resources=[staff])["id"]
        owner.delete(f"/api/staff/{staff}")

        (one,) = listed(owner, id_)["resources"]

        assert one["isActive"] is False
        assert assign(owner, id_, [staff]).status_code == 200

    def test_forgets_those_that_are_removed(self, owner: Business) -> None:
        staff = create_staff(owner)["id"]
        id_ = create_service(owner, resources=[staff])["id"]
        assert owner.delete(f"/api/staff/{staff}?purge=true").status_code == 204
        assert listed(owner, id_)["resources"] == []

    def test_takes_two_hundred_and_no_more(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        with owner.database.transaction(owner.scope) as transaction:
            rows = transaction.execute(MANY, {"tenant": owner.tenant_id, "actor": owner.user_id}).scalars()
            many = [str(row) for row in rows]

        assert assign(owner, id_, many[:200]).status_code == 200
        assert fault(assign(owner, id_, many)) == ("VALIDATION_ERROR", "resources")
        assert len(ids(owner, id_)) == 200

    def test_minds_the_version(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        stale, fresh = (
            assign(owner, id_, [], headers={"If-Match": tag}).status_code for tag in ('"2"', '"1"')
        )
        assert (stale, fresh) == (412, 200)

    def test_leaves_nothing_of_a_dry_run(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        body = {"resources": [{"resourceId": create_staff(owner)["id"]}]}
        dry = owner.call("PUT", f"/api/services/{id_}/resources?dryRun=true", body)
        assert (dry.status_code, dry.get_json()["version"]) == (200, 2)
        assert listed(owner, id_) == {"version": 1, "resources": []}


MANY = text("""
INSERT INTO resources (id, kind, name, name_key, location_id, created_by)
SELECT gen_random_uuid(), 'staff', 'x', 'x', id, :actor FROM locations, generate_series(1, 201)
WHERE tenant_id = :tenant RETURNING id
""")


class TestRefusal:
    @pytest.fixture(scope="class")
    @classmethod
    def salon(cls, app: Flask) -> tuple[Business, str, str]:
        """A business, one of its staff, and a service of three segments that they do."""
        owner = new_business(Caller(app))
        staff = create_staff(owner)["id"]
        return owner, staff, create_service(owner, duration=90, segments=COLOR, resources=[staff])["id"]

    @pytest.mark.parametrize(
        ("changes", "code", "field"),
        [
            ({"resourceId": NOBODY}, "INVALID_REFERENCE", "resources.1.resourceId"),
            ({"resourceId": "staff"}, "VALIDATION_ERROR", "resources.1.resourceId"),
            ({"resourceId": None}, "VALIDATION_ERROR", "resources.1.resourceId"),
            ({"resourceId": "the other one"}, "VALIDATION_ERROR", "resources.1.resourceId"),
            ({"price": "-1"}, "VALIDATION_ERROR", "resources.1.price"),
            ({"price": 700}, "VALIDATION_ERROR", "resources.1.price"),
            ({"price": "0.005"}, "VALIDATION_ERROR", "resources.1.price"),
            ({"duration": 0}, "VALIDATION_ERROR", "resources.1.duration"),
            ({"duration": 1441}, "VALIDATION_ERROR", "resources.1.duration"),
            ({"duration": 70}, "INVALID_SEGMENTS", "resources.1.duration"),
            ({"kind": "staff"}, "VALIDATION_ERROR", "resources.1.kind"),
        ],
    )
    def test_names_the_place_and_changes_nothing(
        self, salon: tuple[Business, str, str], changes: Mapping[str, Any], code: str, field: str
    ) -> None:
        owner, staff, id_ = salon
        before = listed(owner, id_)
        other = create_staff(owner)["id"]
        second = {"resourceId": other, **changes}
        if second["resourceId"] == "the other one":
            second["resourceId"] = staff

        assert fault(assign(owner, id_, [staff, second])) == (code, field)
        assert listed(owner, id_) == before

    @pytest.mark.parametrize("body", [{}, {"resources": None}, {"resources": {}}, {"resources": ["x"]}])
    def test_of_what_is_no_list(self, salon: tuple[Business, str, str], body: Any) -> None:
        owner, _, id_ = salon
        response = owner.call("PUT", f"/api/services/{id_}/resources", body)
        assert fault(response)[1].split(".")[0] == "resources"

    def test_of_another_business_s_is_that_of_nobody(
        self, salon: tuple[Business, str, str], business: Callable[..., Business]
    ) -> None:
        owner, staff, id_ = salon
        theirs = create_staff(business())["id"]
        answers = [assign(owner, id_, [staff, one]) for one in (theirs, NOBODY)]
        assert [fault(one) for one in answers] == [("INVALID_REFERENCE", "resources.1.resourceId")] * 2
        assert answers[0].get_json()["errors"] == answers[1].get_json()["errors"]

    def test_names_every_stranger(self, salon: tuple[Business, str, str]) -> None:
        owner, staff, id_ = salon
        response = assign(owner, id_, [NOBODY, staff, str(uuid7())])
        fields = [one["field"] for one in response.get_json()["errors"]]
        assert fields == ["resources.0.resourceId", "resources.2.resourceId"]

    @pytest.mark.parametrize("mode", ["session", "stay"])
    def test_of_a_duration_where_nobody_s_counts(self, salon: tuple[Business, str, str], mode: str) -> None:
        owner, staff, _ = salon
        id_ = create_service(owner, mode=mode)["id"]
        answer = assign(owner, id_, [{"resourceId": staff, "duration": 30}])
        assert fault(answer) == ("VALIDATION_ERROR", "resources.0.duration")
        assert assign(owner, id_, [{"resourceId": staff, "price": "30"}]).status_code == 200


class TestBookedService:
    def test_is_not_removed(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        booking_id = new_booking(owner, create(owner)["id"], NOON)
        with owner.database.transaction(owner.scope) as transaction:
            row = {"id": uuid7(), "booking": booking_id, "service": id_, "start": NOON}
            transaction.execute(NEW_ITEM, row)

        refused = owner.delete(f"/api/services/{id_}?purge=true")

        assert (refused.status_code, refused.get_json()["code"]) == (409, "IN_USE")
        assert owner.delete(f"/api/services/{id_}").status_code == 204


class TestRacers:
    def test_leave_one_of_their_lists(self, wide_app: Flask) -> None:
        racer = new_business(Caller(wide_app))
        staff = [create_staff(racer)["id"] for _ in range(6)]
        id_ = create_service(racer)["id"]
        lists = [staff[number:] + staff[:number] for number in range(6)]
        lists = [one[: number + 1] for number, one in enumerate(lists)]

        def put(own: list[str]) -> int:
            caller = Caller(racer.app, token=racer.token, address=racer.address)
            body = {"resources": [{"resourceId": one} for one in own]}
            return caller.call("PUT", f"/api/services/{id_}/resources", body).status_code

        def purge() -> int:
            caller = Caller(racer.app, token=racer.token, address=racer.address)
            return caller.delete(f"/api/staff/{staff[0]}?purge=true").status_code

        answers = at_once([purge, *[lambda own=own: put(own) for own in lists]])

        assert answers[0] in (204, 409)
        assert set(answers[1:]) <= {200, 400, 409}
        left = set(ids(racer, id_))
        assert any(left | {staff[0]} == {*own, staff[0]} for own in lists)
