"""What a document comes to: from what somebody wrote down to what is stored, by mbs/taxes.

Preview, draft, issue and `mbs doctor money` all reckon here, so that none of them can differ.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Self

from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.money import LARGEST, rounded, scale, shown
from mbs.taxes.models.computation import Component, Computed, Line, Tax, Treatment, compute
from mbs.taxes.models.rates import Rates
from mbs.taxes.models.treatments import Buyer, Seller, place_of_supply, supply_rule_of, treatment

TOO_LARGE = f"Comes to more than {LARGEST}, the largest amount that can be kept."


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """How a document is reckoned; at most one of the two discounts."""

    currency: str
    tax_mode: str
    rounding_scope: str
    cash_rounding: Decimal | None
    discount_percent: Decimal | None
    discount_amount: Decimal | None

    @classmethod
    def of(cls, document: Any) -> Self:
        """Return the terms of a document's row."""
        return cls(
            currency=document.currency,
            tax_mode=document.tax_mode,
            rounding_scope=document.rounding_scope,
            cash_rounding=document.cash_rounding,
            discount_percent=document.discount_percent,
            discount_amount=document.discount_amount,
        )


@dataclass(frozen=True, slots=True)
class Priced:
    """Columns of a document, and of each of its lines, in the order of the lines that were given."""

    header: Mapping[str, Any]
    lines: Sequence[Mapping[str, Any]]


def price(
    lines: Sequence[Mapping[str, Any]],
    terms: Terms,
    *,
    seller: Seller,
    buyer: Buyer,
    rates: Rates,
    on: date,
) -> Priced:
    """Return what a document comes to.

    :param lines: columns of lines: quantity, unit_price, discount_percent, discount_amount, tax_category,
        supply_rule (None: by the business type), and whatever else, which comes back unchanged.
    :param on: the date of supply.
    :raises Invalid: if a discount is above what it is taken from, an amount cannot be kept, or the lines are
        supplied in different places.
    :raises NoTaxRate: if no rate holds for a line.
    """
    lines = [
        {**line, "supply_rule": supply_rule_of(line["supply_rule"], seller.business_type)} for line in lines
    ]
    place = _place(lines, seller, buyer)
    treatments = [
        treatment(
            seller,
            buyer,
            category=line["tax_category"],
            supply_rule=line["supply_rule"],
            on=on,
            rates=rates,
        )
        for line in lines
    ]
    priced = reckoned(lines, terms, treatments)
    return Priced({**priced.header, "place_of_supply": place}, priced.lines)


def reckoned(lines: Sequence[Mapping[str, Any]], terms: Terms, treatments: Sequence[Treatment]) -> Priced:
    """Return what a document comes to whose lines are taxed in a known way.

    :param lines: as `price` takes them.
    :raises Invalid: if a discount is above what it is taken from, or an amount cannot be kept.
    """
    currency = terms.currency
    amounts, taken_off = _amounts(lines, currency)
    discount = _discount(terms, sum(amounts))
    taxed = [
        Line(amount, line["tax_category"], way)
        for amount, line, way in zip(amounts, lines, treatments, strict=True)
    ]
    computed = compute(
        taxed,
        currency=currency,
        tax_mode=terms.tax_mode,
        rounding_scope=terms.rounding_scope,
        discount=discount,
        cash_rounding=terms.cash_rounding,
    )
    if computed.total > LARGEST:
        raise _invalid("items", TOO_LARGE)
    return Priced(
        {
            "subtotal": computed.subtotal,
            "discount_total": taken_off + computed.discount,
            "tax_total": computed.tax_total,
            "rounding": computed.rounding,
            "total": computed.total,
            "tax_summary": _summary(computed, currency),
            "reverse_charge": any(way.kind == "reverse_charge" for way in treatments),
        },
        [
            {
                **line,
                "amount": amount,
                "document_discount": part.document_discount,
                "tax_kind": way.kind,
                "net": part.net,
                "taxes": stored(part.taxes, currency),
                "tax": part.tax,
                "total": part.total,
            }
            for line, amount, way, part in zip(lines, amounts, treatments, computed.lines, strict=True)
        ],
    )


def treatment_of(line: Any) -> Treatment:
    """Return how a stored line was taxed.

    :param line: its row, with `tax_kind` and `taxes`.
    """
    return Treatment(line.tax_kind, tuple(Component(one["code"], Decimal(one["rate"])) for one in line.taxes))


def stored(taxes: Sequence[Tax], currency: str) -> list[dict[str, str]]:
    """Return taxes as the column, and the wire, have them."""
    return [
        {
            "code": one.code,
            "rate": format(one.rate.normalize(), "f"),
            "amount": shown(one.amount, currency),
        }
        for one in taxes
    ]


def line_discount(line: Mapping[str, Any], currency: str, *, field: str = "items") -> tuple[Decimal, Decimal]:
    """Return what a line comes to before its own discount, and that discount.

    :param field: the line's place on the wire.
    :raises Invalid: if the line comes to more than can be kept, or the discount is above it.
    """
    gross = rounded(line["quantity"] * line["unit_price"], currency)
    if gross > LARGEST:
        raise _invalid(f"{field}.unitPrice", TOO_LARGE)
    percent, amount = line.get("discount_percent"), line.get("discount_amount")
    discount = rounded(gross * percent / 100, currency) if percent is not None else amount or Decimal(0)
    if discount > gross:
        raise _invalid(
            f"{field}.discount.value", f"Must be at most {shown(gross, currency)}, the line's amount."
        )
    return gross, discount


def _amounts(lines: Sequence[Mapping[str, Any]], currency: str) -> tuple[list[Decimal], Decimal]:
    amounts, taken_off = [], Decimal(0)
    for number, line in enumerate(lines):
        gross, discount = line_discount(line, currency, field=f"items.{number}")
        amounts.append(gross - discount)
        taken_off += discount
    if sum(amounts) + taken_off > LARGEST:
        raise _invalid("items", TOO_LARGE)
    return amounts, taken_off


def _discount(terms: Terms, amount: Decimal | int) -> Decimal:
    if terms.discount_percent is not None:
        return rounded(amount * terms.discount_percent / 100, terms.currency)
    discount = terms.discount_amount or Decimal(0)
    if discount > amount:
        most = shown(Decimal(amount), terms.currency)
        raise _invalid("discount.value", f"Must be at most {most}, what the lines come to.")
    return discount


def _place(lines: Sequence[Mapping[str, Any]], seller: Seller, buyer: Buyer) -> str | None:
    # Who charges no tax owes nobody an answer to where it would be due.
    if seller.regime == "none":
        return None
    places = [place_of_supply(seller, buyer, line["supply_rule"]) for line in lines]
    for number, place in enumerate(places):
        if place != places[0]:
            message = (
                f"It is supplied in {place or 'an unknown place'} and the lines before it in"
                f" {places[0] or 'an unknown place'}: put it on an invoice of its own."
            )
            raise _invalid(f"items.{number}.supplyRule", message)
    return places[0]


def _summary(computed: Computed, currency: str) -> list[dict[str, Any]]:
    return [
        {
            "category": group.category,
            "kind": group.kind,
            "net": shown(group.net, currency),
            "taxes": stored(group.taxes, currency),
            "tax": shown(group.tax, currency),
        }
        for group in computed.groups
    ]


def _invalid(field: str, message: str) -> Invalid:
    return Invalid(errors=[FieldFault(field, "invalid", message)])


def refuse_finer_lines(lines: Sequence[Mapping[str, Any]], currency: str) -> None:
    """Refuse lines whose prices or discounts a currency cannot pay.

    :raises Invalid: naming each of them.
    """
    faults = [
        FieldFault(
            f"items.{number}.{field}",
            "invalid",
            f"Must have at most {scale(currency)} decimals, as {currency} has.",
        )
        for number, line in enumerate(lines)
        for column, field in (("unit_price", "unitPrice"), ("discount_amount", "discount.value"))
        if line.get(column) is not None and line[column] != rounded(line[column], currency)
    ]
    if faults:
        raise Invalid(errors=faults)
