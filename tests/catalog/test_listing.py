"""Lists of services: search, filters, orders and pages."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from uuid_utils.compat import uuid7

from mbs.foundation.pages import CursorCodec, Position
from mbs.foundation.scope import TenantId
from tests.factories.callers import Business, Caller, new_business
from tests.factories.catalog import create_resource, create_service, create_staff


def names(business: Business, **query: str) -> list[str]:
    response = business.get("/api/services", query_string=query)
    assert response.status_code == 200, response.get_data(as_text=True)
    return [row["name"] for row in response.get_json()["data"]]


@pytest.fixture(scope="module")
def salon(app: Flask) -> dict[str, Any]:
    """An owner of five services, one of which is archived, and the ids of who does which."""
    owner = new_business(Caller(app))
    meera, chair = create_staff(owner)["id"], create_resource(owner, "equipment")["id"]
    create_service(owner, name="Straße cut", price="300", sortOrder=2, category="Hair", resources=[meera])
    create_service(owner, name="Äther color", price="1000.5", sortOrder=1, category="Hair")
    create_service(owner, name="bed", price="90", sortOrder=3, mode="stay", resources=[chair])
    create_service(owner, name="Yoga", price="90", mode="session", resources=[meera, chair])
    old = create_service(owner, name="Old", category="Hair", resources=[meera])["id"]
    owner.delete(f"/api/services/{old}")
    return {"owner": owner, "meera": meera, "chair": chair, "service": old}


class TestList:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["Yoga", "Äther color", "Straße cut", "bed"]),
            ({"sortOrder": "desc"}, ["bed", "Straße cut", "Äther color", "Yoga"]),
            ({"sortBy": "name"}, ["bed", "Straße cut", "Yoga", "Äther color"]),
            ({"sortBy": "price"}, ["bed", "Yoga", "Straße cut", "Äther color"]),
            ({"sortBy": "price", "sortOrder": "desc"}, ["Äther color", "Straße cut", "Yoga", "bed"]),
            ({"isActive": "false"}, ["Old"]),
            ({"isActive": "true", "category": "Hair"}, ["Äther color", "Straße cut"]),
            ({"category": "hair"}, []),
            ({"mode": "stay"}, ["bed"]),
            ({"mode": "session,stay"}, ["Yoga", "bed"]),
            ({"search": "STRASSE"}, ["Straße cut"]),
            ({"search": "ÄTHER  C"}, ["Äther color"]),
            ({"search": "%"}, []),
            ({"staffId": "meera"}, ["Yoga", "Straße cut"]),
            ({"staffId": "meera", "isActive": "false"}, ["Old"]),
            ({"resourceId": "chair"}, ["Yoga", "bed"]),
            ({"resourceId": "chair", "staffId": "meera"}, ["Yoga"]),
            ({"staffId": "service"}, []),
            ({"resourceId": "chair", "mode": "stay", "search": "be"}, ["bed"]),
        ],
    )
    def test_is_narrowed_and_ordered(
        self, salon: dict[str, Any], query: dict[str, str], found: list[str]
    ) -> None:
        # Of two services that cost the same, the older one comes first.
        assert (
            names(salon["owner"], **{key: salon.get(value, value) for key, value in query.items()}) == found
        )

    def test_reaches_no_other_business(
        self, salon: dict[str, Any], business: Callable[..., Business]
    ) -> None:
        assert names(business(), staffId=salon["meera"]) == []

    @pytest.mark.parametrize(
        "query",
        [
            {"isActive": "yes"},
            {"mode": "none"},
            {"mode": ""},
            {"staffId": "meera"},
            {"resourceId": "1"},
            {"search": ""},
            {"category": "x" * 81},
            {"sortBy": "duration"},
            {"sortBy": "sort_order"},
            {"type": "service"},
            {"expand": "resources"},
            {"currency": "INR"},
        ],
    )
    def test_overlooks_no_parameter(self, resident: Business, query: dict[str, str]) -> None:
        response = resident.get("/api/services", query_string=query)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.get_json()["errors"]] == list(query)


class TestPages:
    @pytest.mark.parametrize("sort", ["sortOrder", "name", "price"])
    @pytest.mark.parametrize("direction", ["asc", "desc"])
    def test_show_each_once(self, salon: dict[str, Any], sort: str, direction: str) -> None:
        query = {"sortBy": sort, "sortOrder": direction, "limit": "1", "includeTotal": "true"}
        whole, seen = names(salon["owner"], **{**query, "limit": "100"}), []
        while True:
            page = salon["owner"].get("/api/services", query_string=query).get_json()
            seen += [row["name"] for row in page["data"]]
            assert page["pagination"]["total"] == 4
            if page["pagination"]["nextCursor"] is None:
                break
            query["cursor"] = page["pagination"]["nextCursor"]
        assert seen == whole

    @pytest.mark.parametrize("price", ["0", "90.0000", "999999999999999.9999", "0.0001"])
    def test_remember_a_price_exactly(self, price: str) -> None:
        codec, tenant_id = CursorCodec("secret"), TenantId(uuid7())
        place = Position(Decimal(price), uuid7())
        cursor = codec.encode(place, tenant_id=tenant_id, order="services:price:asc")
        assert codec.decode(cursor, tenant_id=tenant_id, order="services:price:asc") == place
