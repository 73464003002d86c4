"""/api/resources, and /api/staff, which is the same of one kind."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.resources.models import KINDS, SORTS
from mbs.resources.schemas import (
    EXAMPLE,
    STAFF_EXAMPLE,
    ChangeResource,
    CreateResource,
    CreateStaff,
    RemoveResourceQuery,
    ResourcePage,
    ResourceQuery,
    ResourceView,
    StaffQuery,
    present,
)
from mbs.resources.service import ResourceService

STAFF = ("staff",)

blueprint = Blueprint(
    "resources", __name__, url_prefix="/api/resources", description="The people, rooms and things you book."
)
staff = Blueprint("staff", __name__, url_prefix="/api/staff", description="The people among the resources.")


@blueprint.get("")
@requires("resources:read")
@blueprint.arguments(ResourceQuery, location="query")
@blueprint.response(200, ResourcePage)
def index(query: dict[str, Any]) -> Response:
    """List resources by name. Archived ones appear only with `isActive=false`."""
    return _index(query, KINDS, "resources")


@blueprint.post("")
@requires("resources:write")
@blueprint.arguments(CreateResource, example=EXAMPLE)
@blueprint.response(201, ResourceView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Create a resource. Its kind stays what it is."""
    return _create(body, "resources")


@blueprint.get("/<id:resource_id>")
@requires("resources:read")
@conditional
@blueprint.response(200, ResourceView)
def read(resource_id: UUID) -> Response:
    """Read a resource."""
    return _read(resource_id, KINDS)


@blueprint.patch("/<id:resource_id>")
@requires("resources:write")
@conditional
@blueprint.arguments(ChangeResource, example={"capacity": 4})
@blueprint.response(200, ResourceView)
@replayable
def update(body: dict[str, Any], resource_id: UUID) -> Response:
    """Change a resource; null clears a field, an absent field stays.

    A capacity below what bookings have taken is refused with 409 `CAPACITY_IN_USE`.
    """
    return _update(body, resource_id, KINDS)


@blueprint.delete("/<id:resource_id>")
@requires("resources:write")
@conditional
@blueprint.arguments(RemoveResourceQuery, location="query")
@blueprint.response(204)
def remove(query: dict[str, Any], resource_id: UUID) -> Response:
    """Archive a resource: it is offered no more, and its bookings stay.

    With `purge=true` it is removed for good, which fails with 409 `IN_USE` if it was ever booked or has
    parts.
    """
    return _remove(query, resource_id, KINDS)


@staff.get("")
@requires("resources:read")
@staff.arguments(StaffQuery, location="query")
@staff.response(200, ResourcePage)
def index_staff(query: dict[str, Any]) -> Response:
    """List the staff by name. Archived ones appear only with `isActive=false`."""
    return _index(query, STAFF, "staff")


@staff.post("")
@requires("resources:write")
@staff.arguments(CreateStaff, example=STAFF_EXAMPLE)
@staff.response(201, ResourceView)
@replayable
def create_staff(body: dict[str, Any]) -> Response:
    """Create a member of staff, who need not be able to sign in."""
    return _create({**body, "kind": "staff"}, "staff")


@staff.get("/<id:staff_id>")
@requires("resources:read")
@conditional
@staff.response(200, ResourceView)
def read_staff(staff_id: UUID) -> Response:
    """Read a member of staff."""
    return _read(staff_id, STAFF)


@staff.patch("/<id:staff_id>")
@requires("resources:write")
@conditional
@staff.arguments(ChangeResource, example={"tags": ["color", "cut"]})
@staff.response(200, ResourceView)
@replayable
def update_staff(body: dict[str, Any], staff_id: UUID) -> Response:
    """Change a member of staff; null clears a field, an absent field stays.

    A capacity below what bookings have taken is refused with 409 `CAPACITY_IN_USE`.
    """
    return _update(body, staff_id, STAFF)


@staff.delete("/<id:staff_id>")
@requires("resources:write")
@conditional
@staff.arguments(RemoveResourceQuery, location="query")
@staff.response(204)
def remove_staff(query: dict[str, Any], staff_id: UUID) -> Response:
    """Archive a member of staff, who is offered no more, and whose bookings stay.

    With `purge=true` they are removed for good, which fails with 409 `IN_USE` if they were ever booked.
    """
    return _remove(query, staff_id, STAFF)


def _index(query: dict[str, Any], kinds: tuple[str, ...], name: str) -> Response:
    request, order = page_request(query, name, SORTS)
    page = resolve(ResourceService).search(request=request, kinds=kinds, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


def _create(body: dict[str, Any], name: str) -> Response:
    resource = resolve(ResourceService).create(**body)
    view = present(resource, current_scope().tenant_id)
    return answer(view, 201, version=resource.version, location=f"/api/{name}/{resource.id}")


def _read(id_: UUID, kinds: tuple[str, ...]) -> Response:
    resource = resolve(ResourceService).read(id_=id_, kinds=kinds)
    return answer(present(resource, current_scope().tenant_id), version=resource.version)


def _update(body: dict[str, Any], id_: UUID, kinds: tuple[str, ...]) -> Response:
    resource = resolve(ResourceService).change(id_=id_, version=expected_version(), kinds=kinds, **body)
    return answer(present(resource, current_scope().tenant_id), version=resource.version)


def _remove(query: dict[str, Any], id_: UUID, kinds: tuple[str, ...]) -> Response:
    service = resolve(ResourceService)
    act = service.purge if query["purge"] else service.archive
    act(id_=id_, version=expected_version(), kinds=kinds)
    return no_content()
