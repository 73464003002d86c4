"""Amounts of money: Decimal in Python, numeric(19,4) in the database, text on the wire, never a float."""

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import cache

from babel.numbers import get_currency_precision

from mbs.foundation.errors import FieldFault, Invalid

LARGEST = Decimal("999999999999999.9999")
"""What numeric(19,4) holds."""

EXACT = Context(prec=50)
"""For sums that outgrow the 28 digits of Python's own: totals of reports, converted at steep rates."""


@cache
def scale(currency: str) -> int:
    """Return how many decimals a currency has (CLDR): 2 for INR, 0 for JPY, 3 for KWD."""
    return int(get_currency_precision(currency))


@cache
def _unit(currency: str) -> Decimal:
    return Decimal(1).scaleb(-scale(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an amount at its currency's scale, halves away from zero."""
    return amount.quantize(_unit(currency), ROUND_HALF_UP, EXACT)


def shown(amount: Decimal, currency: str) -> str:
    """Return an amount as the wire has it: `"500.00"` INR, `"500"` JPY, `"1.250"` KWD."""
    return format(rounded(amount, currency), "f")


def refuse_finer(amount: Decimal, currency: str, *, field: str) -> None:
    """Refuse an amount that its currency cannot pay.

    :raises Invalid: if it has more decimals than the currency.
    """
    if amount != rounded(amount, currency):
        message = f"Must have at most {scale(currency)} decimals, as {currency} has."
        raise Invalid(errors=[FieldFault(field, "invalid", message)])
