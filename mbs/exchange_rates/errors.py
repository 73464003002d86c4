"""What can go wrong with exchange rates."""

from datetime import date
from typing import Self

from mbs.foundation.errors import Conflict, FieldFault, Invalid


class RateOfDayTaken(Conflict):
    sentence = "This pair of currencies has a rate from that day on already; change that one."


class SameCurrency(Invalid):
    def __init__(self) -> None:
        super().__init__(errors=[FieldFault("quote", "invalid", "Must be another currency than `base`.")])


class NoExchangeRate(Conflict):
    code = "NO_EXCHANGE_RATE"
    sentence = "There is no exchange rate for these currencies on that day."

    @classmethod
    def of(cls, base: str, quote: str, on: date) -> Self:
        """Name the pair of currencies and the day."""
        return cls(
            f"There is no exchange rate from {base} to {quote} on {on.isoformat()}; add one that is"
            " valid by then.",
            extra={"base": base, "quote": quote, "on": on.isoformat()},
        )
