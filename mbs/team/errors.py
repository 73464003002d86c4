"""What can go wrong within a team."""

from mbs.foundation.errors import Conflict, Forbidden


class LastOwner(Conflict):
    code = "LAST_OWNER"
    sentence = "A business keeps at least one active owner; make somebody else an owner first."


class OwnMembership(Forbidden):
    sentence = "Nobody changes their own role or status; another member has to."


class TooManyRoles(Forbidden):
    code = "PLAN_LIMIT_REACHED"
    sentence = "The business has as many roles of its own as it may; remove or change one."
