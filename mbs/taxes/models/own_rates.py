"""What a business may say about a rate of its own."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from mbs.foundation.errors import FieldFault, Invalid

MOST_COMPONENTS = 5

SORTS: Mapping[str, str] = {"createdAt": "created_at"}

PARTS_OF_GST = frozenset({"CGST", "SGST", "UTGST", "IGST"})
"""What GST becomes in India by the place of supply, so that nobody says it beforehand."""


def stored_components(
    kind: str, components: Sequence[Mapping[str, Any]], *, jurisdiction: str
) -> list[dict[str, str]]:
    """Return the taxes of a rate as the column has them, `{"code": "GST", "rate": "18"}`.

    :param components: `code`, and `rate` in percent, 0 to 100 with at most four decimals.
    :raises Invalid: if they do not fit the kind or each other, or come to more than 100 %.
    """
    if kind != "taxed":
        if components:
            raise _invalid("components", f"Only what is `taxed` has components; this is `{kind}`.")
        return []
    if not components:
        message = "Name at least one tax and its rate; where there is none, use another `kind`."
        raise Invalid(errors=[FieldFault("components", "required", message)])
    codes = [one["code"] for one in components]
    for number, code in enumerate(codes):
        if code in codes[:number]:
            raise Invalid(errors=[FieldFault(f"components.{number}.code", "repeated", "Must be named once.")])
        if jurisdiction == "IN" and code in PARTS_OF_GST:
            message = "Name the whole of GST as `GST`; the place of supply decides how it is divided."
            raise _invalid(f"components.{number}.code", message)
    whole = sum((one["rate"] for one in components), Decimal(0))
    if whole > 100:
        raise _invalid("components", "Must not come to more than 100 %.")
    if not whole:
        raise _invalid("components", "What is taxed at 0 % is of the kind `zero` or `exempt`.")
    return [{"code": one["code"], "rate": format(one["rate"].normalize(), "f")} for one in components]


def check_period(valid_from: date, valid_to: date | None) -> None:
    """Refuse a rate that ends before it begins.

    :raises Invalid: if not even one day is between.
    """
    if valid_to is not None and valid_to <= valid_from:
        raise _invalid("validTo", f"Must be after {valid_from}, the first day; it is the first day without.")


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(errors=[FieldFault(field, "invalid", message)])
