"""Where a supply takes place, and which taxes that means.

India: sections 7, 12 and 13 of the IGST Act 2017, and section 2 of the UTGST Act 2017. Elsewhere a supply is
taxed at home, but for one to a customer overseas that is received there.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mbs.taxes.errors import NoTaxRate
from mbs.taxes.models.computation import Component, Treatment
from mbs.taxes.models.rates import Rates

SUPPLY_RULES = ("recipient", "performance", "property", "training")

RULES_OF_TYPES: Mapping[str, str] = {
    "salon": "performance",
    "spa": "performance",
    "clinic": "performance",
    "gym": "performance",
    "hostel": "property",
    "coworking": "property",
    "education": "training",
}
"""Where a type of business supplies its services; all others, where the recipient is."""

OVERSEAS = "96"
"""The code of GST returns for a place outside India."""
TERRITORIES = frozenset({"04", "26", "31", "35", "38"})
"""The union territories without a legislature, which charge UTGST where states charge SGST."""


@dataclass(frozen=True, slots=True)
class Seller:
    country: str
    regime: str
    registration: str | None
    business_type: str


@dataclass(frozen=True, slots=True)
class Buyer:
    """`country`: None if nobody knows. `region_code`: in India the two digits of a state."""

    country: str | None
    tax_status: str
    tax_id: str | None
    region_code: str | None


def supply_rule_of(item_rule: str | None, business_type: str) -> str:
    """Return what decides where something is supplied: its own rule, else the business type's."""
    return item_rule or RULES_OF_TYPES.get(business_type, "recipient")


def place_of_supply(seller: Seller, buyer: Buyer, supply_rule: str) -> str | None:
    """Return where a supply takes place: in India two digits of a state, elsewhere the country.

    :returns: None if the seller is of India, has no registration that names its state, and is not needed to
        look further: nothing is known of where the recipient is.
    """
    received = _received(buyer, supply_rule)
    if seller.country != "IN":
        return (buyer.country if received and buyer.tax_status == "overseas" else None) or seller.country
    if not received:
        return _state(seller)
    if buyer.tax_status == "overseas":
        return OVERSEAS
    registered = buyer.tax_id if buyer.tax_status in ("registered", "sez") else None
    return registered[:2] if registered else buyer.region_code or _state(seller)


def treatment(
    seller: Seller, buyer: Buyer, *, category: str, supply_rule: str, on: date, rates: Rates
) -> Treatment:
    """Return how something of a category is taxed.

    :param on: the date of supply.
    :raises NoTaxRate: if no rate of the category holds on that day.
    """
    if seller.regime == "none":
        return Treatment("out_of_scope")
    rate = rates.find(seller.country, category, on)
    if rate is None:
        raise NoTaxRate(
            f"There is no tax rate of the category `{category}` in {seller.country} on {on}; add one at"
            " /api/tax-rates, or choose another category.",
            extra={"category": category, "jurisdiction": seller.country, "on": on.isoformat()},
        )
    if rate.kind != "taxed":
        return Treatment(rate.kind)
    if seller.regime == "india_gst":
        return Treatment("taxed", _indian(rate.components, seller, buyer, supply_rule))
    if buyer.tax_status == "overseas" and _received(buyer, supply_rule):
        return Treatment("zero")
    return Treatment("taxed", rate.components)


def _received(buyer: Buyer, supply_rule: str) -> bool:
    if supply_rule == "training":
        return buyer.tax_status in ("registered", "sez")
    return supply_rule == "recipient"


def _state(seller: Seller) -> str | None:
    return seller.registration[:2] if seller.registration else None


def _indian(
    components: tuple[Component, ...], seller: Seller, buyer: Buyer, supply_rule: str
) -> tuple[Component, ...]:
    """Return the parts of GST; what else is charged, a cess, stays what it is."""
    state = _state(seller)
    place = place_of_supply(seller, buyer, supply_rule)
    # A supply to a special economic zone is between states wherever it takes place: section 7(5)(b).
    between_states = buyer.tax_status == "sez" or (state is not None and place not in (state, None))
    between_states = between_states or place == OVERSEAS
    found: list[Component] = []
    for component in components:
        if component.code != "GST":
            found.append(component)
        elif between_states:
            found.append(Component("IGST", component.rate))
        else:
            half = component.rate / Decimal(2)
            second = "UTGST" if state in TERRITORIES else "SGST"
            found += [Component("CGST", half), Component(second, half)]
    return tuple(found)
