"""Access tokens that no service may accept.

With a real token at hand its claims are copied, so that only the forgery itself is wrong with them: a service
that does not look at the signature then finds a living session behind it.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
import time
import uuid
from typing import Any


def claims_of(token: str | None) -> dict[str, Any]:
    """Claims of a JWT, unverified; made-up ones of the same shape if there is none to read."""
    try:
        part = (token or "").split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        if isinstance(claims, dict):
            return claims
    except (IndexError, ValueError, binascii.Error):
        pass  # an opaque token, or none
    identity = {name: str(uuid.uuid4()) for name in ("sub", "jti", "tenant", "sid")}
    return {"iss": "mybizstream", "aud": "mybizstream", "type": "access", **identity}


def forged(kind: str, token: str | None) -> str:
    """Return a forged token: `none`, `wrong-key`, `expired`, `truncated` or `refresh`.

    The last three are signed by a key of this run, having no other: what they show beyond `wrong-key` is that
    no such token is answered with a 422 or a 500 on its way to being refused.
    """
    now = int(time.time())
    claims = {**claims_of(token), "iat": now, "nbf": now, "exp": now + 600}
    if kind == "none":
        return f"{_part({'alg': 'none', 'typ': 'JWT'})}.{_part(claims)}."
    if kind == "expired":
        claims.update(iat=now - 7200, nbf=now - 7200, exp=now - 3600)
    if kind == "refresh":
        claims.update(type="refresh")
    signed = f"{_part({'alg': 'HS256', 'typ': 'JWT'})}.{_part(claims)}"
    signature = hmac.new(secrets.token_bytes(48), signed.encode(), hashlib.sha256).digest()
    whole = f"{signed}.{_encoded(signature)}"
    if kind == "truncated":
        return (token or whole)[:-12]
    return whole


def _part(value: dict[str, Any]) -> str:
    return _encoded(json.dumps(value, separators=(",", ":")).encode())


def _encoded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
