"""The settings group `invoicing`: what a business may set, and what it begins with."""

from collections.abc import Callable
from typing import Any

import pytest

from mbs.foundation.policies import invoicing_rules, void_same_period_only
from tests.factories.callers import Business, Caller, new_business

URL = "/api/tenant/settings"


@pytest.fixture(scope="module")
def salons(app: Any) -> dict[str, Business]:
    """A salon in each of two countries; tests of refusals change nothing of theirs."""
    return {country: new_business(Caller(app), countryCode=country) for country in ("IN", "GB")}


class TestTaxMode:
    @pytest.mark.parametrize(
        ("type_", "mode"), [("salon", "inclusive"), ("retail", "inclusive"), ("consultancy", "exclusive")]
    )
    def test_of_a_new_business_is_that_of_its_trade(
        self, business: Callable[..., Business], type_: str, mode: str
    ) -> None:
        owner = business(businessType=type_)
        assert owner.get(URL).get_json()["invoicing"]["taxMode"] == mode

    def test_stays_when_the_trade_changes(self, owner: Business) -> None:
        owner.patch("/api/tenant", {"businessType": "consultancy"})
        assert owner.get(URL).get_json()["invoicing"]["taxMode"] == "inclusive"

    def test_of_another_business_of_a_person_is_that_of_its_trade_too(self, owner: Business) -> None:
        body = {"businessName": "Asha Consults", "businessType": "gym", "countryCode": "IN"}
        made = owner.post("/api/tenants", body).get_json()
        switched = owner.patch("/api/auth/tenants/switch", {"tenantId": made["id"]}).get_json()
        gym = Caller(owner.app, token=switched["accessToken"])
        assert gym.get(URL).get_json()["invoicing"]["taxMode"] == "inclusive"


class TestInvoicing:
    def test_changes_key_by_key_also_within_patterns(self, owner: Business) -> None:
        before = owner.get(URL).get_json()["invoicing"]
        rules: dict[str, Any] = {
            "taxMode": "exclusive",
            "roundingScope": "line",
            "cashRounding": "1.00",
            "dueDays": 15,
            "voidSamePeriodOnly": False,
            "terms": "Pay soon.\nThank you.",
            "footer": "Asha's Salon",
            "upiId": "asha.rao-1@okhdfcbank",
            "brandColor": "#1a73E8",
        }
        for name, value in rules.items():
            changed = owner.patch(URL, {"invoicing": {name: value}})
            assert changed.status_code == 200, changed.get_json()
        changed = owner.patch(URL, {"invoicing": {"numberPatterns": {"creditNote": "C{FY}-{SEQ:6}"}}})
        changed = owner.patch(URL, {"invoicing": {"numberPatterns": {"invoice": "{FY}/{SEQ:4}"}}})
        patterns = {**before["numberPatterns"], "creditNote": "C{FY}-{SEQ:6}", "invoice": "{FY}/{SEQ:4}"}
        assert changed.get_json()["invoicing"] == {**before, **rules, "numberPatterns": patterns}
        assert owner.get(URL).get_json() == changed.get_json()
        nothing = dict.fromkeys(("cashRounding", "voidSamePeriodOnly", "terms", "footer", "upiId"))
        cleared = owner.patch(URL, {"invoicing": nothing}).get_json()["invoicing"]
        assert cleared == {**changed.get_json()["invoicing"], **nothing}

    @pytest.mark.parametrize(
        ("rules", "field"),
        [
            ({"taxMode": "both"}, "taxMode"),
            ({"taxMode": None}, "taxMode"),
            ({"roundingScope": "page"}, "roundingScope"),
            ({"cashRounding": "0"}, "cashRounding"),
            ({"cashRounding": "0.00"}, "cashRounding"),
            ({"cashRounding": "-1"}, "cashRounding"),
            ({"cashRounding": 1}, "cashRounding"),
            ({"cashRounding": "0.005"}, "cashRounding"),
            ({"cashRounding": "NaN"}, "cashRounding"),
            ({"dueDays": 366}, "dueDays"),
            ({"dueDays": "15"}, "dueDays"),
            ({"numberPatterns": None}, "numberPatterns"),
            ({"numberPatterns": {"quote": "{SEQ:4}"}}, "numberPatterns.quote"),
            ({"numberPatterns": {"invoice": None}}, "numberPatterns.invoice"),
            ({"numberPatterns": {"invoice": "INV"}}, "numberPatterns.invoice"),
            ({"numberPatterns": {"creditNote": "{MM}/{SEQ:4}"}}, "numberPatterns.creditNote"),
            ({"numberPatterns": {"payment": 4}}, "numberPatterns.payment"),
            ({"voidSamePeriodOnly": "no"}, "voidSamePeriodOnly"),
            ({"terms": "x" * 5001}, "terms"),
            ({"footer": "a\x00b"}, "footer"),
            ({"upiId": "asha"}, "upiId"),
            ({"upiId": "asha@upi&am=1"}, "upiId"),
            ({"brandColor": "red"}, "brandColor"),
            ({"brandColor": "#12345"}, "brandColor"),
            ({"brandColor": "#12345g"}, "brandColor"),
            ({"quotes": True}, "quotes"),
        ],
    )
    def test_refuses_what_it_does_not_know(
        self, salons: dict[str, Business], rules: dict[str, Any], field: str
    ) -> None:
        response = salons["IN"].patch(URL, {"invoicing": rules})
        assert response.status_code == 400
        assert [one["field"] for one in response.get_json()["errors"]] == [f"invoicing.{field}"]

    def test_refuses_in_india_patterns_of_more_than_sixteen_characters(
        self, salons: dict[str, Business]
    ) -> None:
        long = {"invoice": "{LOC}/{FY}/{SEQ:6}", "creditNote": "CN{YYYY}-{SEQ:9}", "payment": "R{SEQ:4}"}
        refused = salons["IN"].patch(URL, {"invoicing": {"numberPatterns": long}})
        assert refused.status_code == 400
        assert [one["field"] for one in refused.get_json()["errors"]] == ["invoicing.numberPatterns.invoice"]
        allowed = {"invoicing": {"numberPatterns": long}}
        assert salons["GB"].patch(f"{URL}?dryRun=true", allowed).status_code == 200

    def test_rounds_cash_no_finer_than_the_currency_is(self, salons: dict[str, Business]) -> None:
        rules = {"invoicing": {"cashRounding": "0.05"}}
        assert salons["IN"].patch(f"{URL}?dryRun=true", rules).status_code == 200
        yen = new_business(Caller(salons["IN"].app), countryCode="JP")
        refused = yen.patch(URL, rules)
        assert refused.status_code == 400
        assert refused.get_json()["errors"][0]["field"] == "invoicing.cashRounding"
        assert yen.patch(URL, {"invoicing": {"cashRounding": "10"}}).status_code == 200


class TestVoidingInTheSamePeriodOnly:
    @pytest.mark.parametrize(
        ("country", "own", "only"),
        [("IN", None, True), ("GB", None, False), ("IN", False, False), ("GB", True, True)],
    )
    def test_is_so_in_india_unless_the_business_says_otherwise(
        self, country: str, own: bool | None, only: bool
    ) -> None:
        rules = invoicing_rules({"invoicing": {"voidSamePeriodOnly": own}})
        assert void_same_period_only(rules, country) is only
