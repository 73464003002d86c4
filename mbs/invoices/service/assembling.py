"""Drafts put together: what drafting and billing a booking have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from mbs.foundation.db import Transaction
from mbs.foundation.local_time import local
from mbs.foundation.money import refuse_finer
from mbs.foundation.policies import invoicing_rules
from mbs.invoices.models.parties import buyer_of, seller_of
from mbs.invoices.models.pricing import Priced, Terms, price
from mbs.taxes.models.rates import Rates
from mbs.taxes.repository import TaxRateRepository

TEXTS = ("notes", "terms", "footer")


@dataclass(frozen=True, slots=True)
class Draft:
    """Columns of a document without its id, and of its lines."""

    header: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]


def assemble(
    transaction: Transaction,
    context: Any,
    wanted: Mapping[str, Any],
    lines: Sequence[Mapping[str, Any]],
    *,
    at: datetime,
) -> Draft:
    """Return a draft, its discounts and taxes reckoned.

    :param context: a row of `ContextRepository`.
    :param wanted: columns that somebody chose: currency, tax_mode, supply_date, due_date, booking_id, notes,
        terms, footer, discount_percent, discount_amount; what is absent is as the business's settings say.
    :param lines: as `lines_of` returns them.
    :raises Invalid: if an amount cannot be kept or paid, or a discount is above what it is taken from.
    :raises NoTaxRate: if no rate holds for a line.
    """
    rules = invoicing_rules(context.settings)
    currency = wanted.get("currency") or context.currency
    header = {
        "type": "invoice",
        "location_id": context.location_id,
        "customer_id": context.customer_id,
        "booking_id": wanted.get("booking_id"),
        "currency": currency,
        "supply_date": wanted.get("supply_date"),
        "due_date": wanted.get("due_date"),
        "tax_mode": wanted.get("tax_mode") or rules["taxMode"],
        "rounding_scope": rules["roundingScope"],
        # What the smallest coin is worth is known of the business's own currency.
        "cash_rounding": _amount(rules["cashRounding"]) if currency == context.currency else None,
        "discount_percent": wanted.get("discount_percent"),
        "discount_amount": wanted.get("discount_amount"),
        **{name: wanted[name] if name in wanted else rules.get(name) for name in TEXTS},
    }
    if header["discount_amount"] is not None:
        refuse_finer(header["discount_amount"], currency, field="discount.value")
    terms = Terms(**{name: header[name] for name in Terms.__slots__})
    priced = priced_at(transaction, context, terms, lines, supply_date=header["supply_date"], at=at)
    return Draft({**header, **priced.header}, priced.lines)


def priced_at(
    transaction: Transaction,
    context: Any,
    terms: Terms,
    lines: Sequence[Mapping[str, Any]],
    *,
    supply_date: Any,
    at: datetime,
) -> Priced:
    """Return what lines come to with the rates of the day of supply, which is today unless it is known.

    :raises NoTaxRate: if no rate holds for a line.
    """
    on = supply_date or local(at, context.timezone).date()
    own = TaxRateRepository(transaction).valid(
        jurisdiction=context.country, location_id=context.location_id, on=on
    )
    seller, buyer = seller_of(context), buyer_of(context)
    return price(lines, terms, seller=seller, buyer=buyer, rates=Rates.of(own), on=on)


def _amount(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None else None
