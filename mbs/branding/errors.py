"""What can go wrong with logos."""

from mbs.foundation.errors import FieldFault, Invalid


class UnusablePicture(Invalid):
    """The message says what is wrong with it."""

    def __init__(self, message: str) -> None:
        super().__init__(errors=[FieldFault("image", "invalid", message)])
