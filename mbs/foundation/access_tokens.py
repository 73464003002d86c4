"""Access tokens, issued and verified (RFC 8725); refresh tokens are the auth room's."""

import hashlib
import logging
import time
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import flask_jwt_extended
import jwt
import uuid_utils
from flask import Flask, current_app

from mbs.foundation.caller import Identity
from mbs.foundation.errors import Unauthenticated
from mbs.foundation.scope import TenantId

log = logging.getLogger("mbs.security")

AUDIENCE = "mbs-api"
LEEWAY_SECONDS = 30
TEXT_CLAIMS = ("iss", "aud", "sub", "jti", "type", "tenant", "sid")
CLAIMS = [*TEXT_CLAIMS, "iat", "exp"]
REMEMBERED_TOKENS = 4096
"""Tokens whose signature a worker need not compute again: a caller sends one for all of its lifetime."""

SIGNING_KID = "mbs.signing_kid"
PREVIOUS_SECRET = "mbs.previous_secret"  # noqa: S105 - the name under which the application keeps it


def key_id(secret: str) -> str:
    return hashlib.sha256(b"mbs.kid\0" + secret.encode()).hexdigest()[:8]


def install(
    app: Flask,
    *,
    secret: str,
    previous: str | None,
    lifetime: timedelta,
    environment: str = "production",
) -> None:
    """Set flask-jwt-extended up for access tokens only.

    :param previous: a secret that is being retired: still verified, never used to sign.
    :param environment: part of the issuer, so that staging's tokens open nothing in production.
    """
    issuer = f"urn:mbs:{environment}"
    app.config.update(
        JWT_ALGORITHM="HS256",
        JWT_DECODE_ALGORITHMS=["HS256"],
        JWT_SECRET_KEY=secret,
        JWT_ENCODE_ISSUER=issuer,
        JWT_DECODE_ISSUER=issuer,
        JWT_ENCODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_AUDIENCE=AUDIENCE,
        JWT_DECODE_LEEWAY=LEEWAY_SECONDS,
        JWT_ENCODE_NBF=False,
        JWT_TOKEN_LOCATION=["headers"],
        JWT_COOKIE_CSRF_PROTECT=False,
        JWT_ACCESS_TOKEN_EXPIRES=lifetime,
    )
    flask_jwt_extended.JWTManager(app)
    app.extensions[SIGNING_KID] = key_id(secret)
    app.extensions[PREVIOUS_SECRET] = previous


def issue(identity: Identity) -> tuple[str, int]:
    """Return a new access token and its lifetime in seconds. Claims are built from the identity alone."""
    lifetime: timedelta = current_app.config["JWT_ACCESS_TOKEN_EXPIRES"]
    token = flask_jwt_extended.create_access_token(
        str(identity.user_id),
        additional_claims={
            "tenant": str(identity.tenant_id),
            "sid": str(identity.session_id),
            "jti": str(uuid_utils.uuid7()),
        },
        additional_headers={"kid": current_app.extensions[SIGNING_KID]},
    )
    return token, int(lifetime.total_seconds())


def verify(token: str) -> Identity:
    """Return the identity of an access token; no database is asked.

    :raises Unauthenticated: if anything about it is wrong. One text for all, so that a forger learns nothing.
    """
    config = current_app.config
    lifetime = config["JWT_ACCESS_TOKEN_EXPIRES"].total_seconds()
    previous = current_app.extensions[PREVIOUS_SECRET]
    try:
        signed = _signed(token, config["JWT_SECRET_KEY"], previous, config["JWT_DECODE_ISSUER"])
        # Here and not only by PyJWT, because a token that is remembered gets older.
        if not signed.issued - LEEWAY_SECONDS <= time.time() < signed.expires + LEEWAY_SECONDS:
            raise ValueError("time")
        if not 0 < signed.expires - signed.issued <= lifetime:
            raise ValueError("exp")
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError) as error:
        # For operators alone: clocks apart, a secret changed and a forger look alike to the caller.
        log.info(
            "access token refused", extra={"event": "security.token_refused", "reason": type(error).__name__}
        )
        raise Unauthenticated from None
    return signed.identity


class _Signed(NamedTuple):
    identity: Identity
    issued: int
    expires: int


@lru_cache(maxsize=REMEMBERED_TOKENS)
def _signed(token: str, secret: str, previous: str | None, issuer: str) -> _Signed:
    """Return what a token says, whose signature is good. What is refused is not remembered."""
    # By PyJWT itself, once: flask-jwt-extended decodes three times, and fills in claims that are missing.
    try:
        decoded = _decode(token, secret, issuer)
    except jwt.InvalidSignatureError:
        if previous is None:
            raise
        decoded = _decode(token, previous, issuer)
        if decoded["header"].get("kid") != key_id(previous):
            raise
    if "crit" in decoded["header"]:
        raise ValueError("crit")
    claims = decoded["payload"]
    for name in TEXT_CLAIMS:
        if not isinstance(claims[name], str) or not claims[name]:
            raise ValueError(name)
    if claims["type"] != "access":
        raise ValueError("type")
    if type(claims["iat"]) is not int or type(claims["exp"]) is not int:
        raise ValueError("exp")
    identity = Identity(UUID(claims["sub"]), TenantId(UUID(claims["tenant"])), UUID(claims["sid"]))
    return _Signed(identity, claims["iat"], claims["exp"])


def _decode(token: str, secret: str, issuer: str) -> dict[str, Any]:
    return jwt.decode_complete(
        token,
        secret,
        algorithms=["HS256"],
        audience=AUDIENCE,
        issuer=issuer,
        leeway=LEEWAY_SECONDS,
        options={"require": CLAIMS},
    )
