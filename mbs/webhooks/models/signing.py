"""Signatures of deliveries, by the rules of Standard Webhooks 1.0.0 (standardwebhooks.com)."""

import base64
import hmac
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

MARK = "whsec_"
SECRET_BYTES = 24

BOTH_SIGN = timedelta(hours=24)
"""How long the secret before the last rotation signs too, so that a receiver can change over."""


def new_secret() -> str:
    """Return a secret as a receiver keeps it: `whsec_` and 24 random bytes in base64."""
    return MARK + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signed_headers(body: bytes, *, id_: str, at: datetime, secrets_: Iterable[str]) -> Mapping[str, str]:
    """Return the headers that prove whose a delivery is.

    :param id_: the same at each attempt, so that the receiver can tell a repetition.
    :param secrets_: each makes a signature; one that fits is enough.
    """
    moment = str(int(at.timestamp()))
    signed = f"{id_}.{moment}.".encode() + body
    return {
        "webhook-id": id_,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(_signature(secret, signed) for secret in secrets_),
    }


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(MARK))
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
