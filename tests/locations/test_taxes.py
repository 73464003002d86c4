"""What a location is to the tax office: what it charges, and under which numbers."""

from collections.abc import Callable
from typing import Any

import pytest

from mbs.locations.models import usual_prefix
from tests.factories.callers import Business
from tests.factories.customers import events_of
from tests.locations.test_blueprint import GSTIN, create, default, fault

NUMBERS = {
    "IN": (GSTIN, "india_gst"),
    "GB": ("GB980780684", "vat"),
    "AE": ("100123456700003", "vat"),
    "MY": ("W10-1808-31000000", "sst"),
    "SG": ("M90367530Y", "gst"),
    "US": ("12-3456789", "sales_tax"),
    "FR": ("FR40303265045", "vat"),
}


class TestTheRegime:
    @pytest.mark.parametrize("country", NUMBERS)
    def test_becomes_the_country_s_with_a_registration(self, owner: Business, country: str) -> None:
        number, regime = NUMBERS[country]
        assert create(owner, country=country)["taxRegime"] == "none"
        created = create(owner, country=country, taxRegistration=number)
        assert (created["taxRegistration"], created["taxRegime"]) == (number, regime)

    def test_becomes_it_when_the_registration_comes_later(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner)['id']}"
        changed = owner.patch(path, {"taxRegistration": GSTIN}).json
        assert changed is not None
        assert (changed["taxRegime"], changed["taxRegistration"]) == ("india_gst", GSTIN)
        (event,) = [one for one in events_of(owner, changed["id"]) if one.type == "location.updated"]
        assert event.data["previous"] == {"tax_regime": "none", "tax_registration": None}

    def test_is_what_somebody_says(self, owner: Business) -> None:
        created = create(owner, taxRegistration=GSTIN, taxRegime="none")
        assert created["taxRegime"] == "none"
        path = f"/api/locations/{created['id']}"
        assert (owner.patch(path, {"taxRegistration": GSTIN}).json or {})["taxRegime"] == "none"
        assert (owner.patch(path, {"taxRegime": "india_gst"}).json or {})["taxRegime"] == "india_gst"
        kept = owner.patch(path, {"taxRegistration": None}).json or {}
        assert (kept["taxRegime"], kept["taxRegistration"]) == ("india_gst", None)

    @pytest.mark.parametrize(
        ("country", "regime"),
        [("GB", "india_gst"), ("GB", "gst"), ("MY", "gst"), ("SG", "vat"), ("US", "vat"), ("AU", "sst")],
    )
    def test_of_another_country_is_refused(self, owner: Business, country: str, regime: str) -> None:
        body = {"name": "Leeds", "country": country, "taxRegime": regime}
        field, message = fault(owner.post("/api/locations", body))
        assert (field, country in message) == ("taxRegime", True)

    def test_follows_the_location_to_another_country(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner, taxRegistration=GSTIN)['id']}"
        moved: Any = owner.patch(path, {"country": "MY", "taxRegistration": "W10180831000000"}).json
        assert (moved["taxRegime"], moved["taxRegistration"]) == ("sst", "W10-1808-31000000")
        left: Any = owner.patch(path, {"country": "GB", "taxRegistration": None}).json
        assert (left["taxRegime"], left["taxRegistration"]) == ("none", None)


class TestThePrefix:
    def test_is_made_from_the_name(self, owner: Business) -> None:
        assert create(owner, name="B-2 andra")["invoicePrefix"] == "B2A"
        assert create(owner, name="Bandra", invoicePrefix="BND01")["invoicePrefix"] == "BND01"

    def test_of_the_first_location_is_made_from_the_business_s(
        self, business: Callable[..., Business]
    ) -> None:
        assert default(business(businessName="Asha's Salon"))["invoicePrefix"] == "ASH"

    @pytest.mark.parametrize(("name", "prefix"), [("आशा", "INV"), ("é a", "A"), ("ß", "INV"), ("2", "2")])
    def test_is_of_plain_letters_alone(self, name: str, prefix: str) -> None:
        assert usual_prefix(name) == prefix

    def test_stays_when_the_name_changes(self, owner: Business) -> None:
        path = f"/api/locations/{create(owner)['id']}"
        assert (owner.patch(path, {"name": "Worli"}).json or {})["invoicePrefix"] == "BAN"
        assert (owner.patch(path, {"invoicePrefix": "WOR"}).json or {})["invoicePrefix"] == "WOR"
