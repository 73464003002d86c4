"""What can go wrong with words."""

from collections.abc import Iterable
from typing import Self

from mbs.foundation.errors import FieldFault, Forbidden, Invalid


class Unrenderable(Invalid):
    """Words and values that make no message: a technical failure, never a blank text."""

    sentence = "These words and values make no message."

    @classmethod
    def without(cls, names: Iterable[str]) -> Self:
        """Name the variables that have no value."""
        return cls(f"There is no value for {', '.join(sorted(names))}.")

    @classmethod
    def longer_than(cls, most: int) -> Self:
        """Name the number of characters that the channel takes."""
        message = f"Must have at most {most} characters with its values."
        return cls(message, errors=[FieldFault("body", "invalid", message)])


class TooManyLanguages(Forbidden):
    code = "PLAN_LIMIT_REACHED"
    sentence = "This message has words in as many languages as it may; remove those of another."
