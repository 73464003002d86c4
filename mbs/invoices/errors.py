"""What can go wrong with invoices."""

from datetime import date
from typing import Self

from mbs.foundation.errors import Conflict, FieldFault, InvalidState
from mbs.resources.errors import UnknownReference


class AlreadyBilled(Conflict):
    code = "NOTHING_TO_BILL"
    sentence = "All of it has been billed already; void that invoice, or take it back, to bill it anew."


class UnknownService(UnknownReference):
    sentence = "There is no such service."
    field = "items"


class NumberTooLong(Conflict):
    code = "NUMBER_TOO_LONG"
    sentence = "The number would have more characters than the law allows; shorten the pattern."


class NumberTaken(Conflict):
    sentence = "The next number of this series is another document's; change the pattern in the settings."


class DatedTooEarly(InvalidState):
    sentence = "The number before it has a later date."

    @classmethod
    def than(cls, last: date) -> Self:
        message = f"The last number of this series is of {last}: date this one {last} or later."
        return cls(message, errors=[FieldFault("issueDate", "conflict", message)])


class NothingToBill(Conflict):
    code = "NOTHING_TO_BILL"
    sentence = "The booking was given up and costs no fee."


class NobodyToSendTo(Conflict):
    code = "NO_EMAIL_ADDRESS"
    sentence = "No e-mail address of the customer is known: add one, or hand the invoice over yourself."
