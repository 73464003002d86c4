"""What can go wrong with invitations."""

from mbs.foundation.errors import Forbidden, Gone


class InvitationSpent(Gone):
    code = "INVITATION_SPENT"
    sentence = "This invitation was used or revoked, or has expired; ask for a new one."


class BusinessSuspended(Forbidden):
    code = "TENANT_SUSPENDED"
    sentence = "This business is suspended; nobody can join it for now."


class TooManyInvitations(Forbidden):
    code = "PLAN_LIMIT_REACHED"
    sentence = "Too many invitations wait for an answer or were sent today; revoke some, or wait."
