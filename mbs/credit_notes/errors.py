"""What can go wrong with credit notes."""

from decimal import Decimal
from typing import Any, Self

from mbs.foundation.errors import Conflict, FieldFault, InvalidState
from mbs.foundation.money import shown


class CreditExceedsLine(Conflict):
    """`amountLeft` and `quantityLeft` say what may still be credited of the line, its taxes inside."""

    code = "CREDIT_EXCEEDS_LINE"
    sentence = "More would be credited than is left of a line; nothing was."

    @classmethod
    def at(cls, field: str, line: Any, credited: Any, currency: str) -> Self:
        """Name the line, and what is left of it.

        :param line: its part, as `credited` is one, of `models`.
        """
        amount = shown(line.total - credited.total, currency)
        quantity = format(line.quantity - credited.quantity, "f")
        message = f"Of this line {amount} {currency} is left, in a quantity of {quantity}."
        return cls(
            errors=[FieldFault(field, "conflict", message)],
            extra={"amountLeft": amount, "quantityLeft": quantity},
        )


class NotOwed(InvalidState):
    """`amountDue` is what a credit note may come to that nothing goes back for."""

    @classmethod
    def more_than(cls, due: Decimal, total: Decimal, currency: str) -> Self:
        """Say that some of what is credited has been paid."""
        message = (
            f"It comes to {shown(total, currency)} {currency}, and {shown(due, currency)} is due: the rest"
            " was paid; say with `refund` that it goes back, or with `balance` that it stays the customer's."
        )
        return cls(
            message,
            errors=[FieldFault("settle", "conflict", message)],
            extra={"amountDue": shown(due, currency)},
        )
