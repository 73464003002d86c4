"""Refresh tokens: a session's id and its turn, signed. None is stored; a successor can be recomputed."""

import base64
import hmac
import struct
from dataclasses import dataclass
from uuid import UUID

VERSION = 1
_SIGNED = struct.Struct(">B16sQ")
MAC_BYTES = 32


@dataclass(frozen=True, slots=True)
class RefreshToken:
    session_id: UUID
    seq: int


class RefreshTokenCodec:
    """Signs with JWT_REFRESH_SECRET; verifies with it and with the one being retired."""

    def __init__(self, secret: str, previous: str | None) -> None:
        self._keys = [_key(secret)] + ([_key(previous)] if previous else [])

    def encode(self, token: RefreshToken) -> str:
        signed = _SIGNED.pack(VERSION, token.session_id.bytes, token.seq)
        return _base64(signed + _mac(self._keys[0], signed))

    def decode(self, text: str) -> RefreshToken | None:
        """Return what a token says, or None when this service did not sign it."""
        try:
            data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except ValueError:
            return None
        signed, mac = data[: _SIGNED.size], data[_SIGNED.size :]
        # Base64 has several spellings of one value; only ours is a token.
        if len(data) != _SIGNED.size + MAC_BYTES or _base64(data) != text:
            return None
        if not any([hmac.compare_digest(mac, _mac(key, signed)) for key in self._keys]):  # noqa: C419 constant time
            return None
        version, session, seq = _SIGNED.unpack(signed)
        return RefreshToken(UUID(bytes=session), seq) if version == VERSION else None


def _key(secret: str) -> bytes:
    return hmac.digest(secret.encode(), b"mbs.refresh.v1", "sha256")


def _mac(key: bytes, signed: bytes) -> bytes:
    return hmac.digest(key, signed, "sha256")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
