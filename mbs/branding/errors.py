"""What can go wrong with logos."""

from typing import Self

from mbs.foundation.errors import FieldFault, Invalid


class UnusablePicture(Invalid):
    """The message says what is wrong with it."""

    @classmethod
    def because(cls, message: str) -> Self:
        return cls(errors=[FieldFault("image", "invalid", message)])
