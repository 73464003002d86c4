"""What can go wrong with second factors."""

from mbs.foundation.errors import Conflict, Forbidden, Unauthenticated


class SecondFactorEnabled(Conflict):
    code = "SECOND_FACTOR_ENABLED"
    sentence = "You have a second factor already; remove it before you set up another."


class SecondFactorNotEnabled(Conflict):
    code = "SECOND_FACTOR_NOT_ENABLED"
    sentence = "You have no second factor; set one up with `POST /api/auth/second-factor`."


class SecondFactorDemanded(Forbidden):
    code = "SECOND_FACTOR_DEMANDED"
    sentence = "This business demands a second factor of you, so you cannot be without one here."


class WrongCode(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    sentence = "The code is wrong, or was used before; wait for the next one of your authenticator app."
