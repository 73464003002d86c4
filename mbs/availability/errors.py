"""What can go wrong when somebody asks when a service can be had."""

from mbs.foundation.errors import Invalid


class RangeTooLong(Invalid):
    code = "RANGE_TOO_LONG"
    sentence = "The dates are too far apart; ask for fewer days at a time."
