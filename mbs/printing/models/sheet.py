"""A document as it stands on paper: texts in their places, amounts written out, nothing left to decide."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Business:
    """What a business's documents look like, and in which language's manner amounts and dates are written.

    :param locale: of BCP 47, as the tenant has it: `en-IN`.
    :param invoicing: the settings of invoices, defaults filled in.
    :param logo: a PNG, or None.
    """

    name: str
    locale: str
    invoicing: Mapping[str, Any]
    logo: bytes | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """Who sells or who buys: the name, and the lines under it."""

    heading: str
    name: str
    lines: Row


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a document. `small` stands under the description, `tax_note` under the tax."""

    position: str
    description: str
    small: str
    quantity: str
    price: str
    discount: str
    net: str
    tax: str
    tax_note: str
    total: str


@dataclass(frozen=True, slots=True)
class Total:
    label: str
    amount: str
    strong: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One document, ready to be drawn.

    :param created: goes into the file, so that equal sheets become equal files.
    :param taxes: rows of rate, net and tax.
    :param payment_code: what the code says that a phone reads; None draws none.
    :param stamp: what is stamped beside the totals; `watermark` lies under every page.
    """

    title: str
    number: str
    language: str
    created: datetime
    color: str
    logo: bytes | None
    seller: Party
    buyer: Party
    facts: tuple[Row, ...]
    items: tuple[Item, ...]
    taxes: tuple[Row, ...]
    totals: tuple[Total, ...]
    statements: Row
    paragraphs: tuple[Row, ...]
    footer: str
    payment_code: str | None
    payment_caption: str
    stamp: str | None
    watermark: str | None
