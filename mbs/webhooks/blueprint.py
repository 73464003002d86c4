"""/api/webhook-endpoints."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import (
    answer,
    answer_page,
    current_scope,
    expected_version,
    no_content,
    page_request,
)
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import require, requires
from mbs.foundation.services import resolve
from mbs.webhooks.models.tables import SORTS
from mbs.webhooks.schemas import (
    EXAMPLE,
    ChangeEndpoint,
    CreateEndpoint,
    DeliveryPage,
    DeliveryQuery,
    DeliveryView,
    EndpointPage,
    EndpointQuery,
    EndpointView,
    EndpointWithSecret,
    present_delivery,
    present_endpoint,
    present_summary,
)
from mbs.webhooks.service.deliveries import DeliveryLogService
from mbs.webhooks.service.endpoints import EndpointService

blueprint = Blueprint(
    "webhooks", __name__, url_prefix="/api/webhook-endpoints", description="Where your events are sent to."
)

TOLD = {"url", "event_types"}
"""What says who is told of what: whoever changes it can read the trail."""


@blueprint.get("")
@requires("webhooks:write")
@blueprint.arguments(EndpointQuery, location="query")
@blueprint.response(200, EndpointPage)
def index(query: dict[str, Any]) -> Response:
    """List webhook endpoints, the newest first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "webhook-endpoints", SORTS)
    page = resolve(EndpointService).search(request=request)
    return answer_page(page, present_endpoint, order=order)


# Not replayable: the answer would be kept with the key, and a copy of the database hold the secret.
@blueprint.post("")
@requires("webhooks:write")
@blueprint.arguments(CreateEndpoint, example=EXAMPLE)
@blueprint.response(201, EndpointWithSecret)
def create(body: dict[str, Any]) -> Response:
    """Make a webhook endpoint, which gets the events from now on.

    `secret` is shown in this answer; if the answer is lost, rotate it. A business has at most 20 endpoints.
    Events tell all that is done in the business, so it needs `audit:read` too.
    """
    require(current_scope(), "audit:read")
    endpoint, secret = resolve(EndpointService).create(**body)
    view = {**present_endpoint(endpoint), "secret": secret}
    return answer(view, 201, version=endpoint.version, location=f"/api/webhook-endpoints/{endpoint.id}")


@blueprint.get("/<id:endpoint_id>")
@requires("webhooks:write")
@conditional
@blueprint.response(200, EndpointView)
def read(endpoint_id: UUID) -> Response:
    """Read a webhook endpoint."""
    endpoint = resolve(EndpointService).read(id_=endpoint_id)
    return answer(present_endpoint(endpoint), version=endpoint.version)


@blueprint.patch("/<id:endpoint_id>")
@requires("webhooks:write")
@conditional
@blueprint.arguments(ChangeEndpoint, example={"eventTypes": ["*"]})
@blueprint.response(200, EndpointView)
@replayable
def update(body: dict[str, Any], endpoint_id: UUID) -> Response:
    """Change a webhook endpoint; null clears a field, an absent field stays.

    A disabled one loses what is on its way to it; enabled again, it gets the events from then on. Another
    `url` or other `eventTypes` need `audit:read` too.
    """
    if not body.keys().isdisjoint(TOLD):
        require(current_scope(), "audit:read")
    endpoint = resolve(EndpointService).change(id_=endpoint_id, version=expected_version(), **body)
    return answer(present_endpoint(endpoint), version=endpoint.version)


@blueprint.delete("/<id:endpoint_id>")
@requires("webhooks:write")
@conditional
@blueprint.response(204)
def remove(endpoint_id: UUID) -> Response:
    """Remove a webhook endpoint with its deliveries."""
    resolve(EndpointService).remove(id_=endpoint_id, version=expected_version())
    return no_content()


# Not replayable, as above.
@blueprint.post("/<id:endpoint_id>/rotate-secret")
@requires("webhooks:write")
@conditional
@blueprint.response(200, EndpointWithSecret)
def rotate_secret(endpoint_id: UUID) -> Response:
    """Give a webhook endpoint another secret, which is shown in this answer.

    For 24 hours the one before signs too, so that the receiver can change over.
    """
    endpoint, secret = resolve(EndpointService).rotate(id_=endpoint_id, version=expected_version())
    return answer({**present_endpoint(endpoint), "secret": secret}, version=endpoint.version)


@blueprint.post("/<id:endpoint_id>/test")
@requires("webhooks:write")
@blueprint.response(202, DeliveryView)
def test(endpoint_id: UUID) -> Response:
    """Send a `webhook.test`, which is tried once; ask for the delivery to see what became of it."""
    delivery = resolve(DeliveryLogService).test(endpoint_id=endpoint_id)
    location = f"/api/webhook-endpoints/{endpoint_id}/deliveries/{delivery.id}"
    return answer(present_delivery(delivery), 202, location=location)


@blueprint.get("/<id:endpoint_id>/deliveries")
@requires("webhooks:write")
@blueprint.arguments(DeliveryQuery, location="query")
@blueprint.response(200, DeliveryPage)
def deliveries(query: dict[str, Any], endpoint_id: UUID) -> Response:
    """List what was sent to a webhook endpoint, or will be; kept for 30 days after its end."""
    request, order = page_request(query, f"webhook-deliveries:{endpoint_id}", SORTS)
    page = resolve(DeliveryLogService).search(endpoint_id=endpoint_id, request=request, **query)
    return answer_page(page, present_summary, order=order)


@blueprint.get("/<id:endpoint_id>/deliveries/<id:delivery_id>")
@requires("webhooks:write")
@conditional
@blueprint.response(200, DeliveryView)
def read_delivery(endpoint_id: UUID, delivery_id: UUID) -> Response:
    """Read a delivery, with its attempts."""
    delivery = resolve(DeliveryLogService).read(endpoint_id=endpoint_id, id_=delivery_id)
    return answer(present_delivery(delivery), version=delivery.version)


@blueprint.post("/<id:endpoint_id>/deliveries/<id:delivery_id>/replay")
@requires("webhooks:write")
@blueprint.response(200, DeliveryView)
@replayable
def replay(endpoint_id: UUID, delivery_id: UUID) -> Response:
    """Send a delivery that is over once more, with the same `webhook-id` and all its attempts."""
    delivery = resolve(DeliveryLogService).replay(endpoint_id=endpoint_id, id_=delivery_id)
    return answer(present_delivery(delivery), version=delivery.version)
