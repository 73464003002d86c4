"""What the database keeps of secrets: sealed where only the service may read them again, else a digest."""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

__all__ = ["InvalidToken", "Sealer", "digest"]


class Sealer:
    """Encrypts and authenticates (Fernet).

    Seals with the first secret; opens with any of them, so that a secret can be replaced.
    """

    def __init__(self, secrets: Iterable[str | None]) -> None:
        distinct = dict.fromkeys(secret for secret in secrets if secret)
        self._box = MultiFernet([Fernet(_key(secret)) for secret in distinct])

    def seal(self, values: Mapping[str, Any]) -> str:
        """Return values (texts, numbers, ids, instants) as one text that says nothing."""
        return self._box.encrypt(orjson.dumps(values)).decode()

    def open(self, sealed: str) -> dict[str, Any]:
        """Return what was sealed; ids and instants come back as texts.

        :raises InvalidToken: if none of the secrets sealed it, or it was tampered with.
        """
        values: dict[str, Any] = orjson.loads(self._box.decrypt(sealed))
        return values


def digest(secret: str) -> str:
    """Return what is kept of a secret that was given out; it is random, so it needs no salt or stretching."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(secret: str) -> bytes:
    return base64.urlsafe_b64encode(hmac.digest(secret.encode(), b"mbs.seal.v1", "sha256"))
