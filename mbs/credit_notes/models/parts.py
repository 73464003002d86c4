"""What a credit note takes back of an invoice's lines, exactly: all notes of a line add up to it.

A quantity is credited cumulatively: after `q` of `Q`, the share q/Q of the total, rounded once. The taxes
follow the share of the total that was credited, at what they came to on the invoice, never reckoned anew. So
roundings do not pile up, and what is left last is all that is left (domain 2.7).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from mbs.credit_notes.errors import CreditExceedsLine
from mbs.foundation.money import rounded, scale

ZERO = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A line of an invoice, or what was taken of it: by which quantity, net, each tax in its order, total.

    `quantity` of what was credited as an amount is 0.
    """

    quantity: Decimal
    net: Decimal
    taxes: tuple[Decimal, ...]

    @property
    def tax(self) -> Decimal:
        return sum(self.taxes, ZERO)

    @property
    def total(self) -> Decimal:
        return self.net + self.tax


def together(parts: Iterable[Part], like: Part) -> Part:
    """Return the sum of parts of one line.

    :param like: the line, which tells how many taxes there are.
    """
    found = tuple(parts)
    return Part(
        quantity=sum((one.quantity for one in found), ZERO),
        net=sum((one.net for one in found), ZERO),
        taxes=tuple(sum((one.taxes[i] for one in found), ZERO) for i in range(len(like.taxes))),
    )


def is_credited(line: Part, credited: Part) -> bool:
    """Tell whether nothing is left of a line; of one that costs nothing, its quantity tells."""
    return credited.total == line.total and (line.total > 0 or credited.quantity == line.quantity)


def by_quantity(line: Part, credited: Part, quantity: Decimal, currency: str) -> Part:
    """Return what a quantity of a line comes to, behind what was credited of it.

    :raises CreditExceedsLine: if more was sold neither in quantity nor in money.
    """
    so_far = credited.quantity + quantity
    if so_far > line.quantity:
        raise CreditExceedsLine
    # What was credited as an amount lies beside the quantities, and does not move with them.
    before = rounded(line.total * credited.quantity / line.quantity, currency)
    part = rounded(line.total * so_far / line.quantity, currency) - before
    return _taken(line, credited, quantity, part, currency)


def by_amount(line: Part, credited: Part, amount: Decimal, currency: str) -> Part:
    """Return how an amount of a line, its taxes inside, falls apart into net and taxes.

    :raises CreditExceedsLine: if less is left of the line.
    """
    return _taken(line, credited, ZERO, amount, currency)


def remainder(line: Part, credited: Part, currency: str) -> Part:
    """Return all that is left of a line: a quantity, unless amounts were credited of it as well."""
    left = line.quantity - credited.quantity
    if left > 0 and rounded(line.total * credited.quantity / line.quantity, currency) == credited.total:
        return by_quantity(line, credited, left, currency)
    return by_amount(line, credited, line.total - credited.total, currency)


def _taken(line: Part, credited: Part, quantity: Decimal, total: Decimal, currency: str) -> Part:
    left = line.total - credited.total
    if total > left:
        raise CreditExceedsLine
    if line.total == 0:
        return Part(quantity=quantity, net=ZERO, taxes=(ZERO,) * len(line.taxes))
    unit = Decimal(1).scaleb(-scale(currency))
    share = credited.total + total
    wanted = [
        max(rounded(tax * share / line.total, currency) - before, ZERO)
        for tax, before in zip(line.taxes, credited.taxes, strict=True)
    ]
    taxes = _within(wanted, total, unit)
    # Where next to nothing is left of the net, the taxes bear what it cannot.
    missing = total - sum(taxes) - (line.net - credited.net)
    for i, tax in enumerate(taxes):
        more = min(max(missing, ZERO), line.taxes[i] - credited.taxes[i] - tax)
        taxes[i], missing = tax + more, missing - more
    return Part(quantity=quantity, net=total - sum(taxes), taxes=tuple(taxes))


def _within(wanted: Sequence[Decimal], total: Decimal, unit: Decimal) -> list[Decimal]:
    """Return taxes that are no more than the total they are part of; equal ones stay equal.

    Two that are due to be rounded up by the same cent would be more than a credit of one cent; then they wait
    for the next.
    """
    asked = sum(wanted)
    if asked <= total:
        return list(wanted)
    return [tax * total / asked // unit * unit for tax in wanted]


def note_total(lines: Decimal, *, left: Decimal, is_last: bool) -> Decimal:
    """Return the total of a note whose lines come to `lines`.

    :param left: of the invoice's total, behind the notes before.
    :param is_last: whether nothing is left of any line: then the invoice's cash rounding goes with them.
        Before, it stays out, unless it made the invoice so small that no more is left.
    """
    return left if is_last else min(lines, left)


def shares(total: Decimal, due: Decimal) -> tuple[Decimal, Decimal]:
    """Return by how much a note lowers what is owed, and how much of what was paid it takes out again."""
    owed = min(total, due)
    return owed, total - owed
