"""Which rate holds: the business's own before the one that is shipped, by category and date.

The shipped ones are rates.json, each with its source: a law, a notification, or the tax office's own page.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from mbs.taxes.models.computation import Component

SHIPPED = Path(__file__).parents[1] / "rates.json"

CATEGORY_PATTERN = "[a-z][a-z0-9_]{0,39}"
STANDARD = "standard"
"""The category of what nobody says anything of."""

KINDS = ("taxed", "zero", "exempt", "out_of_scope", "reverse_charge")


@dataclass(frozen=True, slots=True)
class Rate:
    """What holds for one category from `valid_from` until before `valid_to`; `own_id`: of one's own."""

    category: str
    kind: str
    components: tuple[Component, ...]
    valid_from: date
    valid_to: date | None
    label: str | None
    source: str | None
    own_id: UUID | None = None

    def holds(self, on: date) -> bool:
        """Tell whether the rate holds on a day."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


class Rates:
    """The rates that one document is reckoned with."""

    def __init__(self, own: Sequence[tuple[str, Rate]]) -> None:
        self._own = own

    @classmethod
    def of(cls, own_rows: Iterable[Any]) -> Self:
        """Return the shipped rates below a business's own.

        :param own_rows: of `TaxRateRepository.valid`: those of a location stand before its jurisdiction's.
        """
        return cls([(row.jurisdiction, _of_row(row)) for row in own_rows])

    def find(self, jurisdiction: str, category: str, on: date) -> Rate | None:
        """Return the rate of a category that holds on a day; None if there is none."""
        for place, rate in self._own:
            if place == jurisdiction and rate.category == category and rate.holds(on):
                return rate
        ours = shipped().get(jurisdiction, {}).get(category, ())
        return next((rate for rate in ours if rate.holds(on)), None)

    def all(self, jurisdiction: str, on: date) -> Sequence[Rate]:
        """Return the rate of every category that holds in a jurisdiction on a day, by category."""
        categories = {rate.category for place, rate in self._own if place == jurisdiction}
        categories |= shipped().get(jurisdiction, {}).keys()
        found = (self.find(jurisdiction, category, on) for category in sorted(categories))
        return [rate for rate in found if rate is not None]


def components_of(stored: Iterable[Mapping[str, Any]]) -> tuple[Component, ...]:
    """Return components as rates.json and the column have them, `{"code": "GST", "rate": "18"}`."""
    return tuple(Component(one["code"], Decimal(one["rate"])) for one in stored)


def usual_category(country: str, business_type: str) -> str:
    """Return what a type of business mostly sells under; `standard` unless its country has another."""
    usual = _content().get(country, {}).get("usual", {})
    return str(usual.get(business_type, STANDARD))


@cache
def shipped() -> Mapping[str, Mapping[str, Sequence[Rate]]]:
    """Return the shipped rates: of each jurisdiction, of each category, the earliest first."""
    return {
        jurisdiction: {
            category: tuple(_of_file(category, row) for row in rows)
            for category, rows in entry["categories"].items()
        }
        for jurisdiction, entry in _content().items()
    }


@cache
def _content() -> Mapping[str, Any]:
    content: Mapping[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return content


def _of_file(category: str, row: Mapping[str, Any]) -> Rate:
    until = row.get("to")
    return Rate(
        category=category,
        kind=row["kind"],
        components=components_of(row["components"]),
        valid_from=date.fromisoformat(row["from"]),
        valid_to=date.fromisoformat(until) if until else None,
        label=row["label"],
        source=row["source"],
    )


def _of_row(row: Any) -> Rate:
    return Rate(
        category=row.category,
        kind=row.kind,
        components=components_of(row.components),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        label=None,
        source=row.source,
        own_id=row.id,
    )
