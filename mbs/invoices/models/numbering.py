"""The numbers of documents: a series counts by itself in each place and period."""

from dataclasses import dataclass
from datetime import date

from mbs.foundation.number_patterns import LONGEST, filled
from mbs.invoices.errors import NumberTooLong


@dataclass(frozen=True, slots=True)
class Series:
    """A pattern whose place and period are filled in.

    `key` is what is counted and stored, like `MUM/2526/{SEQ}`; `longest` is how many characters the law of
    the place allows.
    """

    key: str
    width: int
    longest: int | None


def series_of(pattern: str, *, prefix: str, on: date, country: str) -> Series:
    """Return the series of a document.

    :param pattern: one of the settings' `numberPatterns`.
    :param prefix: the location's `invoice_prefix`.
    :param on: the date of issue at the location.
    :param country: the location's.
    """
    key, width = filled(pattern, prefix=prefix, on=on, country=country)
    return Series(key, width, LONGEST.get(country))


def number_of(series: Series, seq: int) -> str:
    """Return the number that is the `seq`-th of a series.

    :raises NumberTooLong: if it has more characters than the law allows.
    """
    number = series.key.replace("{SEQ}", f"{seq:0{series.width}}")
    if series.longest is not None and len(number) > series.longest:
        raise NumberTooLong(
            f"The number {number} would have {len(number)} characters, and the law allows {series.longest};"
            " shorten the pattern in the settings `invoicing.numberPatterns`."
        )
    return number
