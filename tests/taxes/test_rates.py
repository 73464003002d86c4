"""The rates that are shipped: each has its source, no two hold at once, and they are those of the law."""

import json
from datetime import date
from decimal import Decimal
from itertools import pairwise
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from mbs.locations.models import REGIMES_OF
from mbs.taxes.models.rates import KINDS, SHIPPED, Rate, Rates, shipped, usual_category
from mbs.tenants.models import BUSINESS_TYPES

ALL = [
    pytest.param(jurisdiction, category, id=f"{jurisdiction}-{category}")
    for jurisdiction, categories in shipped().items()
    for category in categories
]

LAW = [
    ("IN", "standard", "2017-06-30", None),
    ("IN", "standard", "2017-07-01", "18"),
    ("IN", "standard", "2026-11-22", "18"),
    ("IN", "beauty_wellness", "2025-09-21", "18"),
    ("IN", "beauty_wellness", "2025-09-22", "5"),
    ("IN", "gym", "2025-09-21", "18"),
    ("IN", "gym", "2025-09-22", "5"),
    ("IN", "accommodation", "2025-09-21", "12"),
    ("IN", "accommodation", "2025-09-22", "5"),
    ("IN", "healthcare", "2026-01-01", "exempt"),
    ("IN", "zero", "2026-01-01", "zero"),
    ("GB", "standard", "2011-01-03", "17.5"),
    ("GB", "standard", "2011-01-04", "20"),
    ("GB", "reduced", "2026-01-01", "5"),
    ("GB", "healthcare", "2026-01-01", "exempt"),
    ("AE", "standard", "2017-12-31", None),
    ("AE", "standard", "2018-01-01", "5"),
    ("AE", "healthcare", "2026-01-01", "zero"),
    ("MY", "standard", "2024-02-29", "6"),
    ("MY", "standard", "2024-03-01", "8"),
    ("MY", "food_beverage", "2024-02-29", "6"),
    ("MY", "food_beverage", "2026-01-01", "6"),
    ("MY", "logistics", "2024-02-29", None),
    ("MY", "logistics", "2024-03-01", "6"),
    ("MY", "goods", "2026-01-01", "10"),
    ("SG", "standard", "2022-12-31", "7"),
    ("SG", "standard", "2023-01-01", "8"),
    ("SG", "standard", "2023-12-31", "8"),
    ("SG", "standard", "2024-01-01", "9"),
    ("US", "standard", "2026-01-01", None),
    ("IN", "unheard_of", "2026-01-01", None),
]


def own(**values: Any) -> Any:
    """Return a row of the business's own."""
    usual = {
        "id": uuid4(),
        "jurisdiction": "IN",
        "category": "standard",
        "kind": "taxed",
        "components": [{"code": "GST", "rate": "12"}],
        "valid_from": date(2026, 1, 1),
        "valid_to": None,
        "source": None,
    }
    return SimpleNamespace(**{**usual, **values})


def percent(rate: Rate | None) -> str | None:
    """Return what a rate charges, or its kind if nothing; None if there is none."""
    if rate is None:
        return None
    if rate.kind != "taxed":
        return rate.kind
    return str(sum(one.rate for one in rate.components))


class TestTheShippedRates:
    @pytest.mark.parametrize(("jurisdiction", "category", "on", "wanted"), LAW)
    def test_are_those_of_the_law(
        self, jurisdiction: str, category: str, on: str, wanted: str | None
    ) -> None:
        found = Rates.of([]).find(jurisdiction, category, date.fromisoformat(on))
        assert percent(found) == wanted

    @pytest.mark.parametrize(("jurisdiction", "category"), ALL)
    def test_say_where_they_come_from(self, jurisdiction: str, category: str) -> None:
        for rate in shipped()[jurisdiction][category]:
            assert rate.source, rate
            assert rate.label, rate

    @pytest.mark.parametrize(("jurisdiction", "category"), ALL)
    def test_follow_each_other_without_holding_at_once(self, jurisdiction: str, category: str) -> None:
        rates = shipped()[jurisdiction][category]
        for before, after in pairwise(rates):
            assert before.valid_to == after.valid_from, "one ends where the next begins"
        assert rates[-1].valid_to is None
        assert all(rate.valid_to is None or rate.valid_from < rate.valid_to for rate in rates)

    @pytest.mark.parametrize(("jurisdiction", "category"), ALL)
    def test_have_components_where_they_charge(self, jurisdiction: str, category: str) -> None:
        for rate in shipped()[jurisdiction][category]:
            assert rate.kind in KINDS
            assert bool(rate.components) == (rate.kind == "taxed")
            assert 0 < sum((one.rate for one in rate.components), Decimal(0)) <= 100 or not rate.components

    def test_belong_to_the_regimes_of_locations(self) -> None:
        content = json.loads(SHIPPED.read_text(encoding="utf-8"))
        assert {place: entry["regime"] for place, entry in content.items()} == {
            place: regimes[0] for place, regimes in REGIMES_OF.items() if place != "US"
        }


class TestTheBusinessSOwnRates:
    def test_go_before_the_shipped_ones(self) -> None:
        rates = Rates.of([own()])
        assert percent(rates.find("IN", "standard", date(2026, 1, 1))) == "12"
        assert percent(rates.find("IN", "standard", date(2025, 12, 31))) == "18"
        assert percent(rates.find("GB", "standard", date(2026, 1, 1))) == "20"

    def test_of_the_location_go_before_those_of_its_country(self) -> None:
        there = own(components=[{"code": "GST", "rate": "3"}])
        assert percent(Rates.of([there, own()]).find("IN", "standard", date(2026, 1, 1))) == "3"

    def test_are_listed_among_all_that_hold(self) -> None:
        rates = Rates.of([own(category="own")]).all("IN", date(2026, 1, 1))
        categories = [rate.category for rate in rates]
        assert categories == sorted({*shipped()["IN"], "own"})
        assert [rate.category for rate in rates if rate.own_id] == ["own"]
        assert "accommodation" not in [rate.category for rate in Rates.of([]).all("IN", date(2020, 1, 1))]


class TestTheUsualCategory:
    def test_is_the_one_of_the_trade_where_the_law_has_one(self) -> None:
        assert usual_category("IN", "salon") == "beauty_wellness"
        assert usual_category("IN", "gym") == "gym"
        assert usual_category("IN", "consultancy") == "standard"
        assert usual_category("GB", "salon") == "standard"
        assert usual_category("US", "salon") == "standard"

    def test_has_a_rate_today_wherever_one_is_named(self) -> None:
        for country in shipped():
            for business_type in BUSINESS_TYPES:
                found = Rates.of(()).find(country, usual_category(country, business_type), date(2026, 1, 1))
                assert found is not None, (country, business_type)
