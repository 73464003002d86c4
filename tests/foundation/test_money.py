"""Amounts of money: their scale, their text, and what is taken for one."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from marshmallow import ValidationError

from mbs.foundation.errors import Invalid
from mbs.foundation.money import LARGEST, refuse_finer, rounded, scale, shown
from mbs.foundation.money_fields import Amount
from mbs.foundation.schemas import WireSchema

AMOUNTS = st.decimals(0, LARGEST - 1, places=4)


class Priced(WireSchema):
    price = Amount()
    percent = Amount(maximum=Decimal(100))
    tip = Amount(decimals=2, allow_none=True)


def read(**values: Any) -> Any:
    return Priced().load(values)


class TestScale:
    @pytest.mark.parametrize(
        ("currency", "decimals"),
        [("INR", 2), ("USD", 2), ("JPY", 0), ("KRW", 0), ("KWD", 3), ("BHD", 3), ("CLF", 4)],
    )
    def test_is_that_of_the_currency(self, currency: str, decimals: int) -> None:
        assert scale(currency) == decimals


class TestShown:
    @pytest.mark.parametrize(
        ("amount", "currency", "text"),
        [
            ("500", "INR", "500.00"),
            ("500.0000", "JPY", "500"),
            ("1.25", "KWD", "1.250"),
            ("0", "INR", "0.00"),
            ("1E+3", "JPY", "1000"),
            ("0.005", "INR", "0.01"),
            ("2.5", "JPY", "3"),
            ("2.4999", "JPY", "2"),
            ("-0.005", "INR", "-0.01"),
            ("999999999999999.9900", "USD", "999999999999999.99"),
        ],
    )
    def test_is_text_at_the_currency_s_scale(self, amount: str, currency: str, text: str) -> None:
        assert shown(Decimal(amount), currency) == text

    @given(amount=AMOUNTS, currency=st.sampled_from(["INR", "JPY", "KWD"]))
    def test_reads_back_as_what_it_was_rounded_to(self, amount: Decimal, currency: str) -> None:
        assert read(price=shown(amount, currency))["price"] == rounded(amount, currency)


class TestRounding:
    @given(amount=AMOUNTS, currency=st.sampled_from(["INR", "JPY", "KWD"]))
    def test_moves_an_amount_by_half_a_unit_at_most(self, amount: Decimal, currency: str) -> None:
        half = Decimal(5).scaleb(-scale(currency) - 1)
        assert abs(rounded(amount, currency) - amount) <= half

    def test_takes_halves_away_from_zero(self) -> None:
        assert [rounded(Decimal(text), "INR") for text in ("0.125", "0.135", "-0.125")] == [
            Decimal("0.13"),
            Decimal("0.14"),
            Decimal("-0.13"),
        ]


class TestRefuseFiner:
    @pytest.mark.parametrize(
        ("amount", "currency"),
        [("0.001", "INR"), ("0.5", "JPY"), ("1.0005", "KWD"), ("999999999999999.9999", "USD")],
    )
    def test_refuses_what_the_currency_cannot_pay(self, amount: str, currency: str) -> None:
        with pytest.raises(Invalid) as refusal:
            refuse_finer(Decimal(amount), currency, field="items.0.price")
        (fault,) = refusal.value.errors
        assert fault.field == "items.0.price"
        assert str(scale(currency)) in fault.message
        assert currency in fault.message

    @pytest.mark.parametrize(("amount", "currency"), [("0.0100", "INR"), ("5.000", "JPY"), ("1.0050", "KWD")])
    def test_lets_zeros_pass(self, amount: str, currency: str) -> None:
        refuse_finer(Decimal(amount), currency, field="price")


class TestAmount:
    @pytest.mark.parametrize(
        ("text", "amount"),
        [
            ("0", "0"),
            ("500.00", "500.00"),
            ("0.0001", "0.0001"),
            ("007.5", "7.5"),
            ("999999999999999.9999", "999999999999999.9999"),
        ],
    )
    def test_is_read_exactly(self, text: str, amount: str) -> None:
        price = read(price=text)["price"]
        assert (type(price), price) == (Decimal, Decimal(amount))

    @pytest.mark.parametrize(
        "value",
        [
            500,
            5.0,
            True,
            None,
            ["5"],
            "",
            " 5",
            "5 ",
            "5\n",
            "-5",
            "+5",
            "5.",
            ".5",
            "5,00",
            "1e3",
            "1_000",
            "NaN",
            "Infinity",
            "0x5",
            "5.00001",
            "\u0665",
            "\uff15",
            "5.\u0665",
            "1000000000000000",
            "0000000000000001",
            "5..0",
            "5.0.0",
        ],
    )
    def test_is_nothing_that_merely_resembles_one(self, value: Any) -> None:
        with pytest.raises(ValidationError) as refusal:
            read(price=value)
        assert list(refusal.value.normalized_messages()) == ["price"]

    @pytest.mark.parametrize("text", ["100.0001", "101", "999"])
    def test_is_at_most_its_maximum(self, text: str) -> None:
        assert read(percent="100.0000")["percent"] == 100
        with pytest.raises(ValidationError, match="at most 100"):
            read(percent=text)

    def test_has_at_most_its_decimals(self) -> None:
        assert read(tip="0.50")["tip"] == Decimal("0.5")
        with pytest.raises(ValidationError, match="at most 2 decimals"):
            read(tip="0.500")

    def test_is_nothing_where_nothing_is_allowed(self) -> None:
        assert read(tip=None) == {"tip": None}

    @given(amount=AMOUNTS)
    def test_survives_the_wire(self, amount: Decimal) -> None:
        assert read(price=format(amount, "f"))["price"] == amount
