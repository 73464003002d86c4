"""The patterns of numbers, like `{LOC}/{FY}/{SEQ:5}`: checked when they are set, filled in when one is due.

Of one pattern no two places, periods and sequence numbers make the same number: all tokens have one width
but `{LOC}` and `{SEQ:n}`, and behind those stands what neither of them can hold.
"""

import re
from collections.abc import Mapping
from datetime import date

TOKEN = re.compile(r"\{(LOC|FY|YYYY|YY|MM|SEQ:[1-9])\}")
PATTERN = re.compile(r"^(\{(LOC|FY|YYYY|YY|MM|SEQ:[1-9])\}|[A-Za-z0-9/-])+$", re.ASCII)
WIDTHS = {"LOC": 5, "FY": 4, "YYYY": 4, "YY": 2, "MM": 2}
YEARS = {"FY", "YYYY", "YY"}

LONGEST_PATTERN = 60
LONGEST: Mapping[str, int] = {"IN": 16}
"""How many characters a country allows: India, CGST Rules 2017, rule 46(b)."""

FINANCIAL_YEAR_STARTS: Mapping[str, int] = {"IN": 4}
"""In which month the year of `{FY}` begins, where it is not the calendar's."""


def fault_of(pattern: str, *, country: str | None = None) -> str | None:
    """Return which rule a pattern breaks, as a sentence; None: none.

    :param country: whose limit of the number's length it must keep, a place's prefix taken as the longest;
        None: nobody's.
    """
    if len(pattern) > LONGEST_PATTERN or not PATTERN.fullmatch(pattern):
        return (
            "Must be made of letters, digits, /, - and {LOC}, {FY}, {YYYY}, {YY}, {MM}, {SEQ:n} with n from"
            f" 1 to 9, with at most {LONGEST_PATTERN} characters."
        )
    tokens = TOKEN.findall(pattern)
    if sum(token.startswith("SEQ") for token in tokens) != 1:
        return "Must hold {SEQ:n} once, which counts."
    if pattern[0] in "/-":
        return "Must begin with a letter, a digit or a token."
    if "MM" in tokens and not YEARS.intersection(tokens):
        return "Must hold {FY}, {YYYY} or {YY} beside {MM}, or its numbers come again the next year."
    if re.search(r"\{(LOC|SEQ:[1-9])\}[^/-]", pattern):
        return "Must have / or - behind {LOC} and {SEQ:n}, or two of its numbers can be the same."
    limit = LONGEST.get(country or "")
    if limit is not None and length(pattern) > limit:
        return f"Must make numbers of at most {limit} characters; this one makes {length(pattern)}."
    return None


def length(pattern: str) -> int:
    """Return how long the numbers of a pattern are, until they need more digits than it has."""
    widths = (WIDTHS.get(token) or int(token[-1]) for token in TOKEN.findall(pattern))
    return len(TOKEN.sub("", pattern)) + sum(widths)


def filled(pattern: str, *, prefix: str, on: date, country: str) -> tuple[str, int]:
    """Return a pattern with place and period filled in and `{SEQ}` left, and how many digits that has.

    The width is not a part of it: who wants more digits goes on counting where they were.
    """
    begins = FINANCIAL_YEAR_STARTS.get(country)
    first = on.year if begins is None or on.month >= begins else on.year - 1
    values = {
        "LOC": prefix,
        "FY": f"{on.year:04}" if begins is None else f"{first % 100:02}{(first + 1) % 100:02}",
        "YYYY": f"{on.year:04}",
        "YY": f"{on.year % 100:02}",
        "MM": f"{on.month:02}",
    }
    (width,) = (int(token[-1]) for token in TOKEN.findall(pattern) if token.startswith("SEQ"))
    return TOKEN.sub(lambda found: values.get(found[1], "{SEQ}"), pattern), width
