"""/api/auth/me and /api/context."""

from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from mbs.accounts.schemas import ChangeMe, ContextView, MeView, present_context, present_me
from mbs.accounts.service import AccountService
from mbs.foundation import session_cookies
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, current_scope, expected_version
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, current_identity, requires
from mbs.foundation.services import resolve

blueprint = Blueprint("accounts", __name__, url_prefix="/api", description="Your own account.")


@blueprint.get("/auth/me")
@requires(SELF)
@conditional
@blueprint.response(200, MeView)
def me() -> Response:
    """Read your own account and the businesses you belong to."""
    user, memberships = resolve(AccountService).me(actor_id=actor_of(current_scope()))
    return answer(present_me(user, memberships, current_scope().permissions), version=user.version)


@blueprint.patch("/auth/me")
@requires(SELF)
@conditional
@blueprint.arguments(ChangeMe, example={"firstName": "Asha"})
@blueprint.response(200, MeView)
def update_me(body: dict[str, Any]) -> Response:
    """Change your own name."""
    service = resolve(AccountService)
    user, memberships = service.change_me(
        actor_id=actor_of(current_scope()), version=expected_version(), **body
    )
    return answer(present_me(user, memberships, current_scope().permissions), version=user.version)


@blueprint.get("/context")
@requires(SELF)
@blueprint.response(200, ContextView)
def context() -> Response:
    """Read everything a client needs to render: you, the business, what you may do."""
    scope = current_scope()
    user, tenant = resolve(AccountService).context(actor_id=actor_of(scope))
    view = present_context(user, tenant, scope, datetime.now(UTC))
    identity = current_identity()
    if identity.kind == session_cookies.KIND:
        view["csrfToken"] = session_cookies.session_cookies().csrf_token(identity.session_id)
    return answer(view)
