"""What a document comes to: its discount, its taxes and its cash rounding, exact to the last unit.

All is counted in whole minor units (paise, fils), so that nothing depends on a precision. Halves round up.
A group is the lines of one category and treatment; with the scope `document` each tax of a group is rounded
once and apportioned to the lines by largest remainder, so that the lines always add up to the header.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mbs.foundation.money import scale

RATE_DECIMALS = 6
"""A rate has at most four decimals, and half of a rate at most five."""
HUNDRED = 100 * 10**RATE_DECIMALS


@dataclass(frozen=True, slots=True)
class Component:
    """One tax of a treatment: its code, and its rate in percent."""

    code: str
    rate: Decimal


@dataclass(frozen=True, slots=True)
class Treatment:
    """How a line is taxed. Only the kind `taxed` charges its components, which come to at most 100 %."""

    kind: str
    components: tuple[Component, ...] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """`amount`: quantity by price less the line's own discount, at the currency's scale, in the tax mode."""

    amount: Decimal
    category: str
    treatment: Treatment


@dataclass(frozen=True, slots=True)
class Tax:
    code: str
    rate: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PricedLine:
    """`document_discount`: this line's part of the document's discount. `total` = `net` + `tax`."""

    document_discount: Decimal
    net: Decimal
    taxes: tuple[Tax, ...]
    tax: Decimal
    total: Decimal


@dataclass(frozen=True, slots=True)
class Group:
    """The sums of all lines of one category and treatment: a row of the tax summary."""

    category: str
    kind: str
    net: Decimal
    taxes: tuple[Tax, ...]
    tax: Decimal


@dataclass(frozen=True, slots=True)
class Computed:
    """`subtotal`: all nets. `total` = `subtotal` + `tax_total` + `rounding`."""

    lines: tuple[PricedLine, ...]
    groups: tuple[Group, ...]
    subtotal: Decimal
    discount: Decimal
    tax_total: Decimal
    rounding: Decimal
    total: Decimal


def compute(
    lines: Sequence[Line],
    *,
    currency: str,
    tax_mode: str,
    rounding_scope: str,
    discount: Decimal = Decimal(0),
    cash_rounding: Decimal | None = None,
) -> Computed:
    """Return what a document comes to.

    With prices that include the tax the gross never moves: the net is what the taxes leave of it. Equal rates
    give equal taxes, CGST = SGST, on the header always; on a line too, unless the line is worth less than one
    minor unit for each of them.

    :param tax_mode: `inclusive` if amounts include the tax, else `exclusive`.
    :param rounding_scope: `document` or `line`: where a tax is rounded.
    :param discount: of the whole document, in the tax mode; apportioned to the lines before tax.
    :param cash_rounding: the total becomes the nearest multiple of this, halves up; the difference is
        `rounding`. Nothing happens if it is no whole number of the currency's minor units.
    :raises ValueError: if an amount is negative or finer than the currency, or the discount above the lines'.
    """
    places = scale(currency)
    amounts = [_units(line.amount, places) for line in lines]
    taken = _units(discount, places)
    if taken > sum(amounts):
        raise ValueError("the discount is above what the lines come to")
    discounts = _apportioned(taken, amounts, [_rank(line) for line in lines])
    bases = [amount - part for amount, part in zip(amounts, discounts, strict=True)]
    inclusive = tax_mode == "inclusive"

    members: dict[tuple[str, Treatment], list[int]] = {}
    for number, line in enumerate(lines):
        members.setdefault((line.category, line.treatment), []).append(number)
    taxes: list[list[int]] = [[] for _ in lines]
    for (_, treatment), numbers in members.items():
        rates = _rates(treatment)
        own = [bases[number] for number in numbers]
        if rounding_scope == "line":
            rows = [_taxes(base, rates, inclusive=inclusive) for base in own]
        else:
            rows = _spread(_taxes(sum(own), rates, inclusive=inclusive), rates, own, inclusive=inclusive)
        for number, row in zip(numbers, rows, strict=True):
            taxes[number] = row

    nets = [base - sum(row) if inclusive else base for base, row in zip(bases, taxes, strict=True)]
    subtotal, tax_total = sum(nets), sum(map(sum, taxes))
    rounding = _to_multiple(subtotal + tax_total, cash_rounding, places)
    return Computed(
        lines=tuple(
            PricedLine(
                document_discount=_amount(discounts[number], places),
                net=_amount(nets[number], places),
                taxes=_named(line.treatment, taxes[number], places),
                tax=_amount(sum(taxes[number]), places),
                total=_amount(nets[number] + sum(taxes[number]), places),
            )
            for number, line in enumerate(lines)
        ),
        groups=tuple(
            Group(
                category=category,
                kind=treatment.kind,
                net=_amount(sum(nets[number] for number in numbers), places),
                taxes=_named(
                    treatment, map(sum, zip(*(taxes[number] for number in numbers), strict=True)), places
                ),
                tax=_amount(sum(sum(taxes[number]) for number in numbers), places),
            )
            for (category, treatment), numbers in members.items()
        ),
        subtotal=_amount(subtotal, places),
        discount=_amount(taken, places),
        tax_total=_amount(tax_total, places),
        rounding=_amount(rounding, places),
        total=_amount(subtotal + tax_total + rounding, places),
    )


def _units(amount: Decimal, places: int) -> int:
    shifted = amount.scaleb(places)
    units = int(shifted)
    if units != shifted or units < 0:
        raise ValueError(f"{amount} is negative or finer than the currency, which has {places} decimals")
    return units


def _amount(units: int, places: int) -> Decimal:
    return Decimal(units).scaleb(-places)


def _rates(treatment: Treatment) -> list[int]:
    if treatment.kind != "taxed":
        return []
    return [int(component.rate.scaleb(RATE_DECIMALS)) for component in treatment.components]


def _named(treatment: Treatment, amounts: Iterable[int], places: int) -> tuple[Tax, ...]:
    if treatment.kind != "taxed":
        return ()
    return tuple(
        Tax(component.code, component.rate, _amount(amount, places))
        for component, amount in zip(treatment.components, amounts, strict=True)
    )


def _half_up(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def _taxes(base: int, rates: Sequence[int], *, inclusive: bool) -> list[int]:
    whole = HUNDRED + sum(rates) if inclusive else HUNDRED
    return [_half_up(base * rate, whole) for rate in rates]


def _rank(line: Line) -> tuple[str, str, tuple[tuple[str, Decimal], ...]]:
    # Of equal remainders the order of the lines decides nothing, or turning them over would move the totals.
    components = tuple((component.code, component.rate) for component in line.treatment.components)
    return line.category, line.treatment.kind, components


def _shares(total: int, weights: Sequence[int], ranks: Sequence[object]) -> tuple[list[int], list[int]]:
    """Return what each weight gets of a total, rounded down, and who gets the next unit, first to last."""
    whole = sum(weights) or 1
    cut = [divmod(total * weight, whole) for weight in weights]
    order = sorted(range(len(weights)), key=lambda number: (-cut[number][1], -weights[number], ranks[number]))
    return [share for share, _ in cut], order


def _apportioned(total: int, weights: Sequence[int], ranks: Sequence[object]) -> list[int]:
    """Return the parts of a total by largest remainder; no part is above its weight if the total is not."""
    parts, order = _shares(total, weights, ranks)
    for number in order[: total - sum(parts)]:
        parts[number] += 1
    return parts


def _spread(
    totals: Sequence[int], rates: Sequence[int], bases: Sequence[int], *, inclusive: bool
) -> list[list[int]]:
    """Return the taxes of each line: the group's, by largest remainder.

    Equal rates are apportioned alike. Where prices include the tax no line gets more of it than it is worth.
    """
    ranks = range(len(bases))
    cut = [_shares(total, bases, ranks) for total in totals]
    taxes = [[shares[number] for shares, _ in cut] for number in ranks]
    room = [base - sum(row) if inclusive else len(row) for base, row in zip(bases, taxes, strict=True)]
    for rate in dict.fromkeys(rates):
        alike = [place for place, other in enumerate(rates) if other == rate]
        order = cut[alike[0]][1]
        left = totals[alike[0]] - sum(cut[alike[0]][0])
        for number in order:
            if left and room[number] >= len(alike):
                room[number] -= len(alike)
                left -= 1
                for place in alike:
                    taxes[number][place] += 1
        for place in alike * left:
            # Lines of one paisa, of which none is worth both taxes: one gets the one, another the other.
            number = next(one for one in order if room[one] > 0)
            taxes[number][place] += 1
            room[number] -= 1
    return taxes


def _to_multiple(total: int, multiple: Decimal | None, places: int) -> int:
    if multiple is None:
        return 0
    step = multiple.scaleb(places)
    if step < 1 or step != int(step):
        return 0
    return _half_up(total, int(step)) * int(step) - total
