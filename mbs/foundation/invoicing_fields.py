"""The rules of invoices on the wire, as a business sets them (domain 2.9)."""

from decimal import Decimal
from typing import Any

from marshmallow import ValidationError, fields, post_load

from mbs.foundation.number_patterns import LONGEST_PATTERN, PATTERN, fault_of
from mbs.foundation.policy_fields import AmountText
from mbs.foundation.schemas import WireSchema, camel_case
from mbs.foundation.wire_fields import Choice, Flag, Int, Text

LONGEST_TERMS = 5000
LONGEST_FOOTER = 1000
VPA = "[A-Za-z0-9._-]{2,256}@[A-Za-z]{2,64}"
"""A virtual payment address of UPI (NPCI, UPI Linking Specifications)."""


class NumberPattern(fields.String):
    """What numbers are made by, like `{LOC}/{FY}/{SEQ:5}`."""

    def __init__(self, **kwargs: Any) -> None:
        metadata = {
            "pattern": PATTERN.pattern,
            "maxLength": LONGEST_PATTERN,
            "examples": ["{LOC}/{FY}/{SEQ:5}"],
            **kwargs.pop("metadata", {}),
        }
        super().__init__(metadata=metadata, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("Must be a text.")
        fault = fault_of(value)
        if fault is not None:
            raise ValidationError(fault)
        return value


class NumberPatterns(WireSchema):
    """Loaded, its keys are those of the wire, as they are kept."""

    invoice = NumberPattern()
    credit_note = NumberPattern()
    payment = NumberPattern()

    @post_load
    def as_kept(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return {camel_case(name): value for name, value in data.items()}


class Multiple(AmountText):
    """What amounts are rounded to a multiple of: more than 0, and no more than the largest coins come to."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=Decimal(1000), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:  # type: ignore[override]
        multiple = super()._deserialize(value, attr, data, **kwargs)
        if not Decimal(multiple):
            raise ValidationError("Must be more than 0; null rounds nothing.")
        return multiple


class InvoicingRules(WireSchema):
    tax_mode = Choice(
        "inclusive",
        "exclusive",
        metadata={"description": "Whether prices hold their taxes, unless an invoice says otherwise."},
    )
    rounding_scope = Choice(
        "document", "line", metadata={"description": "Round taxes once for each rate, or on each line."}
    )
    cash_rounding = Multiple(
        allow_none=True,
        metadata={
            "examples": ["1.00"],
            "description": "Round totals in the business's currency to a multiple.",
        },
    )
    due_days = Int(minimum=0, maximum=365)
    number_patterns = fields.Nested(NumberPatterns)
    void_same_period_only = Flag(
        allow_none=True,
        metadata={"description": "Void only in the month of issue; null: where the country demands it."},
    )
    terms = Text(maximum=LONGEST_TERMS, lines=True, allow_none=True)
    footer = Text(maximum=LONGEST_FOOTER, lines=True, allow_none=True)
    upi_id = Text(maximum=321, pattern=VPA, allow_none=True, metadata={"example": "asha@upi"})
    brand_color = Text(maximum=7, pattern="#[0-9A-Fa-f]{6}", allow_none=True, metadata={"example": "#1A73E8"})
