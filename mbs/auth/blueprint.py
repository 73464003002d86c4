"""/api/auth/register, login, refresh and switching the business."""

from typing import Any

from flask import request
from werkzeug.wrappers import Response

from mbs.auth.models import Origin, SignedIn
from mbs.auth.schemas import (
    CHALLENGE_EXAMPLE,
    LOGIN_EXAMPLE,
    REFRESH_EXAMPLE,
    REGISTER_EXAMPLE,
    SWITCH_EXAMPLE,
    AnswerChallenge,
    LogIn,
    Refresh,
    Register,
    SignedInView,
    SwitchTenant,
    present_signed_in,
)
from mbs.auth.service import AuthService
from mbs.foundation import access_tokens, session_cookies
from mbs.foundation.addresses import household
from mbs.foundation.api import Blueprint
from mbs.foundation.caller import Identity
from mbs.foundation.http import answer, current_scope, request_address
from mbs.foundation.json_input import UNSTORABLE
from mbs.foundation.limits import limited
from mbs.foundation.scope import TenantId, actor_of
from mbs.foundation.security import SELF, current_identity, public, requires
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
    origin = requested_origin(body.pop("session"))
    return signed_in_response(resolve(AuthService).register(origin=origin, **body), 201)


@blueprint.post("/auth/login")
@public
@limited("login")
@blueprint.arguments(LogIn, example=LOGIN_EXAMPLE)
@blueprint.response(200, SignedInView)
def login(body: dict[str, Any]) -> Response:
    """Sign in with e-mail address and password.

    Whoever belongs to several businesses and names none gets a 409 `MULTI_TENANT_SELECT_REQUIRED` with
    the list, once the password was right. Whoever has a second factor gets a 401 `SECOND_FACTOR_REQUIRED`
    with a `challenge` then. `session: "browser"` gives a cookie and a `csrfToken` instead of tokens.
    """
    origin = requested_origin(body.pop("session"))
    return signed_in_response(resolve(AuthService).log_in(origin=origin, **body))


@blueprint.post("/auth/refresh")
@public
@blueprint.arguments(Refresh, example=REFRESH_EXAMPLE)
@blueprint.response(200, SignedInView)
def refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair.

    Each refresh token works once. Using one again ends its session (401 `TOKEN_REUSED`), except that a
    lost response may be asked for again within ten seconds.
    """
    return signed_in_response(resolve(AuthService).refresh(**body))


@blueprint.post("/auth/token/refresh")
@public
@blueprint.arguments(Refresh, example=REFRESH_EXAMPLE)
@blueprint.response(200, SignedInView)
def token_refresh(body: dict[str, Any]) -> Response:
    """Exchange a refresh token for a new pair; the same as `/api/auth/refresh`."""
    return signed_in_response(resolve(AuthService).refresh(**body))


@blueprint.post("/auth/login/second-factor")
@public
@limited("second_factor")
@blueprint.arguments(AnswerChallenge, example=CHALLENGE_EXAMPLE)
@blueprint.response(200, SignedInView)
def answer_challenge(body: dict[str, Any]) -> Response:
    """Finish signing in with a code of your authenticator app, or with a recovery code.

    `challenge` comes with the 401 `SECOND_FACTOR_REQUIRED` of the first step and is good for five minutes.
    """
    origin = requested_origin(body.pop("session"))
    return signed_in_response(resolve(AuthService).answer_challenge(origin=origin, **body))


@blueprint.patch("/auth/tenants/switch")
@requires(SELF)
@blueprint.arguments(SwitchTenant, example=SWITCH_EXAMPLE)
@blueprint.response(200, SignedInView)
def switch_tenant(body: dict[str, Any]) -> Response:
    """Sign in to another of your businesses; this session ends."""
    scope, identity = current_scope(), current_identity()
    signed_in = resolve(AuthService).switch(
        actor_id=actor_of(scope),
        session_id=identity.session_id,
        seconds_since_proof=scope.seconds_since_proof or 0,
        origin=requested_origin(identity.kind),
        **body,
    )
    return signed_in_response(signed_in)


def signed_in_response(signed_in: SignedIn, status: int = 200) -> Response:
    """Return tokens; or, for a browser's session, its cookie and what its pages must send along."""
    kind = "token" if signed_in.refresh_token else session_cookies.KIND
    identity = Identity(signed_in.user.id, TenantId(signed_in.tenant.id), signed_in.session_id, kind)
    if signed_in.refresh_token is None:
        csrf_token = session_cookies.session_cookies().csrf_token(signed_in.session_id)
        response = answer({**present_signed_in(signed_in), "csrfToken": csrf_token}, status)
        session_cookies.set_cookie(response, identity)
        return response
    access_token, expires_in = access_tokens.issue(identity)
    tokens = {
        "accessToken": access_token,
        "refreshToken": signed_in.refresh_token,
        "expiresIn": expires_in,
        "tokenType": "Bearer",
    }
    return answer({**tokens, **present_signed_in(signed_in)}, status)


def requested_origin(kind: str) -> Origin:
    """Return where the request comes from and what session it wants.

    :raises CsrfRefused: if a browser's session is wanted from a page that is not of this service.
    """
    user_agent = UNSTORABLE.sub("", request.headers.get("User-Agent", ""))[:255]
    replaces = None
    if kind == session_cookies.KIND:
        session_cookies.session_cookies().refuse_foreign_page(request)
        held = session_cookies.session_cookies().decode(request.cookies.get(session_cookies.NAME, ""))
        replaces = held.session_id if held is not None else None
    return Origin(household(request_address()), user_agent or None, kind, replaces)
