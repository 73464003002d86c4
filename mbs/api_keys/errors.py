"""What can go wrong with API keys."""

from mbs.foundation.errors import Conflict


class TooManyKeys(Conflict):
    sentence = "This business has as many keys in force as it may; revoke one that is not needed."
