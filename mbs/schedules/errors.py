"""What can go wrong with hours."""

from mbs.foundation.errors import Conflict, InUse


class DateTaken(Conflict):
    sentence = "There is an exception for this date already; change that one."


class OverBookings(InUse):
    """`details` names up to 100 of the bookings and classes, `count` how many there are."""

    sentence = "There are bookings in this time; move or cancel them, or send `force: true`."
