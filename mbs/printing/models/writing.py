"""Amounts, quantities, dates and addresses, written the way a business's locale writes them (CLDR)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self
from urllib.parse import quote, urlencode

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency, format_decimal

from mbs.foundation.money import scale

LONGEST_PAYEE = 50
LETTER_AND_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])")


@dataclass(frozen=True, slots=True)
class Writing:
    """How one document in one currency is written."""

    locale: Locale
    currency: str

    @classmethod
    def of(cls, locale: str, currency: str) -> Self:
        """Return the way of a locale like `en-IN`.

        It is English's where CLDR does not know the locale, or its script runs from right to left: the words
        around the amounts are English.
        """
        try:
            known = Locale.parse(locale, sep="-")
            if known.text_direction == "rtl":
                known = Locale.parse(f"en_{known.territory}" if known.territory else "en")
        except (ValueError, UnknownLocaleError):
            known = Locale("en")
        return cls(known, currency)

    def money(self, amount: Decimal) -> str:
        """Write an amount with the sign of its currency: `₹1,00,000.00`."""
        written = format_currency(amount, self.currency, locale=self.locale)
        # Letters never touch digits (Unicode TR 35, part 3, section 4.2), which babel does not heed.
        return LETTER_AND_DIGIT.sub(" ", written)

    def figure(self, amount: Decimal) -> str:
        """Write an amount alone, as it stands in a column of others."""
        return self._number(amount, scale(self.currency))

    def quantity(self, quantity: Decimal) -> str:
        """Write a quantity with the decimals that it needs."""
        exponent = quantity.normalize().as_tuple().exponent
        return self._number(quantity, max(0, -int(exponent)))

    def percent(self, rate: str | Decimal) -> str:
        """Write a rate like `2.5` as `2.5%`."""
        return f"{self.quantity(Decimal(rate))}%"

    def day(self, day: date) -> str:
        return str(format_date(day, "medium", locale=self.locale))

    def _number(self, number: Decimal, decimals: int) -> str:
        whole = self.locale.decimal_formats[None].pattern.partition(".")[0]
        pattern = f"{whole}.{'0' * decimals}" if decimals else whole
        return str(format_decimal(number, pattern, locale=self.locale))


def address_lines(address: Mapping[str, Any] | None) -> list[str]:
    """Return the lines of an address; its country by its English name."""
    if not address:
        return []
    town = " ".join(filter(None, (address.get("city"), address.get("postalCode"))))
    region = ", ".join(filter(None, (town, address.get("region"))))
    lines = [address.get("line1"), address.get("line2"), region, country_name(address.get("country"))]
    return [line for line in lines if line]


def country_name(code: str | None) -> str:
    return str(Locale("en").territories.get(code, code)) if code else ""


def upi_uri(*, address: str, payee: str, amount: Decimal, note: str) -> str:
    """Return what a UPI code says (NPCI, UPI Linking Specifications 1.6: pa, pn, am, cu, tn)."""
    said = {"pa": address, "pn": payee[:LONGEST_PAYEE], "am": f"{amount:.2f}", "cu": "INR", "tn": note}
    return f"upi://pay?{urlencode(said, quote_via=quote, safe='@')}"
