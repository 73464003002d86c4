"""What can go wrong with tenants."""

from mbs.foundation.errors import Conflict, Forbidden


class TooManyBusinesses(Forbidden):
    code = "PLAN_LIMIT_REACHED"
    sentence = "You belong to as many businesses as one person may; leave one, or use another account."


class NoMembership(Forbidden):
    sentence = "You do not belong to any business that is open."


class AlreadyMember(Conflict):
    code = "ALREADY_MEMBER"
    sentence = "This person belongs to the business already."


class BeyondOwnRole(Forbidden):
    sentence = "This needs permissions that you do not hold: nobody gives, changes or takes what they lack."


class RoleNameTaken(Conflict):
    sentence = "Another role has this name."


class SecondFactorFirst(Conflict):
    code = "SECOND_FACTOR_NOT_ENABLED"
    sentence = "Set up a second factor of your own first; this would shut you out until you have one."
