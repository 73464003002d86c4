"""How each provider proves that a request is its own. All compare in constant time.

What is signed is never what the request says of its own address: behind a proxy, `Host` is anybody's word.
"""

import base64
import binascii
import hmac
from collections.abc import Iterator
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key
from twilio.request_validator import RequestValidator

from mbs.receipts.models.forms import Form

TOLERANCE_SECONDS = 300
"""How far a signed time may be from ours: what somebody has recorded is worth nothing afterwards."""

NOT_CONFIGURED = "not_configured"
MISSING = "missing"
OLD = "old"
WRONG = "wrong"
"""Why a signature is refused; for the log, and for nobody else."""


class TwilioSignature:
    """HMAC-SHA1 with the account's token over the address and the form.

    Source: https://www.twilio.com/docs/usage/webhooks/webhooks-security

    :param base_url: the address under which Twilio reaches the service, without a path.
    """

    def __init__(self, token: str | None, *, base_url: str) -> None:
        self._validator = RequestValidator(token) if token else None
        self._base_url = base_url

    def fault(self, target: str, form: Form, signature: str | None) -> str | None:
        """Return why a request is not Twilio's, None if it is.

        :param target: path and query, as they were asked for.
        """
        if self._validator is None:
            return NOT_CONFIGURED
        if not signature:
            return MISSING
        return None if self._validator.validate(self._base_url + target, form, signature) else WRONG


class SendGridSignature:
    """ECDSA on P-256 over time and body.

    Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/
    getting-started-event-webhook-security-features

    :param public_key: the key that SendGrid shows: base64 of its DER form.
    """

    def __init__(self, public_key: str | None) -> None:
        self._key = _elliptic(public_key) if public_key else None

    def fault(
        self, body: bytes, *, signature: str | None, timestamp: str | None, now: datetime
    ) -> str | None:
        """Return why a request is not SendGrid's, None if it is."""
        if self._key is None:
            return NOT_CONFIGURED
        if not signature or not timestamp:
            return MISSING
        try:
            signed = base64.b64decode(signature, validate=True)
            self._key.verify(signed, timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, binascii.Error, ValueError):
            return WRONG
        return None if _recent(timestamp, now) else OLD


class ResendSignature:
    """HMAC-SHA256 over id, time and body, as Svix does it.

    Source: https://docs.svix.com/receiving/verifying-payloads/how-manual

    :param secret: `whsec_` and base64.
    """

    def __init__(self, secret: str | None) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_")) if secret else None

    def fault(
        self, body: bytes, *, id_: str | None, signatures: str | None, timestamp: str | None, now: datetime
    ) -> str | None:
        """Return why a request is not Resend's, None if it is.

        :param signatures: each with its version, `v1,<base64>`, separated by blanks: of the old secret and of
            the new one while it is replaced.
        """
        if self._key is None:
            return NOT_CONFIGURED
        if not id_ or not signatures or not timestamp:
            return MISSING
        content = f"{id_}.{timestamp}.".encode() + body
        wanted = base64.b64encode(hmac.digest(self._key, content, "sha256"))
        if not any(hmac.compare_digest(one, wanted) for one in _versions(signatures)):
            return WRONG
        return None if _recent(timestamp, now) else OLD


def _elliptic(public_key: str) -> ec.EllipticCurvePublicKey:
    key = load_der_public_key(base64.b64decode(public_key))
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise TypeError("SENDGRID_WEBHOOK_PUBLIC_KEY is not a key on an elliptic curve")
    return key


def _versions(signatures: str) -> Iterator[bytes]:
    for one in signatures.split(" "):
        version, _, value = one.partition(",")
        if version == "v1":
            yield value.encode()


def _recent(timestamp: str, now: datetime) -> bool:
    # Signed by the provider, so it is as a provider writes it; anything else is as good as old.
    seconds = int(timestamp) if timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 13 else 0
    return abs(now.timestamp() - seconds) <= TOLERANCE_SECONDS
