"""What can go wrong with waiting."""

from mbs.foundation.errors import Conflict, FieldFault, Invalid, InvalidReference, InvalidState


class SeatsAvailable(Conflict):
    code = "SEATS_AVAILABLE"
    sentence = "The class has seats for so many; book them instead of waiting."


class AlreadyWaiting(Conflict):
    code = "ALREADY_WAITING"
    sentence = "This customer waits for the class already."


class OfferExpired(InvalidState):
    code = "OFFER_EXPIRED"
    sentence = "The offer is over, and the seats went to whoever was next; join again to wait for others."


class NothingOffered(InvalidState):
    sentence = "No seats have been offered to this customer yet."


class UnknownCustomer(InvalidReference):
    def __init__(self) -> None:
        message = "There is no such customer."
        super().__init__(message, errors=[FieldFault("customerId", "invalid_reference", message)])


class PartyTooLarge(Invalid):
    @classmethod
    def beyond(cls, most: int) -> "PartyTooLarge":
        """Say how many seats the class has."""
        message = f"Must be at most {most}, the seats that the class has."
        return cls(errors=[FieldFault("partySize", "invalid", message)])
