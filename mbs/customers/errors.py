"""What can go wrong with customers."""

from mbs.foundation.errors import Conflict


class EmailTaken(Conflict):
    sentence = "Another customer has this e-mail address, and this business wants addresses to be unique."


class PhoneTaken(Conflict):
    sentence = "Another customer has this phone number, and this business wants numbers to be unique."
