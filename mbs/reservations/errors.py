"""Why a booking cannot be made or moved."""

from mbs.foundation.errors import Conflict


class OutsideHours(Conflict):
    code = "OUTSIDE_HOURS"
    sentence = "Nobody who could do this works at that time; `alternatives` names up to three that are free."


class NoticeTooShort(Conflict):
    code = "NOTICE_TOO_SHORT"
    sentence = "That is too soon; the business wants to know earlier."


class TooFarAhead(Conflict):
    code = "TOO_FAR_AHEAD"
    sentence = "That is further ahead than the business takes bookings."


class RescheduleLimit(Conflict):
    code = "RESCHEDULE_LIMIT"
    sentence = "This booking was moved as often as the business allows."


class CustomerLimit(Conflict):
    code = "CUSTOMER_LIMIT"
    sentence = "This customer has as many bookings on that day as the business allows."
