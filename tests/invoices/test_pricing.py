"""What a document comes to, reckoned without a database."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mbs.foundation.errors import Invalid
from mbs.invoices.models.pricing import Terms, price, reckoned, refuse_finer_lines, treatment_of
from mbs.taxes.errors import NoTaxRate
from mbs.taxes.models.rates import Rates
from mbs.taxes.models.treatments import Buyer, Seller

SALON = Seller(country="IN", regime="india_gst", registration="27AAPFU0939F1ZV", business_type="salon")
WALK_IN = Buyer(country=None, tax_status="unregistered", tax_id=None, region_code=None)
TERMS = Terms(
    currency="INR",
    tax_mode="inclusive",
    rounding_scope="document",
    cash_rounding=None,
    discount_percent=None,
    discount_amount=None,
)
DAY = date(2026, 3, 2)


class Row:
    """A stored line, read by name."""

    def __init__(self, **columns: Any) -> None:
        self.__dict__.update(columns)


def line(price_: str = "999.00", **columns: Any) -> dict[str, Any]:
    return {
        "quantity": Decimal(1),
        "unit_price": Decimal(price_),
        "discount_percent": None,
        "discount_amount": None,
        "tax_category": "beauty_wellness",
        "supply_rule": None,
        **columns,
    }


def priced(*lines: dict[str, Any], terms: Terms = TERMS, seller: Seller = SALON, on: date = DAY) -> Any:
    return price(lines, terms, seller=seller, buyer=WALK_IN, rates=Rates.of([]), on=on)


class TestPrice:
    def test_gives_header_and_lines_that_add_up(self) -> None:
        found = priced(line(), line("100.10", quantity=Decimal("1.5")), line("0.01"))
        assert found.header["subtotal"] == sum(one["net"] for one in found.lines)
        assert found.header["tax_total"] == sum(one["tax"] for one in found.lines)
        assert found.header["total"] == Decimal("1149.16")

    def test_keeps_whatever_else_a_line_has(self) -> None:
        (found,) = priced(line(id=7, description="Haircut")).lines
        assert (found["id"], found["description"], found["supply_rule"]) == (7, "Haircut", "performance")

    def test_takes_the_rates_of_the_day_of_supply(self) -> None:
        with pytest.raises(NoTaxRate):
            priced(line(), on=date(1999, 1, 1))

    def test_summarizes_by_category(self) -> None:
        groups = priced(line(), line(tax_category="standard"), line()).header["tax_summary"]
        assert [(group["category"], group["net"]) for group in groups] == [
            ("beauty_wellness", "1902.86"),
            ("standard", "846.62"),
        ]

    def test_knows_no_place_where_no_tax_is_charged(self) -> None:
        untaxed = Seller(country="IN", regime="none", registration=None, business_type="salon")
        found = priced(line(supply_rule="performance"), line(supply_rule="recipient"), seller=untaxed)
        assert (found.header["place_of_supply"], found.header["tax_total"]) == (None, 0)

    def test_counts_all_discounts_together(self) -> None:
        terms = Terms(**{**_values(TERMS), "discount_amount": Decimal("99.90")})
        found = priced(line(discount_percent=Decimal(10)), line(), terms=terms)
        assert found.header["discount_total"] == Decimal("199.80")
        assert found.header["total"] == Decimal("1798.20")


class TestReckoned:
    @pytest.mark.parametrize("scope", ["document", "line"])
    @pytest.mark.parametrize("mode", ["inclusive", "exclusive"])
    def test_comes_to_the_same_from_what_was_stored(self, scope: str, mode: str) -> None:
        terms = Terms(
            **{
                **_values(TERMS),
                "rounding_scope": scope,
                "tax_mode": mode,
                "discount_percent": Decimal("7.5"),
            }
        )
        lines = [line("33.33", quantity=Decimal(n)) for n in range(1, 20)] + [line(tax_category="standard")]
        first = priced(*lines, terms=terms)
        stored = [Row(**one) for one in first.lines]
        again = reckoned(first.lines, terms, [treatment_of(one) for one in stored])
        assert again.lines == first.lines
        assert {**again.header, "place_of_supply": "27"} == first.header


class TestRefuseFinerLines:
    def test_names_each_of_them(self) -> None:
        lines = [line("1.00"), line("1.005"), line("1.00", discount_amount=Decimal("0.001"))]
        with pytest.raises(Invalid) as refused:
            refuse_finer_lines(lines, "INR")
        fields = [fault.field for fault in refused.value.errors]
        assert fields == ["items.1.unitPrice", "items.2.discount.value"]


def _values(terms: Terms) -> dict[str, Any]:
    return {name: getattr(terms, name) for name in Terms.__slots__}
