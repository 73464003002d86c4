"""Tax rates over HTTP."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from werkzeug.test import TestResponse

from mbs.taxes.schemas import EffectiveTaxRates, TaxRateView
from tests.auth.racing import together
from tests.contract.closed_schemas import differences
from tests.factories.answers import listed, made
from tests.factories.callers import Business, Caller
from tests.factories.customers import events_of

RATES = "/api/tax-rates"
BODY = {
    "category": "standard",
    "components": [{"code": "GST", "rate": "12.5"}],
    "validFrom": "2026-01-01",
}
NOBODY = "0198a1b2-c3d4-7000-8000-000000000001"
TOMORROW = datetime.now(UTC).date() + timedelta(days=2)


def add(owner: Business, **fields: Any) -> dict[str, Any]:
    return made(owner, RATES, {**BODY, **fields})


def fault(response: TestResponse) -> tuple[str, str]:
    body = response.get_json()
    assert response.status_code == 400, body
    (only,) = body["errors"]
    return only["field"], only["message"]


def effective(owner: Business, **query: str) -> Any:
    response = owner.get(f"{RATES}/effective", query_string=query)
    assert response.status_code == 200, response.get_json()
    return response.get_json()


def of_category(body: Any, category: str) -> Any:
    return next((one for one in body["rates"] if one["category"] == category), None)


class TestATaxRate:
    def test_is_of_the_business_s_country_unless_it_says(self, owner: Business) -> None:
        rate = add(owner, source="Order 1", validTo="2026-07-01")

        assert rate == {
            "id": rate["id"],
            "tenantId": str(owner.tenant_id),
            "jurisdiction": "IN",
            "locationId": None,
            **BODY,
            "kind": "taxed",
            "validTo": "2026-07-01",
            "source": "Order 1",
            "createdAt": rate["createdAt"],
            "updatedAt": rate["createdAt"],
            "version": 1,
        }
        assert owner.get(f"{RATES}/{rate['id']}").get_json() == rate
        assert differences(TaxRateView(), rate) == []
        assert add(owner, jurisdiction="US")["jurisdiction"] == "US"

    def test_is_of_the_location_s_country_with_one(self, owner: Business) -> None:
        place = made(owner, "/api/locations", {"name": "Leeds", "country": "GB"})["id"]
        rate = add(owner, locationId=place, components=[{"code": "VAT", "rate": "5"}])
        assert (rate["jurisdiction"], rate["locationId"]) == ("GB", place)
        other = owner.post(RATES, {**BODY, "locationId": place, "jurisdiction": "IN", "category": "own"})
        assert fault(other)[0] == "jurisdiction"
        unknown = owner.post(RATES, {**BODY, "locationId": NOBODY})
        assert (unknown.get_json()["code"], fault(unknown)[0]) == ("INVALID_REFERENCE", "locationId")

    @pytest.mark.parametrize(
        ("field", "value", "named"),
        [
            ("category", "Standard", "category"),
            ("category", None, "category"),
            ("kind", "free", "kind"),
            ("kind", "exempt", "components"),
            ("components", [], "components"),
            ("components", [{"code": "GST", "rate": "500"}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": "100.0001"}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": "-1"}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": "NaN"}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": 18}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": "1.00001"}], "components.0.rate"),
            ("components", [{"code": "GST", "rate": "0"}], "components"),
            ("components", [{"code": "GST"}], "components.0.rate"),
            ("components", [{"code": "gst", "rate": "1"}], "components.0.code"),
            ("components", [{"code": "CGST", "rate": "9"}], "components.0.code"),
            ("components", [{"code": "A", "rate": "60"}, {"code": "B", "rate": "41"}], "components"),
            ("components", [{"code": "A", "rate": "1"}, {"code": "A", "rate": "1"}], "components.1.code"),
            ("components", [{"code": f"C{n}", "rate": "1"} for n in range(6)], "components"),
            ("validFrom", "2026-02-30", "validFrom"),
            ("validTo", "2026-01-01", "validTo"),
            ("validTo", "2025-01-01", "validTo"),
            ("jurisdiction", "XX", "jurisdiction"),
            ("createdBy", NOBODY, "createdBy"),
        ],
    )
    def test_is_refused_for_a_faulty_field(self, owner: Business, field: str, value: Any, named: str) -> None:
        assert fault(owner.post(RATES, {**BODY, field: value}))[0] == named
        assert listed(owner, RATES) == []

    def test_charges_nothing_if_it_says_so(self, owner: Business) -> None:
        body = {"category": "standard", "kind": "exempt", "validFrom": "2026-01-01"}
        rate = made(owner, RATES, body)
        assert (rate["kind"], rate["components"]) == ("exempt", [])

    def test_tells_the_trail(self, owner: Business) -> None:
        rate = add(owner)
        owner.patch(f"{RATES}/{rate['id']}", {"validTo": "2026-07-01"})
        created, updated = events_of(owner, rate["id"])
        assert (created.type, created.object_type) == ("tax_rate.created", "tax_rate")
        assert (updated.type, updated.data["previous"]) == ("tax_rate.updated", {"valid_to": None})


class TestTwoRates:
    def test_of_a_category_never_hold_at_once(self, owner: Business) -> None:
        first = add(owner)
        for other in ({"validFrom": "2027-01-01"}, {"validFrom": "2025-01-01"}):
            again = owner.post(RATES, {**BODY, **other})
            assert (again.status_code, again.get_json()["code"]) == (409, "CONFLICT")
            assert "validTo" in again.get_json()["detail"]
        owner.patch(f"{RATES}/{first['id']}", {"validTo": "2027-01-01"})
        add(owner, validFrom="2027-01-01")
        assert owner.patch(f"{RATES}/{first['id']}", {"validTo": None}).status_code == 409
        assert len(listed(owner, RATES)) == 2

    def test_that_are_added_at_once_are_one(self, owner: Business) -> None:
        callers = [Caller(owner.app, token=owner.token) for _ in range(8)]
        answers = together(len(callers), lambda number: callers[number].post(RATES, BODY))
        assert sorted(one.status_code for one in answers) == [201] + [409] * 7
        assert {one.get_json()["code"] for one in answers if one.status_code == 409} <= {"CONFLICT", "BUSY"}
        assert len(listed(owner, RATES)) == 1

    def test_of_other_places_or_categories_do(self, owner: Business) -> None:
        place = made(owner, "/api/locations", {"name": "Bandra"})["id"]
        add(owner)
        add(owner, locationId=place)
        add(owner, category="own")
        add(owner, jurisdiction="US")
        assert owner.post(RATES, {**BODY, "locationId": place}).status_code == 409

    def test_of_other_businesses_do(self, business: Callable[..., Business]) -> None:
        add(business())
        add(business())


class TestTheList:
    def test_is_narrowed_by_place_and_category(self, owner: Business) -> None:
        add(owner)
        add(owner, jurisdiction="US")
        own = add(owner, category="own")
        assert [one["id"] for one in listed(owner, f"{RATES}?jurisdiction=IN&category=own")] == [own["id"]]
        assert len(listed(owner, f"{RATES}?jurisdiction=IN")) == 2


class TestWhatHeld:
    def test_stays(self, owner: Business) -> None:
        rate = add(owner)
        path = f"{RATES}/{rate['id']}"
        for name in ("components", "category", "kind", "validFrom", "jurisdiction", "locationId"):
            assert fault(owner.patch(path, {name: rate[name]}))[0] == name
        assert fault(owner.patch(path, {"validTo": "2026-01-01"}))[0] == "validTo"
        removed = owner.delete(path)
        assert (removed.status_code, removed.get_json()["code"]) == (409, "IN_USE")
        assert "validTo" in removed.get_json()["detail"]
        stale = owner.delete(path, headers={"If-Match": '"7"'})
        assert stale.status_code == 412

    def test_begins_with_its_first_day(self, owner: Business) -> None:
        rate = add(owner, validFrom=effective(owner)["on"])
        assert owner.delete(f"{RATES}/{rate['id']}").status_code == 409

    def test_not_yet_is_removed(self, owner: Business) -> None:
        rate = add(owner, validFrom=TOMORROW.isoformat())
        assert owner.delete(f"{RATES}/{rate['id']}").status_code == 204
        assert owner.get(f"{RATES}/{rate['id']}").status_code == 404


class TestEffective:
    def test_lists_every_category_with_its_source(self, owner: Business) -> None:
        body = effective(owner, on="2026-03-01")
        assert (body["jurisdiction"], body["on"], body["taxRegime"]) == ("IN", "2026-03-01", "none")
        salon = of_category(body, "beauty_wellness")
        assert salon["components"] == [{"code": "GST", "rate": "5"}]
        assert (salon["validFrom"], salon["validTo"], salon["taxRateId"]) == ("2025-09-22", None, None)
        assert "15/2025" in salon["source"]
        assert differences(EffectiveTaxRates(), body) == []
        before = of_category(effective(owner, on="2025-09-21"), "beauty_wellness")
        assert (before["components"][0]["rate"], before["validTo"]) == ("18", "2025-09-22")

    def test_puts_the_location_s_own_before_the_country_s_own_before_the_shipped(
        self, owner: Business
    ) -> None:
        place = made(owner, "/api/locations", {"name": "Bandra"})["id"]
        everywhere = add(owner)
        there = add(owner, locationId=place, components=[{"code": "GST", "rate": "3"}])
        for query, wanted in (({"locationId": place}, there), ({}, everywhere)):
            found = of_category(effective(owner, on="2026-03-01", **query), "standard")
            assert (found["taxRateId"], found["components"]) == (wanted["id"], wanted["components"])
        assert of_category(effective(owner, on="2025-12-31"), "standard")["taxRateId"] is None

    def test_is_of_today_unless_a_day_is_given(self, owner: Business) -> None:
        add(owner, category="own", validFrom="2026-01-01", validTo="2026-01-02")
        assert of_category(effective(owner), "own") is None
        assert of_category(effective(owner), "standard") is not None

    def test_refuses_a_location_of_nobody_s(self, owner: Business) -> None:
        assert fault(owner.get(f"{RATES}/effective?locationId={NOBODY}"))[0] == "locationId"
