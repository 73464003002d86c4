"""What can go wrong with credit notes."""

from mbs.foundation.errors import Conflict


class CreditExceedsLine(Conflict):
    """`remaining` of its extra members is what may still be credited of the line, as an amount."""

    code = "CREDIT_EXCEEDS_LINE"
    sentence = "More would be credited than is left of a line; nothing was."
