"""/api/locations."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.locations.models import SORTS
from mbs.locations.schemas import (
    EXAMPLE,
    ChangeLocation,
    CreateLocation,
    LocationPage,
    LocationQuery,
    LocationView,
    RemoveLocationQuery,
    present,
)
from mbs.locations.service import LocationService

blueprint = Blueprint(
    "locations", __name__, url_prefix="/api/locations", description="The places where you work."
)


@blueprint.get("")
@requires("settings:read")
@blueprint.arguments(LocationQuery, location="query")
@blueprint.response(200, LocationPage)
def index(query: dict[str, Any]) -> Response:
    """List locations, the newest first unless `sortOrder` says otherwise."""
    request, order = page_request(query, "locations", SORTS)
    page = resolve(LocationService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("settings:write")
@blueprint.arguments(CreateLocation, example=EXAMPLE)
@blueprint.response(201, LocationView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Create a location.

    `taxRegistration` must be one of the location's country, where that has a well-known form: a GSTIN in
    India, a VAT number in the United Kingdom, a TRN in the Emirates. With it a location begins to
    charge the tax of its country, unless `taxRegime` says otherwise.
    """
    location = resolve(LocationService).create(**body)
    view = present(location, current_scope().tenant_id)
    return answer(view, 201, version=location.version, location=f"/api/locations/{location.id}")


@blueprint.get("/<id:location_id>")
@requires("settings:read")
@conditional
@blueprint.response(200, LocationView)
def read(location_id: UUID) -> Response:
    """Read a location."""
    location = resolve(LocationService).read(id_=location_id)
    return answer(present(location, current_scope().tenant_id), version=location.version)


@blueprint.patch("/<id:location_id>")
@requires("settings:write")
@conditional
@blueprint.arguments(ChangeLocation, example={"isDefault": True})
@blueprint.response(200, LocationView)
@replayable
def update(body: dict[str, Any], location_id: UUID) -> Response:
    """Change a location; null clears a field, an absent field stays.

    `isDefault: true` takes that from the location that was the default. There is always one, so it can be
    neither archived nor told that it is the default no longer.
    """
    location = resolve(LocationService).change(id_=location_id, version=expected_version(), **body)
    return answer(present(location, current_scope().tenant_id), version=location.version)


@blueprint.delete("/<id:location_id>")
@requires("settings:write")
@conditional
@blueprint.arguments(RemoveLocationQuery, location="query")
@blueprint.response(204)
def remove(query: dict[str, Any], location_id: UUID) -> Response:
    """Archive a location; the default one cannot be.

    With `purge=true` it is removed for good, which fails with 409 `IN_USE` while other records refer to it.
    """
    service = resolve(LocationService)
    if query["purge"]:
        service.purge(id_=location_id, version=expected_version())
    else:
        service.archive(id_=location_id, version=expected_version())
    return no_content()
