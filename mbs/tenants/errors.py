"""What can go wrong with tenants."""

from mbs.foundation.errors import Forbidden


class TooManyBusinesses(Forbidden):
    code = "PLAN_LIMIT_REACHED"
    sentence = "You belong to as many businesses as one person may; leave one, or use another account."


class NoMembership(Forbidden):
    sentence = "You do not belong to any business that is open."
