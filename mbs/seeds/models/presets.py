"""How a demo business is described. Names stand for what they name; prices are at the level of the dollar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Week = Mapping[str, Sequence[Sequence[int]]]

PRICE_LEVELS: Mapping[str, Decimal] = {
    "AED": Decimal(3),
    "CNY": Decimal(5),
    "IDR": Decimal(8000),
    "INR": Decimal(20),
    "JPY": Decimal(120),
    "KES": Decimal(60),
    "KRW": Decimal(1000),
    "KWD": Decimal("0.3"),
    "MYR": Decimal(3),
    "NGN": Decimal(900),
    "PHP": Decimal(25),
    "THB": Decimal(20),
    "VND": Decimal(15000),
}
"""What costs a dollar's worth of haircut elsewhere; not an exchange rate."""

FIRST_NAMES = (
    *("Asha", "Ravi", "Meera", "Arjun", "Fatima", "Omar", "Layla", "Chen", "Mei", "Kofi", "Amara", "José"),
    *(
        "Sofía",
        "Lukas",
        "Zoë",
        "Nadia",
        "Tomás",
        "Ingrid",
        "Yusuf",
        "Hana",
        "Priya",
        "Daniel",
        "Aiko",
        "Femi",
    ),
)
LAST_NAMES = ("Rao", "Sharma", "Nair", "Khan", "Al Farsi", "Wong", "Mensah", "García", "Müller", "O'Brien")


def working(days: str, *windows: tuple[int, int]) -> Week:
    """Return a week with the same hours on some days.

    :param days: like "mon tue wed".
    :param windows: in hours of the day.
    """
    return {day: [[opens * 60, closes * 60] for opens, closes in windows] for day in days.split()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A person, a room or a thing; without a week it is there whenever the business is."""

    name: str
    kind: str = "staff"
    week: Week | None = None
    capacity: int = 1
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A service. `by` names who and what does it, with a price where it is not the service's own."""

    name: str
    category: str
    price: int
    by: Mapping[str, int | None]
    minutes: int | None = None
    mode: str = "appointment"
    more: Mapping[str, Any] = field(default_factory=dict)
    """Further columns of the service."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """Classes of a service, week after week."""

    service: str
    person: str
    room: str
    days: tuple[str, ...]
    start: int
    """The minute of the local day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A business; `rules` are its rules of bookings, `pace` how busy its people are beside others."""

    rules: Mapping[str, Any]
    things: Sequence[Thing]
    offers: Sequence[Offer]
    courses: Sequence[Course] = ()
    taxed: Mapping[str, Any] = field(default_factory=dict)
    """Columns of its services where it charges GST."""
    customers: int = 20
    pace: float = 1.0

    def offer(self, name: str) -> Offer:
        return next(one for one in self.offers if one.name == name)


def price(amount: int, currency: str) -> Decimal:
    """Return a price of the presets in a currency: a whole number, which each currency can pay."""
    level = PRICE_LEVELS.get(currency, Decimal(1))
    return max(Decimal(1), (amount * level).quantize(Decimal(1), ROUND_HALF_UP))
