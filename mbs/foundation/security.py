"""Who is calling and whether they may: the caller look-up, `requires` and `public`.

Order of the hooks: blocked paths, then the token's signature (no SQL), then the limiter, then the
caller (one statement, so logout, removal, suspension and role changes act on the next request).
"""

import logging
import posixpath
import re
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import unquote

from flask import Flask, Request, current_app, g, request

from mbs.foundation.access_tokens import verify
from mbs.foundation.caller import FindCaller, Identity
from mbs.foundation.errors import Forbidden, MbsError, Unauthenticated
from mbs.foundation.http import current_request, narrow_scope
from mbs.foundation.scope import Scope

log = logging.getLogger("mbs.security")
isolation_log = logging.getLogger("mbs.tenant-isolation")

F = TypeVar("F", bound=Callable[..., Any])

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
        asked = current_request()
        environ = asked.environ
        raw = environ.get("RAW_URI") or environ.get("REQUEST_URI") or asked.path
        path = raw.partition("?")[0]
        for candidate in {asked.path, path, unquote(unquote(path))}:
            if BLOCKED.match(posixpath.normpath(candidate)):
                log.warning("blocked path", extra={"event": "security.blocked_endpoint"})
                raise ProductionBlocked


def install_identify(app: Flask, find_caller: FindCaller) -> None:
    """Verify the token's signature, if there is a token. Its refusal waits until the limiter has counted.

    Where the view needs the caller, the limiter is given the question to ask along (`g.question`), and leaves
    its answer's row in `g.found`.
    """

    @app.before_request
    def identify() -> None:
        asked = current_request()
        g.identity, g.refusal, g.question, g.found = None, None, None, None
        if not asked.path.startswith("/api"):
            return
        try:
            token = bearer_token(asked.headers.get("Authorization"))
            if token is not None:
                g.identity = verify(token)
                if _permission(asked) not in (None, PUBLIC) and asked.method != "OPTIONS":
                    g.question = find_caller.question(g.identity)
        except MbsError as refusal:
            g.refusal = refusal


def install_authorize(app: Flask, find_caller: FindCaller) -> None:
    """Look the caller up and hold them against the view's permission."""

    @app.before_request
    def authorize() -> None:
        asked = current_request()
        # A browser asks OPTIONS before it sends credentials; the answer names methods and nothing else.
        if asked.url_rule is None or asked.method == "OPTIONS":
            return
        view: Any = current_app.view_functions[asked.endpoint or ""]
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
            if asked.method in UNSAFE and scope.tenant_status != "active":
                raise TenantSuspended


def _permission(asked: Request) -> str | None:
    return getattr(current_app.view_functions.get(asked.endpoint or ""), "permission", None)


def _enter_caller(find_caller: FindCaller, identity: Identity) -> Scope:
    scope = narrow_scope(
        tenant_id=identity.tenant_id, actor_id=identity.user_id, session_id=identity.session_id
    )
    caller = find_caller(identity, scope) if g.found is None else find_caller.answer(g.found)
    if caller is None:
        raise Unauthenticated
    named = request.headers.get("X-Tenant-ID")
    if named is not None and named.strip().lower() != str(identity.tenant_id):
        isolation_log.warning("foreign tenant named", extra={"event": "tenant-isolation.header_mismatch"})
        raise TenantMismatch
    return narrow_scope(role=caller.role, permissions=caller.permissions, tenant_status=caller.tenant_status)
