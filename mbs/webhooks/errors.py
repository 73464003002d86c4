"""What can go wrong with webhooks."""

from mbs.foundation.errors import Conflict


class TooManyEndpoints(Conflict):
    sentence = "This business has as many webhook endpoints as it may; remove one that is not needed."
