"""What can go wrong with services."""

from typing import Self

from mbs.foundation.errors import FieldFault, Invalid


class InvalidSegments(Invalid):
    code = "INVALID_SEGMENTS"
    sentence = "The segments do not fit the service; `errors` says why."

    @classmethod
    def of(cls, field: str, message: str) -> Self:
        return cls(errors=[FieldFault(field, "invalid", message)])
