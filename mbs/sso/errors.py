"""What can go wrong when people sign in at a provider."""

from mbs.foundation.errors import Conflict, Invalid, NotFound, Unauthenticated, Unavailable


class SsoNotConfigured(NotFound):
    code = "SSO_NOT_CONFIGURED"
    sentence = "Single sign-on is not set up here; sign in with your password."


class SsoUnavailable(Unavailable):
    code = "SSO_UNAVAILABLE"
    sentence = "The sign-in provider does not answer; sign in with your password, or try again."

    def __init__(self, detail: str | None = None, *, retry_after: int = 10) -> None:
        super().__init__(detail, retry_after=retry_after)


class SsoFlowRefused(Invalid):
    """One text for all: forged, used before, too old, or another browser's."""

    code = "SSO_FLOW_INVALID"
    sentence = "This sign-in was not begun in this browser in the last ten minutes, or is over; begin again."


class SsoRefused(Unauthenticated):
    """One text for all that may be wrong with what the provider says."""

    code = "SSO_REFUSED"
    sentence = "The sign-in provider did not confirm who you are; begin again."

    def __init__(self, reason: str = "") -> None:
        super().__init__(challenge=None)
        self.reason = reason
        """For operators alone."""


class TicketRefused(Unauthenticated):
    """One text for all: forged, too old, or given to another browser."""

    code = "SSO_TICKET_INVALID"
    sentence = "The ticket is not good in this browser, or no longer; begin again at /api/auth/sso/start."


class IdentityTaken(Conflict):
    code = "SSO_IDENTITY_TAKEN"
    sentence = "This identity at the provider is linked to an account already; sign in with it."


class OnlyWayIn(Conflict):
    code = "ONLY_SIGN_IN_METHOD"
    sentence = "You could not sign in without this identity; set a password or link another one first."
