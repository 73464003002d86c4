"""What a country implies for a new business: currency, time zone, locale (CLDR and the tz database)."""

from functools import cache
from importlib import resources

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies


@cache
def countries() -> frozenset[str]:
    """Return the ISO 3166 codes of the countries that have a currency and a time zone."""
    return frozenset(
        code
        for code in map(str, Locale("en").territories)
        if len(code) == 2 and code.isalpha() and code in _zones() and get_territory_currencies(code)
    )


def currency(country: str) -> str:
    """Return the ISO 4217 code of a country's present currency."""
    return str(get_territory_currencies(country)[0])


def timezone(country: str) -> str:
    """Return the time zone of a country's most populous part: the first one that the tz database lists."""
    return _zones()[country]


def locale(country: str) -> str:
    """Return the locale of English as written in a country, until the business chooses another."""
    return f"en-{country}"


@cache
def currencies() -> frozenset[str]:
    """Return the ISO 4217 codes of all currencies, past ones too."""
    return frozenset(get_global("all_currencies"))


@cache
def timezones() -> frozenset[str]:
    """Return the names of the tz database's zones, as far as a place lies in them."""
    rows = resources.files("tzdata.zoneinfo").joinpath("tzdata.zi").read_text(encoding="utf-8")
    names = {line.split()[1] for line in rows.splitlines() if line.startswith("Z ")}
    links = {line.split()[2] for line in rows.splitlines() if line.startswith("L ")}
    return frozenset(name for name in names | links if "/" in name or name == "UTC")


@cache
def _zones() -> dict[str, str]:
    zones: dict[str, str] = {}
    table = resources.files("tzdata.zoneinfo").joinpath("zone.tab").read_text(encoding="utf-8")
    for line in table.splitlines():
        if not line.startswith("#"):
            country, _, zone, *_ = line.split("\t")
            zones.setdefault(country, zone)
    return zones
