"""Who is calling and whether they may: the caller look-up, `requires` and `public`.

Order of the hooks: blocked paths, then the credential's signature (no SQL), then the limiter, then the
caller (one statement, so logout, removal, suspension and role changes act on the next request).
"""

import logging
import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

from flask import Flask, Request, g

from mbs.foundation import access_tokens, api_key_format, session_cookies
from mbs.foundation.caller import Credential, FindCaller, Identity
from mbs.foundation.errors import Forbidden, Invalid, MbsError, Unauthenticated
from mbs.foundation.http import current_request, is_health, narrow_scope, request_address
from mbs.foundation.scope import Scope

log = logging.getLogger("mbs.security")
isolation_log = logging.getLogger("mbs.tenant-isolation")

F = TypeVar("F", bound=Callable[..., Any])

PUBLIC = "public"
SELF = "self"
"""A signed-in caller acting on their own account: no permission of a tenant is involved."""

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})

FRESH_SECONDS = 600
"""How long a proof of who somebody is stands for what is sensitive (OWASP ASVS 7.5)."""

Finders = Mapping[type, FindCaller]
"""Who looks the caller up, for each kind of credential."""

BLOCKED = re.compile(
    r"^/+api/+(seed|demo|test-data|mock|reset-demo|clear-data)(?=/|;|$)", re.IGNORECASE | re.ASCII
)


class TenantMismatch(Forbidden):
    code = "TENANT_MISMATCH"
    sentence = "X-Tenant-ID names another tenant than the credential."


class TenantSuspended(Forbidden):
    code = "TENANT_SUSPENDED"
    sentence = "This business is suspended; it can be read but not changed."


class StepUpRequired(Forbidden):
    code = "STEP_UP_REQUIRED"
    sentence = (
        "Prove again who you are with `POST /api/auth/step-up`; this needs a proof of the last 10 minutes."
    )


class SecondFactorSetupRequired(Forbidden):
    code = "SECOND_FACTOR_SETUP_REQUIRED"
    sentence = "This business demands a second factor of you; set one up with `POST /api/auth/second-factor`."


class AmbiguousCredentials(Invalid):
    code = "AMBIGUOUS_CREDENTIALS"
    sentence = "Send either an Authorization header or the session cookie, not both."


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


def requires(permission: str, *, own: bool = False, fresh: bool = False) -> Callable[[F], F]:
    """Guard a view with a permission. `own=True` also admits `<permission>:own`; the service then narrows.

    `requires(SELF)` asks for a signed-in person only. `fresh=True` is for what is sensitive: the person must
    have proved who they are within ten minutes, and no API key may call it.
    """

    def decorate(view: F) -> F:
        view.permission = permission  # type: ignore[attr-defined]
        view.fresh = fresh  # type: ignore[attr-defined]
        view.admits = (permission, f"{permission}:own") if own else (permission,)  # type: ignore[attr-defined]
        return view

    return decorate


def public(view: F) -> F:
    """State that a view needs no caller. Silence is not a policy: a test walks all routes."""
    view.permission = PUBLIC  # type: ignore[attr-defined]
    view.admits = ()  # type: ignore[attr-defined]
    return view


def signed_by(provider: str) -> Callable[[F], F]:
    """State that a provider calls a view; its signature, which the service checks, is the credential.

    Such a view is not counted: a provider's bursts are ours, and it repeats what it is refused.
    """

    def decorate(view: F) -> F:
        view.signed_by = provider  # type: ignore[attr-defined]
        return public(view)

    return decorate


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


def install_identify(app: Flask, finders: Finders) -> None:
    """Verify the credential's signature, if there is one. Its refusal waits until the limiter has counted.

    Where the view needs the caller, the limiter is given the question to ask along (`g.question`), and leaves
    its answer's row in `g.found`, and `g.count_stranger` where the credential may turn out to be made up.
    """
    views = app.view_functions

    @app.before_request
    def identify() -> None:
        asked, notes = current_request(), request_notes()
        notes.identity, notes.refusal, notes.question, notes.found = None, None, None, None
        if not asked.path.startswith("/api") or is_health(asked.path):
            return
        try:
            notes.identity = identity = credential(asked)
            permission = getattr(views.get(asked.endpoint or ""), "permission", None)
            if identity is not None and permission not in (None, PUBLIC) and asked.method != "OPTIONS":
                notes.question = finders[type(identity)].question(identity)
        except MbsError as refusal:
            notes.refusal = refusal


def credential(asked: Request) -> Credential | None:
    """Return what a request's one credential says of itself, None when it brings none; no database is asked.

    :raises AmbiguousCredentials: if it brings an Authorization header and a session cookie.
    :raises Unauthenticated: if it was not given out here, or has expired.
    """
    token = asked.headers.get("Authorization")
    cookie = asked.cookies.get(session_cookies.NAME) if "Cookie" in asked.headers else None
    if cookie is not None:
        if token is not None:
            raise AmbiguousCredentials
        identity = session_cookies.session_cookies().decode(cookie)
        if identity is None:
            raise Unauthenticated
        return identity
    token = bearer_token(token)
    if token is None:
        return None
    if token.startswith(api_key_format.MARK):
        return api_key_format.parse(token)
    return access_tokens.verify(token)


def install_authorize(app: Flask, finders: Finders) -> None:
    """Look the caller up and hold them against the view's permission."""
    views = app.view_functions

    @app.before_request
    def authorize() -> None:
        asked, notes = current_request(), request_notes()
        # A browser asks OPTIONS before it sends credentials; the answer names methods and nothing else.
        if asked.url_rule is None or asked.method == "OPTIONS":
            return
        view: Any = views[asked.endpoint or ""]
        permission = getattr(view, "permission", None)
        if permission == PUBLIC:
            return
        if permission is None:
            raise Forbidden("This address names no permission.")
        if notes.refusal is not None:
            raise notes.refusal
        if notes.identity is None:
            raise Unauthenticated(challenge=None)
        scope = _enter_caller(finders[type(notes.identity)], notes.identity, notes.found, asked)
        if permission == SELF:
            if scope.actor_type != "user":
                raise Forbidden("An API key has no account of its own; this needs a person's credential.")
        else:
            admits: tuple[str, ...] = view.admits
            if scope.permissions.isdisjoint(admits):
                raise Forbidden(f"Your role lacks the permission {permission}.")
            if scope.second_factor_demanded and not scope.second_factor:
                raise SecondFactorSetupRequired
            if asked.method in UNSAFE and scope.tenant_status != "active":
                raise TenantSuspended
        if view.fresh:
            refuse_stale_proof(scope)


def current_identity() -> Identity:
    """Return the session that the request's credential names.

    :raises RuntimeError: if it is not a session's, which is a programming error: `requires(SELF)` sees to it.
    """
    if not isinstance(g.identity, Identity):
        raise RuntimeError("this request has no session")
    return g.identity


def refuse_stale_proof(scope: Scope) -> None:
    """Refuse what is sensitive unless the person has proved lately who they are.

    :raises Forbidden: if no person is acting.
    :raises StepUpRequired: if the proof is older than ten minutes.
    """
    if scope.seconds_since_proof is None:
        raise Forbidden("An API key may not do this; it needs a person's credential.")
    if scope.seconds_since_proof > FRESH_SECONDS:
        raise StepUpRequired


def request_notes() -> Any:
    """Return what hooks leave for one another: `g` itself, which its proxy would look up each time."""
    return g._get_current_object()


def _enter_caller(
    find_caller: FindCaller, identity: Credential, found: Sequence[Any] | None, asked: Request
) -> Scope:
    person = identity if isinstance(identity, Identity) else None
    known = {"tenant_id": identity.tenant_id, "session_id": person.session_id if person else None}
    if found is not None:
        caller = find_caller.answer(identity, found)
    else:
        caller = find_caller(identity, narrow_scope(**known, actor_id=person.user_id if person else None))
    if caller is None:
        if "count_stranger" in g:
            g.count_stranger()
        raise Unauthenticated
    scope = narrow_scope(
        **known,
        actor_id=caller.actor_id,
        actor_type=caller.actor_type,
        role=caller.role,
        permissions=caller.permissions,
        tenant_status=caller.tenant_status,
        seconds_since_proof=caller.seconds_since_proof,
        second_factor=caller.second_factor,
        second_factor_demanded=caller.second_factor_demanded,
    )
    named = asked.headers.get("X-Tenant-ID")
    if named is not None and named.strip().lower() != str(identity.tenant_id):
        isolation_log.warning("foreign tenant named", extra={"event": "tenant-isolation.header_mismatch"})
        raise TenantMismatch
    if person is not None and person.kind == session_cookies.KIND and asked.method in UNSAFE:
        session_cookies.session_cookies().refuse_forged(asked, person.session_id)
    if caller.stale:
        find_caller.touch(identity, scope, request_address())
    return scope
