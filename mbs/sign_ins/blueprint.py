"""/api/auth/logout and /api/auth/sessions."""

from werkzeug.wrappers import Response

from mbs.foundation import session_cookies
from mbs.foundation.api import Blueprint
from mbs.foundation.http import current_scope, no_content
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, current_identity, requires
from mbs.foundation.services import resolve
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


def signed_out() -> Response:
    """Return an empty answer; a browser forgets its cookie with it."""
    response = no_content()
    if current_identity().kind == session_cookies.KIND:
        session_cookies.clear_cookie(response)
    return response
