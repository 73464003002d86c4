"""Amounts of money: Decimal in Python, numeric(19,4) in the database, text on the wire, never a float."""

from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from babel.numbers import get_currency_precision
from marshmallow import ValidationError, fields

from mbs.foundation.errors import FieldFault, Invalid

LARGEST = Decimal("999999999999999.9999")
"""What numeric(19,4) holds."""


@cache
def scale(currency: str) -> int:
    """Return how many decimals a currency has (CLDR): 2 for INR, 0 for JPY, 3 for KWD."""
    return int(get_currency_precision(currency))


def rounded(amount: Decimal, currency: str) -> Decimal:
    """Return an amount at its currency's scale, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-scale(currency)), ROUND_HALF_UP)


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


class Amount(fields.Decimal):
    """An amount of 0 or more as text, like "500.00"; a JSON number is refused, for it may be inexact."""

    def __init__(self, *, maximum: Decimal = LARGEST, decimals: int = 4, **kwargs: Any) -> None:
        digits = len(str(int(maximum)))
        self.pattern = rf"^[0-9]{{1,{digits}}}(\.[0-9]{{1,{decimals}}})?$"
        metadata = {"pattern": self.pattern, "examples": ["500.00"], **kwargs.pop("metadata", {})}
        super().__init__(as_string=True, metadata=metadata, **kwargs)
        self.maximum, self.decimals, self.digits = maximum, decimals, digits

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:
        message = f'Must be an amount as text, like "500.00", with at most {self.decimals} decimals.'
        if not isinstance(value, str) or not value.isascii():
            raise ValidationError(message)
        whole, point, fraction = value.partition(".")
        well_formed = whole.isdigit() and len(whole) <= self.digits
        if not well_formed or (point and not (fraction.isdigit() and len(fraction) <= self.decimals)):
            raise ValidationError(message)
        amount = Decimal(value)
        if amount > self.maximum:
            raise ValidationError(f"Must be at most {self.maximum}.")
        return amount
