"""/api/auth/second-factor."""

from typing import Any

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint
from mbs.foundation.http import answer, current_scope, no_content
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, requires
from mbs.foundation.services import resolve
from mbs.second_factor.schemas import (
    CODE_EXAMPLE,
    Code,
    FirstCode,
    ProposalView,
    RecoveryCodesView,
    SecondFactorView,
    present_proposal,
    present_recovery_codes,
    present_state,
)
from mbs.second_factor.service import SecondFactorService

blueprint = Blueprint(
    "second_factor",
    __name__,
    url_prefix="/api/auth/second-factor",
    description="Codes of an authenticator app, asked for after the password.",
)


@blueprint.get("")
@requires(SELF)
@blueprint.response(200, SecondFactorView)
def read() -> Response:
    """Read whether you have a second factor."""
    scope = current_scope()
    since, left = resolve(SecondFactorService).state(actor_id=actor_of(scope))
    return answer(present_state(since, left, demanded=scope.second_factor_demanded))


@blueprint.post("")
@requires(SELF, fresh=True)
@blueprint.response(201, ProposalView)
def propose() -> Response:
    """Get a secret for your authenticator app.

    It counts once `POST /api/auth/second-factor/confirm` has shown a first code of it.
    """
    proposal = resolve(SecondFactorService).propose(actor_id=actor_of(current_scope()))
    return answer(present_proposal(proposal.secret, proposal.uri), 201)


@blueprint.post("/confirm")
@requires(SELF, fresh=True)
@blueprint.arguments(FirstCode, example=CODE_EXAMPLE)
@blueprint.response(200, RecoveryCodesView)
def confirm(body: dict[str, Any]) -> Response:
    """Turn your second factor on; you get ten recovery codes, which are shown this once."""
    codes = resolve(SecondFactorService).confirm(actor_id=actor_of(current_scope()), **body)
    return answer(present_recovery_codes(codes))


@blueprint.post("/recovery-codes")
@requires(SELF, fresh=True)
@blueprint.response(200, RecoveryCodesView)
def renew_recovery_codes() -> Response:
    """Get ten new recovery codes; the former are worth nothing from then on."""
    codes = resolve(SecondFactorService).renew_recovery_codes(actor_id=actor_of(current_scope()))
    return answer(present_recovery_codes(codes))


@blueprint.post("/disable")
@requires(SELF, fresh=True)
@blueprint.arguments(Code, example=CODE_EXAMPLE)
@blueprint.response(204)
def disable(body: dict[str, Any]) -> Response:
    """Turn your second factor off; not where the business demands one of you."""
    scope = current_scope()
    resolve(SecondFactorService).disable(
        actor_id=actor_of(scope), demanded=scope.second_factor_demanded, **body
    )
    return no_content()
