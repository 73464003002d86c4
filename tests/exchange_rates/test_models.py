"""What an amount is worth in another currency."""

from datetime import date, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbs.exchange_rates.errors import NoExchangeRate
from mbs.exchange_rates.models import ExchangeRates, convert, shown_rate

DAY = date(2026, 3, 10)


def rates(*rows: tuple[str, str, str, date]) -> ExchangeRates:
    return ExchangeRates.of(
        SimpleNamespace(base=base, quote=quote, rate=Decimal(rate), valid_from=day)
        for base, quote, rate, day in rows
    )


def worth(amount: str, base: str, quote: str, known: ExchangeRates, on: date = DAY) -> str:
    return str(convert(Decimal(amount), base, quote, on, known))


class TestConvert:
    def test_takes_the_rate_that_holds_on_the_day(self) -> None:
        known = rates(
            ("USD", "INR", "85", DAY + timedelta(days=1)),
            ("USD", "INR", "83.1234", DAY - timedelta(days=9)),
            ("USD", "INR", "84", DAY),
        )

        assert worth("10.00", "USD", "INR", known) == "840.00"
        assert worth("10.00", "USD", "INR", known, DAY - timedelta(days=1)) == "831.23"
        assert worth("10.00", "USD", "INR", known, DAY + timedelta(days=400)) == "850.00"

    def test_divides_by_the_opposite_pair_where_there_is_no_direct_one(self) -> None:
        known = rates(("USD", "INR", "80", DAY))

        assert worth("1000.00", "INR", "USD", known) == "12.50"

    def test_prefers_the_direct_pair(self) -> None:
        known = rates(("USD", "INR", "80", DAY - timedelta(days=5)), ("INR", "USD", "0.5", DAY))

        assert worth("1.00", "USD", "INR", known) == "80.00"

    @pytest.mark.parametrize(
        ("quote", "expected"), [("JPY", "152"), ("KWD", "0.308"), ("EUR", "0.92"), ("CLF", "0.0270")]
    )
    def test_rounds_to_the_scale_of_the_quote(self, quote: str, expected: str) -> None:
        known = rates(
            ("USD", "JPY", "151.5", DAY),
            ("USD", "KWD", "0.3075", DAY),
            ("USD", "EUR", "0.9151", DAY),
            ("USD", "CLF", "0.02695", DAY),
        )

        assert worth("1.00", "USD", quote, known) == expected

    def test_is_exact_for_the_largest_amount(self) -> None:
        known = rates(("INR", "USD", "0.0123456789", DAY))

        assert worth("999999999999999.99", "INR", "USD", known) == "12345678900000.00"
        assert worth("999999999999999.99", "INR", "INR", rates()) == "999999999999999.99"

    def test_never_takes_two_currencies_for_one(self) -> None:
        known = rates(("USD", "INR", "83", DAY), ("GBP", "INR", "105", DAY))

        for on, base, quote in ((DAY - timedelta(days=1), "USD", "INR"), (DAY, "USD", "GBP")):
            with pytest.raises(NoExchangeRate, match=rf"{base} to {quote} on {on}") as refused:
                worth("1.00", base, quote, known, on)
            assert refused.value.extra == {"base": base, "quote": quote, "on": on.isoformat()}

    @given(
        cents=st.integers(0, 10**15),
        rate=st.decimals("0.0000000001", "99999999999999", places=10),
        opposite=st.booleans(),
    )
    def test_is_within_half_a_unit_of_the_exact_worth(
        self, cents: int, rate: Decimal, opposite: bool
    ) -> None:
        amount = Decimal(cents).scaleb(-2)
        known = rates(("INR", "USD", str(rate), DAY) if opposite else ("USD", "INR", str(rate), DAY))
        found = convert(amount, "USD", "INR", DAY, known)

        assert found == found.quantize(Decimal("0.01"))
        if opposite:
            # |found - amount / rate| <= 0.005, without a division that rounds.
            assert (
                abs(int(found.scaleb(12) * 1) * int(rate.scaleb(10)) - cents * 10**20)
                <= 5 * int(rate.scaleb(10)) * 10**9
            )
        else:
            exact = cents * int(rate.scaleb(10))
            assert abs(int(found.scaleb(2)) * 10**10 - exact) <= 5 * 10**9


class TestShownRate:
    @pytest.mark.parametrize(
        ("rate", "text"), [("83.1234000000", "83.1234"), ("100.0000000000", "100"), ("1E-10", "0.0000000001")]
    )
    def test_has_no_noughts_at_the_end(self, rate: str, text: str) -> None:
        assert shown_rate(Decimal(rate)) == text
