"""What stands between a right password and a session where a second factor is asked for."""

import hashlib
import struct
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from mbs.foundation.signing import Signer

LIFETIME_SECONDS = 300
NO_TENANT = UUID(int=0)
_SIGNED = struct.Struct(">B16s16sQ8s8s")
VERSION = 1


@dataclass(frozen=True, slots=True)
class Challenge:
    """Who has shown a first factor, for which business, and how; `mark` changes with the password."""

    user_id: UUID
    tenant_id: UUID | None
    method: str
    mark: bytes


class ChallengeCodec:
    """Signs with SESSION_SECRET; a challenge opens nothing by itself and is good for five minutes."""

    def __init__(self, secret: str, previous: str | None) -> None:
        self._signer = Signer(secret, previous, "mbs.challenge.v1")

    def encode(self, challenge: Challenge, *, at: datetime) -> str:
        ids = (challenge.user_id.bytes, (challenge.tenant_id or NO_TENANT).bytes)
        until = int(at.timestamp()) + LIFETIME_SECONDS
        return self._signer.sign(
            _SIGNED.pack(VERSION, *ids, until, challenge.method.encode(), challenge.mark)
        )

    def decode(self, text: str, *, at: datetime) -> Challenge | None:
        """Return what a challenge says, or None when it was not given out here or its time is up."""
        value = self._signer.verify(text)
        if value is None or len(value) != _SIGNED.size:
            return None
        version, user, tenant, until, method, mark = _SIGNED.unpack(value)
        if version != VERSION or at.timestamp() > until:
            return None
        tenant_id = UUID(bytes=tenant)
        return Challenge(
            UUID(bytes=user),
            None if tenant_id == NO_TENANT else tenant_id,
            method.rstrip(b"\0").decode(),
            mark,
        )


def mark(password_hash: str | None) -> bytes:
    """Return a challenge's mark of a password: with another password the challenge is worth nothing."""
    return hashlib.sha256((password_hash or "").encode()).digest()[:8]
