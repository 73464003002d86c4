"""What can go wrong with group classes."""

from collections.abc import Iterable
from datetime import date

from mbs.foundation.errors import FieldFault, Invalid, InvalidReference, InvalidState


class NonexistentLocalTime(Invalid):
    code = "NONEXISTENT_LOCAL_TIME"
    sentence = "Clocks leap over that local time, because daylight saving time begins; choose another."

    @classmethod
    def on(cls, days: Iterable[date]) -> "NonexistentLocalTime":
        """Say on which days."""
        named = ", ".join(day.isoformat() for day in days)
        fault = FieldFault("startTime", "invalid", f"Clocks do not show that time on {named}.")
        return cls(f"Clocks leap over that local time on {named}; choose another.", errors=[fault])


class NotAClass(Invalid):
    def __init__(self) -> None:
        message = "Must be a service of mode `session`."
        super().__init__(errors=[FieldFault("serviceId", "invalid", message)])


class NotBegun(InvalidState):
    sentence = "The class has not begun; what does not take place is cancelled."


class TooMany(Invalid):
    @classmethod
    def beyond(cls, most: int) -> "TooMany":
        """Say how many a series may have."""
        message = f"Must not come to more than {most} classes; plan the rest as another series."
        return cls(errors=[FieldFault("until", "invalid", message)])


class NoMeetingDay(Invalid):
    def __init__(self) -> None:
        message = "None of `days` lies between `from` and `until`."
        super().__init__(errors=[FieldFault("days", "invalid", message)])


def unknown(field: str, what: str) -> InvalidReference:
    """Return the refusal of a field that names what the business does not have."""
    message = f"There is no such {what}."
    return InvalidReference(message, errors=[FieldFault(field, "invalid_reference", message)])


def unsuitable(field: str, message: str) -> Invalid:
    """Return the refusal of a resource that cannot be meant."""
    return Invalid(errors=[FieldFault(field, "invalid", message)])
