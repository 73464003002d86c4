"""/api/invites and /api/auth/invites."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.auth.blueprint import requested_origin, signed_in_response
from mbs.auth.schemas import SignedInView
from mbs.foundation.api import Blueprint
from mbs.foundation.http import answer, answer_page, current_scope, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.limits import limited
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, current_identity, public, requires
from mbs.foundation.services import resolve
from mbs.invitations.models import SORTS
from mbs.invitations.schemas import (
    ACCEPT_EXAMPLE,
    EXAMPLE,
    AcceptInvitation,
    InvitationPage,
    InvitationQuery,
    InvitationView,
    Invite,
    ShownInvitation,
    present,
    present_to_holder,
)
from mbs.invitations.service import InvitationService, JoinService

blueprint = Blueprint("invitations", __name__, url_prefix="/api", description="Inviting people, and joining.")


@blueprint.get("/invites")
@requires("team:read")
@blueprint.arguments(InvitationQuery, location="query")
@blueprint.response(200, InvitationPage)
def index(query: dict[str, Any]) -> Response:
    """List invitations, those that are over too, newest first."""
    request, order = page_request(query, "invitations", SORTS)
    page, now = resolve(InvitationService).search(request=request, **query), datetime.now(UTC)
    return answer_page(page, lambda row: present(row, now), order=order)


@blueprint.post("/invites")
@requires("team:invite", fresh=True)
@blueprint.arguments(Invite, example=EXAMPLE)
@blueprint.response(201, InvitationView)
@replayable
def invite(body: dict[str, Any]) -> Response:
    """Invite somebody by mail.

    The link in the mail is good for seven days and once. Inviting an address again replaces what it has not
    answered yet. The answer is the same whether or not the address has an account. Nobody gives a role that
    may do what they may not.
    """
    invitation = resolve(InvitationService).invite(**body)
    return answer(present(invitation, datetime.now(UTC)), 201, location=f"/api/invites/{invitation.id}")


@blueprint.get("/invites/<id:invitation_id>")
@requires("team:read")
@blueprint.response(200, InvitationView)
def read(invitation_id: UUID) -> Response:
    """Read an invitation."""
    invitation = resolve(InvitationService).read(id_=invitation_id)
    return answer(present(invitation, datetime.now(UTC)))


@blueprint.delete("/invites/<id:invitation_id>")
@requires("team:invite")
@blueprint.response(204)
def revoke(invitation_id: UUID) -> Response:
    """Revoke an invitation; its link is worthless from now on."""
    resolve(InvitationService).revoke(id_=invitation_id)
    return no_content()


@blueprint.get("/auth/invites/<token>")
@public
@blueprint.response(200, ShownInvitation)
def show(token: str) -> Response:
    """Read the invitation whose token you hold.

    One that was used or revoked, or has expired, is a 410 `INVITATION_SPENT`.
    """
    return answer(present_to_holder(*resolve(JoinService).show(token=token)))


@blueprint.post("/auth/invites/<token>/accept")
@public
@limited("login")
@blueprint.arguments(AcceptInvitation, example=ACCEPT_EXAMPLE)
@blueprint.response(200, SignedInView)
def accept(body: dict[str, Any], token: str) -> Response:
    """Join the business and sign in to it.

    Without an account: `firstName`, `lastName` and the password that you choose. With one: its password
    alone. Whoever has a second factor has joined then, and gets a 401 `SECOND_FACTOR_REQUIRED` with a
    `challenge` to finish signing in.
    """
    origin = requested_origin(body.pop("session"))
    return signed_in_response(resolve(JoinService).accept(token=token, origin=origin, **body))


@blueprint.post("/auth/invites/<token>/join")
@requires(SELF)
@blueprint.response(200, SignedInView)
def join(token: str) -> Response:
    """Join the business as the account that you are signed in to, and sign in to the business.

    An invitation to another address than the account's is a 404, as if there were none.
    """
    scope = current_scope()
    signed_in = resolve(JoinService).join(
        token=token,
        actor_id=actor_of(scope),
        seconds_since_proof=scope.seconds_since_proof or 0,
        origin=requested_origin(current_identity().kind),
    )
    return signed_in_response(signed_in)
