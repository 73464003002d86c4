"""Services over HTTP: create, read, change, archive, remove."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.catalog.schemas import EXAMPLE, ServiceView
from tests.catalog.test_needs import COLOR
from tests.contract.closed_schemas import differences
from tests.factories.callers import Business
from tests.factories.catalog import create_resource, create_service
from tests.factories.customers import events_of

NOBODY = "0198a1b2-c3d4-7000-8000-000000000001"
STAY = {"name": "Bed", "price": "900.00", "mode": "stay"}


def fault(response: TestResponse) -> tuple[str, str]:
    """Return the code and the field of a refusal."""
    body = response.get_json()
    assert response.status_code == 400, body
    (only,) = body["errors"]
    return body["code"], only["field"]


def change(business: Business, id_: str, **values: Any) -> TestResponse:
    return business.patch(f"/api/services/{id_}", values)


def read(business: Business, id_: str) -> Any:
    response = business.get(f"/api/services/{id_}")
    assert response.status_code == 200
    return response.json


class TestCreate:
    def test_needs_a_name_a_price_and_a_duration(self, owner: Business) -> None:
        response = owner.post("/api/services", {"name": "Haircut", "price": "999", "duration": 45})

        body = response.get_json()
        assert response.status_code == 201
        assert response.headers["Location"] == f"/api/services/{body['id']}"
        assert response.headers["ETag"] == '"1"'
        assert body == {
            "id": body["id"],
            "tenantId": str(owner.tenant_id),
            "name": "Haircut",
            "description": None,
            "category": None,
            "mode": "appointment",
            "price": "999.00",
            "currency": "INR",
            "priceUnit": "booking",
            "duration": 45,
            "bufferBefore": 0,
            "bufferAfter": 0,
            "slotInterval": None,
            "segments": [],
            "policy": {},
            "taxCategory": "beauty_wellness",
            "sacHsn": None,
            "supplyRule": None,
            "maxCapacity": 1,
            "sortOrder": 0,
            "isActive": True,
            "createdAt": body["createdAt"],
            "updatedAt": body["createdAt"],
            "version": 1,
        }
        assert read(owner, body["id"]) == body

    def test_keeps_every_field_as_the_document_describes_it(self, owner: Business) -> None:
        full = {
            **EXAMPLE,
            "mode": "appointment",
            "description": "Two\nlines",
            "priceUnit": "person",
            "bufferBefore": 5,
            "slotInterval": 30,
            "maxCapacity": 2,
            "sortOrder": -3,
            "taxCategory": "beauty_wellness",
            "sacHsn": "999721",
            "supplyRule": "performance",
        }

        created = owner.post("/api/services", full).get_json()

        assert {name: created[name] for name in full} == full
        assert differences(ServiceView(), created) == []
        assert None not in created.values()
        assert read(owner, created["id"]) == created

    @pytest.mark.parametrize(
        ("country", "price", "shown", "finer"),
        [("JP", "500", "500", "500.5"), ("KW", "1.25", "1.250", "1.2505"), ("IN", "0", "0.00", "0.001")],
    )
    def test_is_priced_in_the_currency_of_the_business(
        self, business: Callable[..., Business], country: str, price: str, shown: str, finer: str
    ) -> None:
        owner = business(countryCode=country)
        assert create_service(owner, price=price)["price"] == shown
        refused = owner.post("/api/services", {"name": "Cut", "price": finer, "duration": 30})
        assert fault(refused) == ("VALIDATION_ERROR", "price")
        fee = {"noShowFee": {"type": "fixed", "value": finer}}
        refused = owner.post("/api/services", {"name": "Cut", "price": price, "duration": 30, "policy": fee})
        assert fault(refused) == ("VALIDATION_ERROR", "policy.noShowFee.value")
        assert len(owner.get("/api/services").get_json()["data"]) == 1

    def test_has_a_price_unit_of_its_mode(self, owner: Business) -> None:
        assert create_service(owner, mode="session")["priceUnit"] == "person"
        assert create_service(owner, mode="stay")["priceUnit"] == "night"
        assert create_service(owner, mode="stay", priceUnit="week")["priceUnit"] == "week"

    def test_tells_the_trail_without_a_float(self, owner: Business) -> None:
        (event,) = events_of(owner, create_service(owner, price="999.5")["id"])
        assert (event.type, event.object_type, event.data["previous"]) == ("service.created", "service", {})
        assert event.data["object"]["price"] == "999.50"

    def test_is_repeated_under_its_key_once(self, owner: Business) -> None:
        body, key = {"name": "Cut", "price": "500", "duration": 45}, {"Idempotency-Key": "one"}
        one, two = (owner.post("/api/services", body, headers=key) for _ in range(2))
        assert one.json == two.json
        assert len(owner.get("/api/services").get_json()["data"]) == 1


class TestChange:
    def test_leaves_what_it_does_not_name(self, owner: Business) -> None:
        before = create_service(owner, category="Hair", description="x", slotInterval=10)

        response = change(owner, before["id"], price="650", category=None, slotInterval=None, isActive=True)

        after = response.get_json()
        named = {"price": "650.00", "category": None, "slotInterval": None}
        assert (response.status_code, response.headers["ETag"]) == (200, '"2"')
        assert after == {**before, **named, "version": 2, "updatedAt": after["updatedAt"]}
        event = events_of(owner, before["id"])[-1]
        assert event.type == "service.updated"
        assert event.data["previous"] == {"price": "500.00", "category": "Hair", "slot_interval_min": 10}

    def test_is_checked_with_what_is_stored(self, owner: Business) -> None:
        id_ = create_service(owner, duration=90, segments=COLOR)["id"]
        shorter = [{"minutes": 80, "needs": ["staff"]}]

        assert fault(change(owner, id_, duration=80)) == ("INVALID_SEGMENTS", "duration")
        assert fault(change(owner, id_, segments=shorter)) == ("INVALID_SEGMENTS", "segments")
        assert fault(change(owner, id_, duration=None)) == ("VALIDATION_ERROR", "duration")
        assert fault(change(owner, id_, priceUnit="night")) == ("VALIDATION_ERROR", "priceUnit")
        assert change(owner, id_, duration=80, segments=shorter).status_code == 200
        assert change(owner, id_, segments=[]).status_code == 200
        assert change(owner, id_, duration=70).get_json()["duration"] == 70

    def test_is_checked_with_who_does_it_quicker(self, owner: Business) -> None:
        quick = create_resource(owner, "staff")["id"]
        id_ = create_service(
            owner, duration=90, resources=[{"resourceId": quick, "duration": 70}], price="10"
        )["id"]

        assert fault(change(owner, id_, segments=COLOR)) == ("INVALID_SEGMENTS", "segments")
        assert change(owner, id_, duration=60).status_code == 200

    def test_merges_the_rules_one_by_one(self, owner: Business) -> None:
        id_ = create_service(owner, policy={"holdMin": 5, "minNoticeMin": None, "maxAdvanceDays": 30})["id"]
        assert read(owner, id_)["policy"] == {"holdMin": 5, "maxAdvanceDays": 30}

        fee = {"type": "percent", "value": "50"}
        changed = change(owner, id_, policy={"holdMin": None, "lateCancelFee": fee}).get_json()

        assert changed["policy"] == {"maxAdvanceDays": 30, "lateCancelFee": fee}
        assert change(owner, id_, policy={}).get_json()["policy"] == changed["policy"]

    def test_is_priced_in_the_currency_that_the_business_has_now(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        assert owner.patch("/api/tenant", {"currency": "JPY"}).status_code == 200

        assert read(owner, id_)["currency"] == "INR"
        assert fault(change(owner, id_, price="500.50")) == ("VALIDATION_ERROR", "price")
        changed = change(owner, id_, price="700").get_json()
        assert (changed["price"], changed["currency"]) == ("700", "JPY")

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "body"),
            ({"mode": "session"}, "mode"),
            ({"name": None}, "name"),
            ({"price": None}, "price"),
            ({"policy": None}, "policy"),
            ({"segments": None}, "segments"),
            ({"currency": "JPY"}, "currency"),
            ({"resources": []}, "resources"),
        ],
    )
    def test_refuses_what_cannot_change(self, owner: Business, body: dict[str, Any], field: str) -> None:
        id_ = create_service(owner)["id"]
        assert fault(change(owner, id_, **body))[1] == field
        assert read(owner, id_)["version"] == 1

    def test_minds_the_version(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]
        stale, fresh = (
            owner.patch(f"/api/services/{id_}", {"price": "1"}, headers={"If-Match": tag})
            for tag in ('"2"', '"1"')
        )
        assert (stale.status_code, fresh.status_code) == (412, 200)


class TestRemove:
    def test_archives(self, owner: Business) -> None:
        id_ = create_service(owner)["id"]

        assert [owner.delete(f"/api/services/{id_}").status_code for _ in range(2)] == [204, 204]

        assert (read(owner, id_)["isActive"], read(owner, id_)["version"]) == (False, 2)
        assert [event.type for event in events_of(owner, id_)] == ["service.created", "service.archived"]
        assert owner.get("/api/services").get_json()["data"] == []
        assert change(owner, id_, isActive=True).get_json()["isActive"] is True

    def test_for_good_takes_who_does_it_along(self, owner: Business) -> None:
        staff = create_resource(owner, "staff")["id"]
        id_ = create_service(owner, resources=[staff])["id"]

        assert owner.delete(f"/api/services/{id_}?purge=true").status_code == 204

        assert owner.get(f"/api/services/{id_}").status_code == 404
        assert events_of(owner, id_)[-1].type == "service.purged"
        assert owner.delete(f"/api/resources/{staff}?purge=true").status_code == 204


class TestAnotherBusiness:
    def test_finds_nothing(self, owner: Business, business: Callable[..., Business]) -> None:
        id_ = create_service(owner)["id"]
        other = business()
        for path in (f"/api/services/{id_}", f"/api/services/{NOBODY}"):
            assert other.get(path).status_code == 404
            assert other.get(f"{path}/resources").status_code == 404
            assert other.call("PUT", f"{path}/resources", {"resources": []}).status_code == 404
            assert other.patch(path, {"name": "Mine"}).status_code == 404
            assert other.delete(path).status_code == 404
            assert other.delete(f"{path}?purge=true").status_code == 404
        assert other.get("/api/services").get_json()["data"] == []
        assert read(owner, id_)["version"] == 1
