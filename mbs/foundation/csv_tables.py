"""Tables for spreadsheets: CSV of RFC 4180, in which no text is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from werkzeug.wrappers import Response

CONTENT_TYPE = "text/csv; charset=utf-8"
WIDE = (
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH HYPHEN-MINUS}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", *WIDE)
"""How a text begins that a spreadsheet may run instead of showing it (OWASP, CSV injection)."""


def neutralized(text: str) -> str:
    """Return a text that a spreadsheet shows: one that begins like a formula gets an apostrophe in front."""
    return f"'{text}" if text.startswith(FORMULA) else text


def written(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a table as CSV.

    Texts are neutralized, for anybody may have typed them. What is not text came from the program, so that
    -12.50 stays a number. None is an empty cell.
    """
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\r\n")
    table.writerow(header)
    for row in rows:
        table.writerow([neutralized(cell) if isinstance(cell, str) else cell for cell in row])
    return text.getvalue()


def answer_table(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Response:
    """Return a table as a file to save.

    :param name: of the file, ASCII without quotes and without its ending.
    """
    response = Response(written(header, rows), content_type=CONTENT_TYPE)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response
