"""What can go wrong when people sign in."""

from mbs.foundation.errors import Conflict, Unauthenticated


class EmailAlreadyExists(Conflict):
    code = "EMAIL_ALREADY_EXISTS"
    sentence = "There is already an account with this e-mail address; log in instead."


class InvalidCredentials(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    sentence = "E-mail address or password is wrong."


class RefreshRefused(Unauthenticated):
    code = "UNAUTHENTICATED"
    sentence = "The refresh token is not valid; log in again."


class TokenReused(Unauthenticated):
    code = "TOKEN_REUSED"
    sentence = "The refresh token was used before, so its session is ended; log in again."


class TenantSelectRequired(Conflict):
    code = "MULTI_TENANT_SELECT_REQUIRED"
    sentence = "You belong to several businesses; send the `tenantId` of one of `tenants`."


class SecondFactorRequired(Unauthenticated):
    """The password was right. `extra`: the `challenge` to send with a code, and `expiresIn` seconds."""

    code = "SECOND_FACTOR_REQUIRED"
    sentence = "Send a code of your authenticator app with this `challenge` to /api/auth/login/second-factor."


class CodeRefused(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    sentence = "The challenge is no longer good, or the code is wrong or was used before; sign in again."
