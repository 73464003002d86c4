"""/api/auth/me, /api/context, and what becomes of passwords and addresses."""

from datetime import UTC, datetime
from typing import Any

from werkzeug.wrappers import Response

from mbs.accounts.schemas import (
    ACCEPTED,
    CHANGE_EXAMPLE,
    EMAIL_EXAMPLE,
    RESET_EXAMPLE,
    TOKEN_EXAMPLE,
    AcceptedView,
    ChangeEmail,
    ChangeMe,
    ChangePassword,
    ContextView,
    ForgotPassword,
    MailedToken,
    MeView,
    ResetPassword,
    present_context,
    present_me,
)
from mbs.accounts.service import AccountService
from mbs.foundation import session_cookies
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, current_scope, expected_version, no_content
from mbs.foundation.limits import limited
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, current_identity, public, requires
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


@blueprint.post("/auth/forgot-password")
@public
@limited("account_mail")
@blueprint.arguments(ForgotPassword, example=EMAIL_EXAMPLE)
@blueprint.response(202, AcceptedView)
def forgot_password(body: dict[str, Any]) -> Response:
    """Ask for a link to choose a new password by.

    The answer is the same whether there is such an account or not. The link is good for 30 minutes, once;
    a mailbox gets at most three in an hour.
    """
    resolve(AccountService).forget_password(**body)
    return answer(ACCEPTED, 202)


@blueprint.post("/auth/reset-password")
@public
@blueprint.arguments(ResetPassword, example=RESET_EXAMPLE)
@blueprint.response(204)
def reset_password(body: dict[str, Any]) -> Response:
    """Choose a new password by the link of a mail. All of your sessions end.

    A token that is wrong, spent, replaced or too old is a 400 `ONE_TIME_TOKEN_REFUSED`.
    """
    resolve(AccountService).reset_password(**body)
    return no_content()


@blueprint.post("/auth/change-password")
@requires(SELF)
@blueprint.arguments(ChangePassword, example=CHANGE_EXAMPLE)
@blueprint.response(204)
def change_password(body: dict[str, Any]) -> Response:
    """Change your password. Your other sessions end, and this one stays.

    A wrong present password is a 401 `INVALID_CREDENTIALS`.
    """
    session_id = current_identity().session_id
    resolve(AccountService).change_password(actor_id=actor_of(current_scope()), session_id=session_id, **body)
    return no_content()


@blueprint.post("/auth/verify-email/send")
@requires(SELF)
@limited("account_mail")
@blueprint.response(202, AcceptedView)
def send_verification() -> Response:
    """Ask for a link that shows that the mailbox is yours; if that is known already, none is sent."""
    resolve(AccountService).send_verification(actor_id=actor_of(current_scope()))
    return answer(ACCEPTED, 202)


@blueprint.post("/auth/verify-email")
@public
@blueprint.arguments(MailedToken, example=TOKEN_EXAMPLE)
@blueprint.response(204)
def verify_email(body: dict[str, Any]) -> Response:
    """Show by the link of a mail that the mailbox is yours.

    A token that is wrong, spent, replaced or too old is a 400 `ONE_TIME_TOKEN_REFUSED`.
    """
    resolve(AccountService).verify_email(**body)
    return no_content()


@blueprint.post("/auth/change-email")
@requires(SELF, fresh=True)
@limited("account_mail")
@blueprint.arguments(ChangeEmail, example=EMAIL_EXAMPLE)
@blueprint.response(202, AcceptedView)
def change_email(body: dict[str, Any]) -> Response:
    """Ask to move your account to another e-mail address.

    The new address gets a link, good for an hour; the old one is told. Needs a proof of the last ten minutes
    (403 `STEP_UP_REQUIRED`). Whether the address is taken is not said here.
    """
    resolve(AccountService).ask_to_change_email(actor_id=actor_of(current_scope()), **body)
    return answer(ACCEPTED, 202)


@blueprint.post("/auth/change-email/confirm")
@public
@blueprint.arguments(MailedToken, example=TOKEN_EXAMPLE)
@blueprint.response(204)
def confirm_email(body: dict[str, Any]) -> Response:
    """Move your account to the address that the link was sent to.

    A token that is wrong, spent, replaced or too old is a 400 `ONE_TIME_TOKEN_REFUSED`; an address that
    belongs to another account by now is a 409 `EMAIL_ALREADY_EXISTS`.
    """
    resolve(AccountService).change_email(**body)
    return no_content()
