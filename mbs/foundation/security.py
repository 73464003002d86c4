"""Who is calling and whether they may: access tokens, the caller look-up, `requires` and `public`.

Order of the hooks: blocked paths, then the token's signature (no SQL), then the limiter, then the
caller (one statement, so logout, removal, suspension and role changes act on the next request).
"""

import hashlib
import logging
import posixpath
import re
import time
from collections.abc import Callable
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar
from urllib.parse import unquote
from uuid import UUID

import flask_jwt_extended
import jwt
import uuid_utils
from flask import Flask, current_app, g, request

from mbs.foundation.caller import FindCaller, Identity
from mbs.foundation.errors import Forbidden, MbsError, Unauthenticated
from mbs.foundation.http import narrow_scope
from mbs.foundation.scope import Scope, TenantId

log = logging.getLogger("mbs.security")
isolation_log = logging.getLogger("mbs.tenant-isolation")

F = TypeVar("F", bound=Callable[..., Any])

AUDIENCE = "mbs-api"
LEEWAY_SECONDS = 30
TEXT_CLAIMS = ("iss", "aud", "sub", "jti", "type", "tenant", "sid")
CLAIMS = [*TEXT_CLAIMS, "iat", "exp"]
MAXIMUM_TOKEN = 4096
REMEMBERED_TOKENS = 4096
"""Tokens whose signature a worker need not compute again: a caller sends one for all of its lifetime."""

SIGNING_KID = "mbs.signing_kid"
PREVIOUS_SECRET = "mbs.previous_secret"  # noqa: S105 - the name under which the application keeps it

PUBLIC = "public"
SELF = "self"
"""A signed-in caller acting on their own account: no permission of a tenant is involved."""

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

BLOCKED = re.compile(
    r"^/+api/+(seed|demo|test-data|mock|reset-demo|clear-data)(?=/|;|$)", re.IGNORECASE | re.ASCII
)


class TenantMismatch(Forbidden):
    code = "TENANT_MISMATCH"
    sentence = "X-Tenant-ID names another tenant than the credential."


class TenantSuspended(Forbidden):
    code = "TENANT_SUSPENDED"
    sentence = "This business is suspended; it can be read but not changed."


class ProductionBlocked(Forbidden):
    code = "PRODUCTION_BLOCKED"
    sentence = "This path does not exist outside development."


def key_id(secret: str) -> str:
    return hashlib.sha256(b"mbs.kid\0" + secret.encode()).hexdigest()[:8]


def install_tokens(
    app: Flask,
    *,
    secret: str,
    previous: str | None,
    lifetime: timedelta,
    environment: str = "production",
) -> None:
    """Set flask-jwt-extended up for access tokens only (RFC 8725); refresh tokens are the auth room's.

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


def issue_access_token(identity: Identity) -> tuple[str, int]:
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


def bearer_token(authorization: str | None) -> str | None:
    """Return the token of an Authorization header, None when there is no such header (RFC 6750 section 2.1).

    :raises Unauthenticated: if the header holds anything but one bearer token.
    """
    if authorization is None:
        return None
    scheme, _, token = authorization.strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not re.fullmatch(r"[A-Za-z0-9_.=-]{1,4096}", token, re.ASCII):
        raise Unauthenticated
    return token


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
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError):
        log.info("access token refused", extra={"event": "security.token_refused"})
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


def requires(permission: str, *, own: bool = False) -> Callable[[F], F]:
    """Guard a view with a permission. `own=True` also admits `<permission>:own`; the service then narrows.

    `requires(SELF)` asks for a signed-in caller only.
    """

    def decorate(view: F) -> F:
        view.permission = permission  # type: ignore[attr-defined]
        view.admits = (permission, f"{permission}:own") if own else (permission,)  # type: ignore[attr-defined]
        return view

    return decorate


def public(view: F) -> F:
    """State that a view needs no caller. Silence is not a policy: a test walks all routes."""
    view.permission = PUBLIC  # type: ignore[attr-defined]
    view.admits = ()  # type: ignore[attr-defined]
    return view


def require(scope: Scope, permission: str) -> None:
    """Refuse a caller who lacks a permission that only part of a view needs.

    :raises Forbidden: if the caller lacks it.
    """
    if not scope.may(permission):
        raise Forbidden(f"Your role lacks the permission {permission}.")


def install_blocked_paths(app: Flask) -> None:
    """Answer 403 PRODUCTION_BLOCKED under the seed paths, before authentication (runbook section 11)."""

    @app.before_request
    def block() -> None:
        environ = request.environ
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or request.path
        path = raw.partition("?")[0]
        for candidate in {request.path, path, unquote(unquote(path))}:
            if BLOCKED.match(posixpath.normpath(candidate)):
                log.warning("blocked path", extra={"event": "security.blocked_endpoint"})
                raise ProductionBlocked


def install_identify(app: Flask) -> None:
    """Verify the token's signature, if there is a token. Its refusal waits until the limiter has counted."""

    @app.before_request
    def identify() -> None:
        g.identity, g.refusal = None, None
        if not request.path.startswith("/api"):
            return
        try:
            token = bearer_token(request.headers.get("Authorization"))
            if token is not None:
                g.identity = verify(token)
        except MbsError as refusal:
            g.refusal = refusal


def install_authorize(app: Flask, find_caller: FindCaller) -> None:
    """Look the caller up and hold them against the view's permission."""

    @app.before_request
    def authorize() -> None:
        # A browser asks OPTIONS before it sends credentials; the answer names methods and nothing else.
        if request.url_rule is None or request.method == "OPTIONS":
            return
        view: Any = current_app.view_functions[request.endpoint or ""]
        permission = getattr(view, "permission", None)
        if permission == PUBLIC:
            return
        if permission is None:
            raise Forbidden("This address names no permission.")
        if g.refusal is not None:
            raise g.refusal
        if g.identity is None:
            raise Unauthenticated(challenge=None)
        scope = _enter_caller(find_caller, g.identity)
        if permission != SELF:
            admits: tuple[str, ...] = view.admits
            if not any(scope.may(name) for name in admits):
                raise Forbidden(f"Your role lacks the permission {permission}.")
            if request.method in UNSAFE and scope.tenant_status != "active":
                raise TenantSuspended


def _enter_caller(find_caller: FindCaller, identity: Identity) -> Scope:
    scope = narrow_scope(
        tenant_id=identity.tenant_id, actor_id=identity.user_id, session_id=identity.session_id
    )
    caller = find_caller(identity, scope)
    if caller is None:
        raise Unauthenticated
    named = request.headers.get("X-Tenant-ID")
    if named is not None and named.strip().lower() != str(identity.tenant_id):
        isolation_log.warning("foreign tenant named", extra={"event": "tenant-isolation.header_mismatch"})
        raise TenantMismatch
    return narrow_scope(role=caller.role, permissions=caller.permissions, tenant_status=caller.tenant_status)
