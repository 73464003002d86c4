"""Printing samples, and looking at what was printed."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pypdfium2

from mbs.printing.models.composing import compose
from mbs.printing.models.pages import draw
from mbs.printing.models.sheet import Business
from tests.printing.samples import business, document, line


def printed(
    *lines: SimpleNamespace, of: Business | None = None, seller: Any = None, buyer: Any = None, **changes: Any
) -> bytes:
    """Return the PDF of an invoice; without lines, of a haircut for 999 with GST of 5 % inside."""
    wanted: Sequence[SimpleNamespace] = lines or (line(),)
    row = document(wanted, **changes)
    sheet = compose(row, wanted, of or business(), seller=seller or row.seller, buyer=buyer or row.buyer)
    return draw(sheet)


def texts_of(file: bytes) -> list[str]:
    """Return the text of each page of a PDF, each run of white space as one space."""
    opened = pypdfium2.PdfDocument(file)
    texts = []
    for page in opened:
        text_page = page.get_textpage()
        texts.append(" ".join(text_page.get_text_bounded().split()))
        text_page.close()
        page.close()
    opened.close()
    return texts


def text_of(file: bytes) -> str:
    """Return the text of a PDF."""
    return " ".join(texts_of(file))
