"""Where supplies take place, and which taxes they bear: the IGST Act by its sections, and other countries."""

from datetime import date
from decimal import Decimal

import pytest

from mbs.taxes.errors import NoTaxRate
from mbs.taxes.models.rates import Rates
from mbs.taxes.models.treatments import Buyer, Seller, place_of_supply, supply_rule_of, treatment
from tests.taxes.test_rates import own

MUMBAI = "27AAPFU0939F1ZV"
BENGALURU = "29AAGCB7383J1Z4"
DAY = date(2026, 3, 1)


def seller(
    registration: str | None = MUMBAI, country: str = "IN", regime: str = "india_gst", type_: str = "other"
) -> Seller:
    return Seller(country, regime, registration, type_)


def buyer(
    status: str = "unregistered",
    tax_id: str | None = None,
    region: str | None = None,
    country: str | None = "IN",
) -> Buyer:
    return Buyer(country, status, tax_id, region)


def taxes(
    seller: Seller, buyer: Buyer, rule: str, category: str = "standard", rates: Rates | None = None
) -> str:
    """Return the kind, or the taxes in percent."""
    found = treatment(seller, buyer, category=category, supply_rule=rule, on=DAY, rates=rates or Rates.of([]))
    if found.kind != "taxed":
        assert found.components == ()
        return found.kind
    return " ".join(f"{one.code} {one.rate.normalize():f}" for one in found.components)


HALVES = "CGST 9 SGST 9"
WHOLE = "IGST 18"

INDIA = [
    pytest.param("recipient", buyer("registered", MUMBAI), "27", HALVES, id="12(2)(a): registered here"),
    pytest.param("recipient", buyer("registered", BENGALURU), "29", WHOLE, id="12(2)(a): registered there"),
    pytest.param(
        "recipient",
        buyer("registered", BENGALURU, "27"),
        "29",
        WHOLE,
        id="12(2)(a): the number before the address",
    ),
    pytest.param("recipient", buyer(region="27"), "27", HALVES, id="12(2)(b)(i): address on record here"),
    pytest.param("recipient", buyer(region="29"), "29", WHOLE, id="12(2)(b)(i): address on record there"),
    pytest.param("recipient", buyer(), "27", HALVES, id="12(2)(b)(ii): none on record, the supplier"),
    pytest.param(
        "recipient",
        buyer("unregistered", "29XX"),
        "27",
        HALVES,
        id="a number that nobody checked says nothing",
    ),
    pytest.param("property", buyer("registered", BENGALURU), "27", HALVES, id="12(3): where the building is"),
    pytest.param("performance", buyer("registered", BENGALURU), "27", HALVES, id="12(4): where it is done"),
    pytest.param("performance", buyer(region="29"), "27", HALVES, id="12(4): whoever comes"),
    pytest.param("performance", buyer("overseas"), "27", HALVES, id="13(3)(b): a visitor from abroad"),
    pytest.param("property", buyer("overseas"), "27", HALVES, id="13(4): a guest from abroad"),
    pytest.param("training", buyer("registered", BENGALURU), "29", WHOLE, id="12(5)(a): training of a firm"),
    pytest.param("training", buyer(region="29"), "27", HALVES, id="12(5)(b): training of a person"),
    pytest.param("training", buyer("overseas"), "27", HALVES, id="training of somebody from abroad"),
    pytest.param("recipient", buyer("overseas", country="US"), "96", WHOLE, id="13(2): a recipient abroad"),
    pytest.param("recipient", buyer("sez", MUMBAI), "27", WHOLE, id="7(5)(b): a zone in the same state"),
    pytest.param("performance", buyer("sez", MUMBAI), "27", WHOLE, id="7(5)(b): whatever is done there"),
]


class TestIndia:
    @pytest.mark.parametrize(("rule", "who", "place", "wanted"), INDIA)
    def test_taxes_where_the_supply_takes_place(self, rule: str, who: Buyer, place: str, wanted: str) -> None:
        assert place_of_supply(seller(), who, rule) == place
        assert taxes(seller(), who, rule) == wanted

    @pytest.mark.parametrize("territory", ["04", "26", "31", "35", "38"])
    def test_charges_utgst_in_a_territory_without_legislature(self, territory: str) -> None:
        here = seller(f"{territory}AAPFU0939F1ZV")
        assert taxes(here, buyer(), "performance") == "CGST 9 UTGST 9"
        assert taxes(here, buyer(region="27"), "recipient") == WHOLE

    @pytest.mark.parametrize("state", ["07", "34", "01"])
    def test_charges_sgst_in_a_territory_with_one(self, state: str) -> None:
        assert taxes(seller(f"{state}AAPFU0939F1ZV"), buyer(), "performance") == HALVES

    def test_halves_odd_rates_exactly(self) -> None:
        salon = taxes(seller(), buyer(), "performance", "beauty_wellness")
        assert salon == "CGST 2.5 SGST 2.5"
        rates = Rates.of([own(components=[{"code": "GST", "rate": "0.0001"}])])
        found = treatment(seller(), buyer(), category="standard", supply_rule="property", on=DAY, rates=rates)
        assert {one.rate for one in found.components} == {Decimal("0.00005")}

    def test_leaves_a_cess_beside_gst_whole(self) -> None:
        rates = Rates.of([own(components=[{"code": "GST", "rate": "28"}, {"code": "CESS", "rate": "12"}])])
        assert taxes(seller(), buyer(), "property", rates=rates) == "CGST 14 SGST 14 CESS 12"
        assert taxes(seller(), buyer(region="29"), "recipient", rates=rates) == "IGST 28 CESS 12"

    def test_reckons_a_draft_of_a_seller_without_a_number(self) -> None:
        nobody = seller(None)
        assert place_of_supply(nobody, buyer(), "performance") is None
        assert place_of_supply(nobody, buyer(region="29"), "recipient") == "29"
        assert taxes(nobody, buyer(region="29"), "recipient") == HALVES
        assert taxes(nobody, buyer("overseas"), "recipient") == WHOLE

    @pytest.mark.parametrize("kind", ["zero", "exempt", "reverse_charge", "out_of_scope"])
    def test_charges_nothing_of_other_kinds_wherever_it_is(self, kind: str) -> None:
        assert taxes(seller(), buyer("overseas"), "recipient", kind) == kind
        assert taxes(seller(), buyer("sez", MUMBAI), "property", kind) == kind


LONDON = seller("GB980780684", "GB", "vat")


class TestOtherCountries:
    def test_tax_at_home(self) -> None:
        assert taxes(LONDON, buyer("registered", "GB220430231", country="GB"), "recipient") == "VAT 20"
        assert taxes(LONDON, buyer(country="US"), "recipient") == "VAT 20"
        assert place_of_supply(LONDON, buyer(country="US"), "recipient") == "GB"

    def test_charge_nothing_of_what_is_received_overseas(self) -> None:
        abroad = buyer("overseas", country="US")
        assert (taxes(LONDON, abroad, "recipient"), place_of_supply(LONDON, abroad, "recipient")) == (
            "zero",
            "US",
        )
        assert place_of_supply(LONDON, buyer("overseas", country=None), "recipient") == "GB"

    @pytest.mark.parametrize("rule", ["performance", "property", "training"])
    def test_tax_a_visitor_like_anybody(self, rule: str) -> None:
        abroad = buyer("overseas", country="US")
        assert (taxes(LONDON, abroad, rule), place_of_supply(LONDON, abroad, rule)) == ("VAT 20", "GB")

    def test_keep_an_exempt_supply_exempt_overseas(self) -> None:
        assert taxes(LONDON, buyer("overseas"), "recipient", "exempt") == "exempt"

    @pytest.mark.parametrize(
        ("country", "regime", "wanted"),
        [("AE", "vat", "VAT 5"), ("MY", "sst", "SST 8"), ("SG", "gst", "GST 9")],
    )
    def test_have_their_own_tax(self, country: str, regime: str, wanted: str) -> None:
        assert taxes(seller("1", country, regime), buyer(country=country), "performance") == wanted


class TestAnyCountry:
    def test_charges_nothing_where_the_location_charges_no_tax(self) -> None:
        assert taxes(seller(None, regime="none"), buyer(region="29"), "recipient") == "out_of_scope"
        assert taxes(seller(None, "US", "none"), buyer(), "recipient", "unheard_of") == "out_of_scope"

    def test_names_the_rate_that_is_missing(self) -> None:
        with pytest.raises(NoTaxRate, match="`standard` in US on 2026-03-01") as refusal:
            taxes(seller(None, "US", "sales_tax"), buyer(), "recipient")
        assert refusal.value.extra == {"category": "standard", "jurisdiction": "US", "on": "2026-03-01"}

    @pytest.mark.parametrize(
        ("type_", "rule"),
        [
            ("salon", "performance"),
            ("gym", "performance"),
            ("hostel", "property"),
            ("coworking", "property"),
            ("education", "training"),
            ("consultancy", "recipient"),
            ("retail", "recipient"),
        ],
    )
    def test_takes_the_rule_of_the_item_before_the_business_type_s(self, type_: str, rule: str) -> None:
        assert supply_rule_of(None, type_) == rule
        assert supply_rule_of("property", type_) == "property"
