"""Amounts of money on the wire, apart from `money`, which services use."""

import re
from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields

from mbs.foundation.money import LARGEST


class Amount(fields.String):
    """An amount of 0 or more as text, like "500.00"; a JSON number is refused, for it may be inexact."""

    def __init__(self, *, maximum: Decimal = LARGEST, decimals: int = 4, **kwargs: Any) -> None:
        digits = len(str(int(maximum)))
        pattern = rf"^[0-9]{{1,{digits}}}(\.[0-9]{{1,{decimals}}})?$"
        metadata = {"pattern": pattern, "examples": ["500.00"], **kwargs.pop("metadata", {})}
        super().__init__(metadata=metadata, **kwargs)
        self.maximum, self.decimals, self.pattern = maximum, decimals, re.compile(pattern)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Decimal:  # type: ignore[override]
        if not isinstance(value, str) or not self.pattern.fullmatch(value):
            raise ValidationError(
                f'Must be an amount as text, like "500.00", with at most {self.decimals} decimals.'
            )
        amount = Decimal(value)
        if amount > self.maximum:
            raise ValidationError(f"Must be at most {self.maximum}.")
        return amount
