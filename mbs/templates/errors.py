"""What can go wrong with words."""

from collections.abc import Iterable

from mbs.foundation.errors import FieldFault, Invalid


class Unrenderable(Invalid):
    """Words and values that make no message: a technical failure, never a blank text."""


class MissingValues(Unrenderable):
    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(sorted(names))
        super().__init__(f"There is no value for {', '.join(self.names)}.")


class TooLong(Unrenderable):
    def __init__(self, most: int) -> None:
        fault = FieldFault("body", "invalid", f"Must have at most {most} characters with its values.")
        super().__init__(errors=[fault])
