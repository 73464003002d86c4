"""/api/auth/logout, /api/auth/sessions, /api/auth/step-up and /api/members/{member_id}/sessions."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation import session_cookies
from mbs.foundation.api import Blueprint
from mbs.foundation.caller import Identity
from mbs.foundation.http import answer, answer_page, current_scope, no_content
from mbs.foundation.pages import Page
from mbs.foundation.scope import actor_of
from mbs.foundation.security import FRESH_SECONDS, SELF, current_identity, requires
from mbs.foundation.services import resolve
from mbs.sign_ins.models import MOST_SHOWN
from mbs.sign_ins.schemas import (
    STEP_UP_EXAMPLE,
    SignInPage,
    SteppedUpView,
    StepUp,
    present,
    present_stepped_up,
)
from mbs.sign_ins.service import SignInService

blueprint = Blueprint("sign_ins", __name__, url_prefix="/api", description="Where you are signed in.")


@blueprint.post("/auth/logout")
@requires(SELF)
@blueprint.response(204)
def logout() -> Response:
    """End this session."""
    resolve(SignInService).log_out(session_id=current_identity().session_id)
    return signed_out()


@blueprint.post("/auth/logout-all")
@requires(SELF)
@blueprint.response(204)
def logout_all() -> Response:
    """End all of your sessions, in all businesses."""
    resolve(SignInService).log_out_everywhere(
        actor_id=actor_of(current_scope()), session_id=current_identity().session_id
    )
    return signed_out()


@blueprint.get("/auth/sessions")
@requires(SELF)
@blueprint.response(200, SignInPage)
def index() -> Response:
    """List where you are signed in, in all businesses: the hundred sessions used last."""
    return answer_sessions(resolve(SignInService).sessions(actor_id=actor_of(current_scope())))


@blueprint.delete("/auth/sessions/<id:session_id>")
@requires(SELF)
@blueprint.response(204)
def end(session_id: UUID) -> Response:
    """End one of your sessions."""
    resolve(SignInService).end(actor_id=actor_of(current_scope()), session_id=session_id)
    return signed_out() if session_id == current_identity().session_id else no_content()


@blueprint.post("/auth/sessions/revoke-others")
@requires(SELF)
@blueprint.response(204)
def end_others() -> Response:
    """End all of your sessions but this one, in all businesses."""
    resolve(SignInService).end_others(
        actor_id=actor_of(current_scope()), session_id=current_identity().session_id
    )
    return no_content()


@blueprint.post("/auth/step-up")
@requires(SELF)
@blueprint.arguments(StepUp, example=STEP_UP_EXAMPLE)
@blueprint.response(200, SteppedUpView)
def step_up(body: dict[str, Any]) -> Response:
    """Prove again who you are, which sensitive requests want to have happened within ten minutes.

    Whoever has a second factor sends a `code`, everybody else the `password`. A browser's session gets a
    new cookie and a new `csrfToken` with it; the old ones are worth nothing.
    """
    identity = current_identity()
    in_browser = identity.kind == session_cookies.KIND
    session_id, at = resolve(SignInService).step_up(
        actor_id=identity.user_id, session_id=identity.session_id, new_id=in_browser, **body
    )
    view = present_stepped_up(at, at + timedelta(seconds=FRESH_SECONDS))
    if not in_browser:
        return answer(view)
    response = answer({**view, "csrfToken": session_cookies.session_cookies().csrf_token(session_id)})
    renewed = Identity(identity.user_id, identity.tenant_id, session_id, identity.kind)
    session_cookies.set_cookie(response, renewed)
    return response


@blueprint.get("/members/<id:member_id>/sessions")
@requires("security:write", fresh=True)
@blueprint.response(200, SignInPage)
def index_of_member(member_id: UUID) -> Response:
    """List where a member is signed in to this business: the hundred sessions used last."""
    return answer_sessions(resolve(SignInService).sessions_of(member_id=member_id, over_owners=over_owners()))


@blueprint.delete("/members/<id:member_id>/sessions")
@requires("security:write", fresh=True)
@blueprint.response(204)
def end_all_of_member(member_id: UUID) -> Response:
    """End all of a member's sessions in this business."""
    resolve(SignInService).end_of(member_id=member_id, session_id=None, over_owners=over_owners())
    return no_content()


@blueprint.delete("/members/<id:member_id>/sessions/<id:session_id>")
@requires("security:write", fresh=True)
@blueprint.response(204)
def end_of_member(member_id: UUID, session_id: UUID) -> Response:
    """End one of a member's sessions in this business."""
    resolve(SignInService).end_of(member_id=member_id, session_id=session_id, over_owners=over_owners())
    return no_content()


def over_owners() -> bool:
    return current_scope().may("team:owners")


def answer_sessions(rows: Sequence[Any]) -> Response:
    current = current_identity().session_id
    return answer_page(Page(rows, MOST_SHOWN, None, None), lambda row: present(row, current), order="")


def signed_out() -> Response:
    """Return an empty answer; a browser forgets its cookie with it."""
    response = no_content()
    if current_identity().kind == session_cookies.KIND:
        session_cookies.clear_cookie(response)
    return response
