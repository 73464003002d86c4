"""/api/services."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.catalog.models import SORTS
from mbs.catalog.schemas import (
    EXAMPLE,
    RESOURCES_EXAMPLE,
    AssignResources,
    ChangeService,
    CreateService,
    RemoveServiceQuery,
    ServicePage,
    ServiceQuery,
    ServiceResources,
    ServiceView,
    present,
    present_assignments,
)
from mbs.catalog.service import CatalogService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint("services", __name__, url_prefix="/api/services", description="What you offer.")


@blueprint.get("")
@requires("services:read")
@blueprint.arguments(ServiceQuery, location="query")
@blueprint.response(200, ServicePage)
def index(query: dict[str, Any]) -> Response:
    """List services in your order. Archived ones appear only with `isActive=false`."""
    request, order = page_request(query, "services", SORTS)
    page = resolve(CatalogService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("services:write")
@blueprint.arguments(CreateService, example=EXAMPLE)
@blueprint.response(201, ServiceView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Create a service. Its mode stays what it is.

    `appointment` takes its resources for its duration, `session` is a class with seats, and `stay` takes a
    bed or a room for nights. Segments that do not add up are refused with `INVALID_SEGMENTS`.
    """
    item = resolve(CatalogService).create(**body)
    view = present(item, current_scope().tenant_id)
    return answer(view, 201, version=item.version, location=f"/api/services/{item.id}")


@blueprint.get("/<id:service_id>")
@requires("services:read")
@conditional
@blueprint.response(200, ServiceView)
def read(service_id: UUID) -> Response:
    """Read a service."""
    item = resolve(CatalogService).read(id_=service_id)
    return answer(present(item, current_scope().tenant_id), version=item.version)


@blueprint.patch("/<id:service_id>")
@requires("services:write")
@conditional
@blueprint.arguments(ChangeService, example={"price": "2600.00", "policy": {"cancelNoticeMin": None}})
@blueprint.response(200, ServiceView)
@replayable
def update(body: dict[str, Any], service_id: UUID) -> Response:
    """Change a service; null clears a field, an absent field stays.

    Bookings that stand keep their price and their time.
    """
    item = resolve(CatalogService).change(id_=service_id, version=expected_version(), **body)
    return answer(present(item, current_scope().tenant_id), version=item.version)


@blueprint.delete("/<id:service_id>")
@requires("services:write")
@conditional
@blueprint.arguments(RemoveServiceQuery, location="query")
@blueprint.response(204)
def remove(query: dict[str, Any], service_id: UUID) -> Response:
    """Archive a service: it is offered no more, and its bookings stay.

    With `purge=true` it is removed for good, which fails with 409 `IN_USE` if it was ever booked.
    """
    service = resolve(CatalogService)
    if query["purge"]:
        service.purge(id_=service_id, version=expected_version())
    else:
        service.archive(id_=service_id, version=expected_version())
    return no_content()


@blueprint.get("/<id:service_id>/resources")
@requires("services:read")
@blueprint.response(200, ServiceResources)
def read_resources(service_id: UUID) -> Response:
    """List who and what can do a service, archived ones too.

    `version` is the service's, for the If-Match of a change.
    """
    item, rows = resolve(CatalogService).resources(id_=service_id)
    # No entity tag: names are others' to change, and would not change it.
    return answer(present_assignments(item, rows))


@blueprint.put("/<id:service_id>/resources")
@requires("services:write")
@conditional
@blueprint.arguments(AssignResources, example=RESOURCES_EXAMPLE)
@blueprint.response(200, ServiceResources)
@replayable
def assign_resources(body: dict[str, Any], service_id: UUID) -> Response:
    """Say who and what can do a service: the whole list, and each one's price and duration if they differ.

    An appointment takes one resource of each kind among them, or those that its segments name. The change
    counts as one of the service.
    """
    item, rows = resolve(CatalogService).assign(id_=service_id, version=expected_version(), **body)
    return answer(present_assignments(item, rows), version=item.version)
