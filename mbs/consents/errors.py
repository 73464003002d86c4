"""What can go wrong with whom messages may reach."""

from mbs.foundation.errors import Conflict


class AlreadySuppressed(Conflict):
    sentence = "This address is not written to already."
