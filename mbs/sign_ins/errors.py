"""What can go wrong when somebody proves again who they are."""

from mbs.foundation.errors import Forbidden, Unauthenticated


class ProofRefused(Unauthenticated):
    code = "INVALID_CREDENTIALS"
    sentence = "The password or the code is wrong, or the code was used before."


class NothingToProveWith(Forbidden):
    sentence = "Your account has no password and no second factor; sign in again where you usually do."
