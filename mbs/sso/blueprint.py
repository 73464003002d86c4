"""/api/auth/sso."""

import re
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from flask import request
from werkzeug.wrappers import Response

from mbs.auth.blueprint import requested_origin, signed_in_response
from mbs.auth.models import Origin
from mbs.auth.schemas import SignedInView
from mbs.foundation import session_cookies
from mbs.foundation.api import Blueprint, refuses
from mbs.foundation.caller import Identity
from mbs.foundation.errors import MbsError
from mbs.foundation.http import answer, current_scope, no_content
from mbs.foundation.limits import limited
from mbs.foundation.scope import TenantId, actor_of
from mbs.foundation.security import SELF, public, requires
from mbs.foundation.services import resolve
from mbs.sso.models import LIFETIME, Arrival
from mbs.sso.schemas import (
    JOIN_EXAMPLE,
    LINK_EXAMPLE,
    REGISTER_EXAMPLE,
    CallbackQuery,
    IdentitiesView,
    IdentityView,
    JoinWithTicket,
    LinkTicket,
    Names,
    Person,
    RegisterWithTicket,
    SsoView,
    StartQuery,
    present_identity,
    take_person,
)
from mbs.sso.service import SsoService

blueprint = Blueprint(
    "sso", __name__, url_prefix="/api/auth/sso", description="Signing in at an OpenID provider."
)

BROWSER_COOKIE = "__Host-mbs_sso"
BROWSER_VALUE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@blueprint.get("")
@public
@blueprint.response(200, SsoView)
def read() -> Response:
    """Tell whether one can sign in at a provider, and at which."""
    issuer = resolve(SsoService).issuer
    return answer({"enabled": False} if issuer is None else {"enabled": True, "issuer": issuer})


@blueprint.get("/start")
@public
@blueprint.arguments(StartQuery, location="query")
@blueprint.response(302, description="To the provider; follow it in the browser.")
@refuses(404)
def start(query: dict[str, Any]) -> Response:
    """Go to the provider to sign in.

    A page links here. The browser comes back to `/api/auth/sso/callback` and from there to `returnTo`. The
    cookie that it gets binds the sign-in, and a ticket that may come of it, to this browser.
    """
    browser = _browser()
    if not BROWSER_VALUE.fullmatch(browser):
        browser = secrets.token_urlsafe(32)
    response = _redirect(resolve(SsoService).start(host=request.host, browser=browser, **query), 302)
    response.set_cookie(
        BROWSER_COOKIE,
        browser,
        # The sign-in may take its time, and after it the ticket.
        max_age=2 * int(LIFETIME.total_seconds()),
        path="/",
        secure=True,
        httponly=True,
        samesite="Lax",
    )
    return response


@blueprint.get("/callback")
@public
@blueprint.arguments(CallbackQuery, location="query")
@blueprint.response(303, description="To `returnTo`, with the session cookie or with a fragment.")
@refuses(401, 403, 404, 409)
def callback(query: dict[str, Any]) -> Response:
    """Come back from the provider.

    Whoever is known here gets a session cookie. Whoever has a second factor gets
    `#challenge=...&expiresIn=300` for `POST /api/auth/login/second-factor` instead. Whoever is not known
    gets `#ticket=...`: with it one registers a business, joins one by its invitation, or links the identity
    to the account that one is signed in to; nobody joins anything by an e-mail address. What goes wrong is a
    problem document; for a browser, which asks for HTML, `#error=CODE` once it is known where it belongs.
    """
    service = resolve(SsoService)
    flow = service.take(state=query["state"], browser=_browser())
    try:
        arrival = service.arrive(
            flow, browser=_browser(), code=query["code"], issuer=query["iss"], origin=_browser_origin()
        )
    except MbsError as refusal:
        if request.accept_mimetypes.best_match(["application/json", "text/html"]) != "text/html":
            raise
        arrival = Arrival(carried={"error": refusal.code})
    fragment = f"#{urlencode(arrival.carried)}" if arrival.carried else ""
    response = _redirect(flow.return_to + fragment, 303)
    if arrival.signed_in is not None:
        user, tenant = arrival.signed_in.user, arrival.signed_in.tenant
        identity = Identity(user.id, TenantId(tenant.id), arrival.signed_in.session_id, session_cookies.KIND)
        session_cookies.set_cookie(response, identity)
    return response


@blueprint.post("/register")
@public
@limited("register")
@blueprint.arguments(RegisterWithTicket, example=REGISTER_EXAMPLE)
@blueprint.response(201, SignedInView)
@refuses(401, 403)
def register(body: dict[str, Any]) -> Response:
    """Create an account that signs in at the provider, and its first business.

    An address that has an account already is a 409 `EMAIL_ALREADY_EXISTS`: sign in to it and link the
    identity.
    """
    service, origin = resolve(SsoService), requested_origin(body.pop("session"))
    identity = service.holder(ticket=body.pop("ticket"), browser=_browser())
    person = take_person(body, identity, Person())
    signed_in = service.register(identity=identity, person=person, business=body, origin=origin)
    return signed_in_response(signed_in, 201)


@blueprint.post("/join")
@public
@limited("login")
@blueprint.arguments(JoinWithTicket, example=JOIN_EXAMPLE)
@blueprint.response(200, SignedInView)
@refuses(401, 403, 404, 410)
def join(body: dict[str, Any]) -> Response:
    """Create an account that signs in at the provider, as a member of the business that has invited you.

    Whoever has an account with the invitation's address signs in to it, and joins with
    `POST /api/auth/invites/{token}/join`; here that is a 409 `EMAIL_ALREADY_EXISTS`.
    """
    service, origin = resolve(SsoService), requested_origin(body.pop("session"))
    identity = service.holder(ticket=body.pop("ticket"), browser=_browser())
    person = take_person(body, identity, Names())
    signed_in = service.join(identity=identity, invitation=body["invitation"], person=person, origin=origin)
    return signed_in_response(signed_in)


@blueprint.post("/link")
@requires(SELF, fresh=True)
@blueprint.arguments(LinkTicket, example=LINK_EXAMPLE)
@blueprint.response(201, IdentityView)
def link(body: dict[str, Any]) -> Response:
    """Link an identity to your account, so that you can sign in with it."""
    service = resolve(SsoService)
    identity = service.holder(ticket=body["ticket"], browser=_browser())
    linked = service.link(actor_id=actor_of(current_scope()), identity=identity)
    return answer(present_identity(linked), 201)


@blueprint.get("/identities")
@requires(SELF)
@blueprint.response(200, IdentitiesView)
def identities() -> Response:
    """List the identities with which you can sign in."""
    rows = resolve(SsoService).identities(actor_id=actor_of(current_scope()))
    return answer({"data": [present_identity(row) for row in rows]})


@blueprint.delete("/identities/<id:identity_id>")
@requires(SELF, fresh=True)
@blueprint.response(204)
def unlink(identity_id: UUID) -> Response:
    """Unlink an identity; your only way to sign in stays (409 `ONLY_SIGN_IN_METHOD`)."""
    resolve(SsoService).unlink(actor_id=actor_of(current_scope()), id_=identity_id)
    return no_content()


def _browser() -> str:
    return request.cookies.get(BROWSER_COOKIE, "")


def _browser_origin() -> Origin:
    # The browser comes from the provider's pages, so `Origin` says nothing here; `state` and cookie do.
    held = session_cookies.session_cookies().decode(request.cookies.get(session_cookies.NAME, ""))
    replaces = held.session_id if held is not None else None
    return replace(requested_origin("token"), kind=session_cookies.KIND, replaces=replaces)


def _redirect(location: str, status: int) -> Response:
    return Response(status=status, headers={"Location": location})
