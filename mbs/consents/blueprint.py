"""/api/customers/{id}/consents and .../preferences, /api/suppressions, /api/usage."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.consents.models import SORTS
from mbs.consents.schemas import (
    CONSENT_EXAMPLE,
    PREFERENCES_EXAMPLE,
    SUPPRESSION_EXAMPLE,
    ConsentPage,
    ConsentQuery,
    ConsentView,
    CreateConsent,
    CreateSuppression,
    PreferencesView,
    PutPreferences,
    SuppressionPage,
    SuppressionQuery,
    SuppressionView,
    UsageView,
    present_consent,
    present_preferences,
    present_suppression,
)
from mbs.consents.service import ConsentService, SuppressionService, UsageService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "consents", __name__, url_prefix="/api", description="To whom messages may be sent, and how many."
)


@blueprint.get("/customers/<id:customer_id>/consents")
@requires("customers:read", own=True)
@blueprint.arguments(ConsentQuery, location="query")
@blueprint.response(200, ConsentPage)
def index_consents(query: dict[str, Any], customer_id: UUID) -> Response:
    """List what a customer agreed to and took back, newest first.

    Of each channel and category the last one counts.
    """
    request, order = page_request(query, f"consents of {customer_id}", SORTS)
    page = resolve(ConsentService).search(customer_id=customer_id, request=request)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present_consent(row, tenant_id), order=order)


@blueprint.post("/customers/<id:customer_id>/consents")
@requires("customers:write")
@blueprint.arguments(CreateConsent, example=CONSENT_EXAMPLE)
@blueprint.response(201, ConsentView)
@replayable
def create_consent(body: dict[str, Any], customer_id: UUID) -> Response:
    """Write down that a customer agrees to messages, or no longer does.

    WhatsApp needs a granted one for any message, and its `wording`. E-mail needs one for `marketing` alone:
    what is `transactional` is sent until it is withdrawn.
    """
    consent = resolve(ConsentService).record(customer_id=customer_id, **body)
    view = present_consent(consent, current_scope().tenant_id)
    return answer(view, 201, location=f"/api/customers/{customer_id}/consents")


@blueprint.get("/customers/<id:customer_id>/preferences")
@requires("customers:read", own=True)
@conditional
@blueprint.response(200, PreferencesView)
def read_preferences(customer_id: UUID) -> Response:
    """Read in which time zone and language a customer is written to."""
    preferences = resolve(ConsentService).preferences(customer_id=customer_id)
    view = present_preferences(preferences, customer_id)
    return answer(view, version=view["version"])


@blueprint.put("/customers/<id:customer_id>/preferences")
@requires("customers:write")
@conditional
@blueprint.arguments(PutPreferences, example=PREFERENCES_EXAMPLE)
@blueprint.response(200, PreferencesView)
@replayable
def put_preferences(body: dict[str, Any], customer_id: UUID) -> Response:
    """Say in which time zone and language a customer is written to; what is left out is the business's."""
    preferences = resolve(ConsentService).prefer(customer_id=customer_id, version=expected_version(), **body)
    return answer(present_preferences(preferences, customer_id), version=preferences.version)


@blueprint.get("/suppressions")
@requires("notifications:read")
@blueprint.arguments(SuppressionQuery, location="query")
@blueprint.response(200, SuppressionPage)
def index_suppressions(query: dict[str, Any]) -> Response:
    """List the addresses that are not written to, newest first."""
    request, order = page_request(query, "suppressions", SORTS)
    page = resolve(SuppressionService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present_suppression(row, tenant_id), order=order)


@blueprint.post("/suppressions")
@requires("notifications:write")
@blueprint.arguments(CreateSuppression, example=SUPPRESSION_EXAMPLE)
@blueprint.response(201, SuppressionView)
@replayable
def create_suppression(body: dict[str, Any]) -> Response:
    """Write to an address no more, whoever has it."""
    suppression = resolve(SuppressionService).add(**body)
    view = present_suppression(suppression, current_scope().tenant_id)
    return answer(view, 201, location=f"/api/suppressions/{suppression.id}")


@blueprint.get("/suppressions/<id:suppression_id>")
@requires("notifications:read")
@blueprint.response(200, SuppressionView)
def read_suppression(suppression_id: UUID) -> Response:
    """Read a suppressed address."""
    suppression = resolve(SuppressionService).read(id_=suppression_id)
    # No entity tag: it never changes.
    return answer(present_suppression(suppression, current_scope().tenant_id))


@blueprint.delete("/suppressions/<id:suppression_id>")
@requires("notifications:write")
@blueprint.response(204)
def remove_suppression(suppression_id: UUID) -> Response:
    """Write to an address again. Where its provider refuses it, it will be back."""
    resolve(SuppressionService).remove(id_=suppression_id)
    return no_content()


@blueprint.get("/usage")
@requires("settings:read")
@blueprint.response(200, UsageView)
def usage() -> Response:
    """Read the plan, and what is used of it in this month of UTC."""
    return answer(resolve(UsageService).read())
