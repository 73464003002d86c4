"""What can go wrong with tenants."""

from mbs.foundation.errors import Forbidden


class NoMembership(Forbidden):
    sentence = "You do not belong to any business that is open."
