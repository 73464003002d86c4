"""What a customer is to the tax office: whether registered, under which number, and where."""

from collections.abc import Callable
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.factories.callers import Business
from tests.factories.customers import create, events_of

GSTIN = "27AAPFU0939F1ZV"
VAT = "GB980780684"


def fault(response: TestResponse) -> tuple[str, str]:
    body = response.json
    assert (response.status_code, (body or {})["code"]) == (400, "VALIDATION_ERROR")
    assert body is not None
    (only,) = body["errors"]
    return only["field"], only["code"]


def statuses(*customers: Any) -> list[tuple[Any, Any]]:
    return [(one["taxStatus"], one["taxId"]) for one in customers]


class TestTheStatus:
    def test_is_registered_as_soon_as_there_is_a_number(self, owner: Business) -> None:
        plain = create(owner)
        assert statuses(plain, create(owner, taxId="27 aapfu0939f1zv")) == [
            ("unregistered", None),
            ("registered", GSTIN),
        ]
        path = f"/api/customers/{plain['id']}"
        assert statuses(owner.patch(path, {"taxId": GSTIN}).json) == [("registered", GSTIN)]
        assert statuses(owner.patch(path, {"taxId": None}).json) == [("unregistered", None)]
        previous = [event.data["previous"] for event in events_of(owner, plain["id"])]
        assert previous[1] == {"tax_id": None, "tax_status": "unregistered"}

    def test_is_what_somebody_says(self, owner: Business) -> None:
        created = create(owner, taxId="whatever they have", taxStatus="overseas")
        assert statuses(created) == [("overseas", "whatever they have")]
        path = f"/api/customers/{created['id']}"
        assert statuses(owner.patch(path, {"taxId": "another"}).json) == [("overseas", "another")]
        zone = owner.patch(path, {"taxId": GSTIN, "taxStatus": "sez"}).json
        assert statuses(zone) == [("sez", GSTIN)]
        assert statuses(owner.patch(path, {"name": "Jo"}).json) == [("sez", GSTIN)]

    @pytest.mark.parametrize("status", ["registered", "sez"])
    def test_that_needs_a_number_is_not_without(self, owner: Business, status: str) -> None:
        assert fault(owner.post("/api/customers", {"name": "Jo", "taxStatus": status})) == (
            "taxId",
            "required",
        )
        path = f"/api/customers/{create(owner, taxId=GSTIN)['id']}"
        assert fault(owner.patch(path, {"taxId": None, "taxStatus": status}))[0] == "taxId"

    def test_of_a_zone_is_india_s(self, business: Callable[..., Business]) -> None:
        owner = business(countryCode="GB")
        body = {"name": "Jo", "taxId": VAT, "taxStatus": "sez"}
        assert fault(owner.post("/api/customers", body))[0] == "taxStatus"


class TestTheNumber:
    def test_has_the_form_of_the_address_s_country_or_else_the_business_s(self, owner: Business) -> None:
        assert fault(owner.post("/api/customers", {"name": "Jo", "taxId": VAT}))[0] == "taxId"
        assert fault(owner.post("/api/customers", {"name": "Jo", "taxId": "27AAPFU0939F1ZW"}))[0] == "taxId"
        british = create(owner, taxId="gb 980 7806 84", address={"country": "GB"})
        assert british["taxId"] == VAT
        assert fault(owner.patch(f"/api/customers/{british['id']}", {"address": None}))[0] == "taxId"
        assert create(owner, taxId="FR 1", address={"country": "FR"})["taxId"] == "FR 1"


class TestTheRegion:
    @pytest.mark.parametrize("code", ["00", "39", "M", "2７", "MH"])
    def test_of_india_is_a_state(self, owner: Business, code: str) -> None:
        assert fault(owner.post("/api/customers", {"name": "Jo", "regionCode": code}))[0] == "regionCode"
        assert create(owner, regionCode="27")["regionCode"] == "27"

    def test_of_another_country_is_its_own(self, owner: Business) -> None:
        assert create(owner, regionCode="CA", address={"country": "US"})["regionCode"] == "CA"

    def test_is_checked_when_it_changes(self, owner: Business) -> None:
        path = f"/api/customers/{create(owner, regionCode='27')['id']}"
        assert fault(owner.patch(path, {"regionCode": "77"}))[0] == "regionCode"
        assert (owner.patch(path, {"regionCode": None}).json or {})["regionCode"] is None
