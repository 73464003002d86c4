"""Access tokens as an attacker, or another service with our secret, would write them; by no JWT library."""

import base64
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any

from tests.factories.callers import Business

DIGESTS = {"HS256": "sha256", "HS384": "sha384", "HS512": "sha512"}


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def claims_of(token: str | None) -> dict[str, Any]:
    assert token is not None
    claims: dict[str, Any] = json.loads(decode(token.split(".")[1]))
    return claims


def header_of(token: str | None) -> dict[str, Any]:
    assert token is not None
    header: dict[str, Any] = json.loads(decode(token.split(".")[0]))
    return header


def sign(
    payload: Any, secret: str, *, algorithm: Any = "HS256", header: Mapping[str, Any] | None = None
) -> str:
    """Return a compact JWS; an algorithm without a digest of ours is signed with SHA-256, `none` not at all.

    :param payload: claims, or the payload's bytes as they are.
    """
    head = {"typ": "JWT", "alg": algorithm, **(header or {})}
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    signed = f"{encode(json.dumps(head).encode())}.{encode(body)}"
    if str(algorithm).lower() == "none":
        return f"{signed}."
    mac = hmac.digest(secret.encode(), signed.encode(), DIGESTS.get(str(algorithm), "sha256"))
    return f"{signed}.{encode(mac)}"


def access_secret(business: Business) -> str:
    secret: str = business.app.config["JWT_SECRET_KEY"]
    return secret


def forged(business: Business, *without: str, **changes: Any) -> str:
    """Return the business's own token with some claims changed or left out, signed with the real secret."""
    claims = {**claims_of(business.token), **changes}
    for name in without:
        del claims[name]
    return sign(claims, access_secret(business))


def now() -> int:
    return int(time.time())
