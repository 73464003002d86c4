"""Refresh tokens: a session's id and its turn, signed. None is stored; a successor can be recomputed."""

import struct
from dataclasses import dataclass
from uuid import UUID

from mbs.foundation.signing import Signer

VERSION = 1
_SIGNED = struct.Struct(">B16sQ")


@dataclass(frozen=True, slots=True)
class RefreshToken:
    session_id: UUID
    seq: int


class RefreshTokenCodec:
    """Signs with JWT_REFRESH_SECRET; verifies with it and with the one being retired."""

    def __init__(self, secret: str, previous: str | None) -> None:
        self._signer = Signer(secret, previous, "mbs.refresh.v1")

    def encode(self, token: RefreshToken) -> str:
        return self._signer.sign(_SIGNED.pack(VERSION, token.session_id.bytes, token.seq))

    def first(self, session_id: UUID, *, kind: str) -> str | None:
        """Return the first token of a new session; None for a browser's, whose cookie is all it needs."""
        return self.encode(RefreshToken(session_id, 0)) if kind == "token" else None

    def decode(self, text: str) -> RefreshToken | None:
        """Return what a token says, or None when this service did not sign it."""
        value = self._signer.verify(text)
        if value is None or len(value) != _SIGNED.size:
            return None
        version, session, seq = _SIGNED.unpack(value)
        return RefreshToken(UUID(bytes=session), seq) if version == VERSION else None
