"""/api/auth/* and /api/context."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from mbs.auth.models import SignedIn
from mbs.auth.schemas import (
    LOGIN_EXAMPLE,
    REFRESH_EXAMPLE,
    REGISTER_EXAMPLE,
    SWITCH_EXAMPLE,
    ChangeMe,
    ContextView,
    LogIn,
    MeView,
    Refresh,
    Register,
    SignedInView,
    SwitchTenant,
    present_context,
    present_me,
    present_signed_in,
)
from mbs.auth.service import AuthService, Origin
from mbs.foundation import access_tokens
from mbs.foundation.addresses import household
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.caller import Identity
from mbs.foundation.http import answer, current_scope, expected_version, no_content, request_address
from mbs.foundation.json_input import UNSTORABLE
from mbs.foundation.limits import limited
from mbs.foundation.scope import TenantId, actor_of
from mbs.foundation.security import SELF, public, requires
from mbs.foundation.services import resolve

blueprint = Blueprint("auth", __name__, url_prefix="/api", description="Signing in and out.")


@blueprint.post("/auth/register")
@public
@limited("register")
@blueprint.arguments(Register, example=REGISTER_EXAMPLE)
@blueprint.response(201, SignedInView)
def register(body: dict[str, Any]) -> Response:
    """Create an account and its first business.

    An address that has an account already is a 409 `EMAIL_ALREADY_EXISTS`.
    """
    return _signed_in(resolve(AuthService).register(origin=_origin(), **body), 201)


@blueprint.post("/auth/login")
@public
@limited("login")
@blueprint.arguments(LogIn, example=LOGIN_EXAMPLE)
@blueprint.response(200, SignedInView)
def login(body: dict[str, Any]) -> Response:
    """Sign in with e-mail address and password.

    Whoever belongs to several businesses and names none gets a 409 `MULTI_TENANT_SELECT_REQUIRED` with
    the list, once the password was right.
    """
    return _signed_in(resolve(AuthService).log_in(origin=_origin(), **body))


@blueprint.post("/auth/refresh")
@public
@blueprint.arguments(Refresh, example=REFRESH_EXAMPLE)
@blueprint.response(200, SignedInView)
def refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair.

    Each refresh token works once. Using one again ends its session (401 `TOKEN_REUSED`), except that a
    lost response may be asked for again within ten seconds.
    """
    return _signed_in(resolve(AuthService).refresh(**body))


@blueprint.post("/auth/token/refresh")
@public
@blueprint.arguments(Refresh, example=REFRESH_EXAMPLE)
@blueprint.response(200, SignedInView)
def token_refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair; the same as `/api/auth/refresh`."""
    return _signed_in(resolve(AuthService).refresh(**body))


@blueprint.post("/auth/logout")
@requires(SELF)
@blueprint.response(204)
def logout() -> Response:
    """End this session."""
    resolve(AuthService).log_out(session_id=_session_id())
    return no_content()


@blueprint.post("/auth/logout-all")
@requires(SELF)
@blueprint.response(204)
def logout_all() -> Response:
    """End all of your sessions, in all businesses."""
    resolve(AuthService).log_out_everywhere(actor_id=actor_of(current_scope()), session_id=_session_id())
    return no_content()


@blueprint.get("/auth/me")
@requires(SELF)
@conditional
@blueprint.response(200, MeView)
def me() -> Response:
    """Read your own account and the businesses you belong to."""
    user, memberships = resolve(AuthService).me(actor_id=actor_of(current_scope()))
    return answer(present_me(user, memberships, current_scope().permissions), version=user.version)


@blueprint.patch("/auth/me")
@requires(SELF)
@conditional
@blueprint.arguments(ChangeMe, example={"firstName": "Asha"})
@blueprint.response(200, MeView)
def update_me(body: dict[str, Any]) -> Response:
    """Change your own name."""
    service = resolve(AuthService)
    user, memberships = service.change_me(
        actor_id=actor_of(current_scope()), version=expected_version(), **body
    )
    return answer(present_me(user, memberships, current_scope().permissions), version=user.version)


@blueprint.patch("/auth/tenants/switch")
@requires(SELF)
@blueprint.arguments(SwitchTenant, example=SWITCH_EXAMPLE)
@blueprint.response(200, SignedInView)
def switch_tenant(body: dict[str, Any]) -> Response:
    """Sign in to another of your businesses; this session ends."""
    service = resolve(AuthService)
    return _signed_in(
        service.switch(actor_id=actor_of(current_scope()), session_id=_session_id(), origin=_origin(), **body)
    )


@blueprint.get("/context")
@requires(SELF)
@blueprint.response(200, ContextView)
def context() -> Response:
    """Read everything a client needs to render: you, the business, what you may do."""
    scope = current_scope()
    user, tenant = resolve(AuthService).context(actor_id=actor_of(current_scope()))
    return answer(present_context(user, tenant, scope.role or "", scope.permissions, datetime.now(UTC)))


def _signed_in(signed_in: SignedIn, status: int = 200) -> Response:
    identity = Identity(signed_in.user.id, TenantId(signed_in.tenant.id), signed_in.session_id)
    access_token, expires_in = access_tokens.issue(identity)
    return answer(present_signed_in(signed_in, access_token, expires_in), status)


def _origin() -> Origin:
    user_agent = UNSTORABLE.sub("", request.headers.get("User-Agent", ""))[:255]
    return Origin(household(request_address()), user_agent or None)


def _session_id() -> UUID:
    session_id = current_scope().session_id
    assert session_id is not None
    return session_id
