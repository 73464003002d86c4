"""What can go wrong with passwords and addresses."""

from mbs.foundation.errors import Invalid, Unauthenticated


class OneTimeTokenRefused(Invalid):
    code = "ONE_TIME_TOKEN_REFUSED"
    sentence = "This link is no longer good: it was used, is too old, or was replaced. Ask for another."


class WrongPassword(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    sentence = "The present password is wrong."
