"""/api/tenant, /api/tenant/settings and /api/tenants."""

from typing import Any

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, current_scope, expected_version
from mbs.foundation.idempotency import replayable
from mbs.foundation.schemas import camel_case
from mbs.foundation.scope import actor_of
from mbs.foundation.security import SELF, refuse_stale_proof, require, requires
from mbs.foundation.services import resolve
from mbs.tenants.schemas import (
    EXAMPLE,
    ChangeSettings,
    ChangeTenant,
    OpenBusiness,
    SettingsView,
    TenantView,
    present_tenant,
)
from mbs.tenants.service import TenantService

blueprint = Blueprint("tenants", __name__, url_prefix="/api", description="The business itself.")


@blueprint.post("/tenants")
@requires(SELF)
@blueprint.arguments(OpenBusiness, example=EXAMPLE)
@blueprint.response(201, TenantView)
def open_business(body: dict[str, Any]) -> Response:
    """Open another business.

    The caller becomes its owner; `PATCH /api/auth/tenants/switch` signs in to it.
    """
    tenant = resolve(TenantService).open(actor_id=actor_of(current_scope()), **body)
    return answer(present_tenant(tenant), 201, version=tenant.version, location="/api/tenant")


@blueprint.get("/tenant")
@requires("settings:read")
@conditional
@blueprint.response(200, TenantView)
def read() -> Response:
    """Read the business's profile."""
    tenant = resolve(TenantService).read()
    return answer(present_tenant(tenant), version=tenant.version)


@blueprint.patch("/tenant")
@requires("settings:write")
@conditional
@blueprint.arguments(ChangeTenant, example={"name": "Asha's Salon and Spa"})
@blueprint.response(200, TenantView)
@replayable
def update(body: dict[str, Any]) -> Response:
    """Change the business's profile."""
    tenant = resolve(TenantService).change(version=expected_version(), **body)
    return answer(present_tenant(tenant), version=tenant.version)


@blueprint.get("/tenant/settings")
@requires("settings:read")
@conditional
@blueprint.response(200, SettingsView)
def read_settings() -> Response:
    """Read the business's settings."""
    settings, version = resolve(TenantService).settings()
    return answer(settings, version=version)


@blueprint.patch("/tenant/settings")
@requires("settings:write")
@conditional
@blueprint.arguments(ChangeSettings, example={"customers": {"uniqueEmail": True}})
@blueprint.response(200, SettingsView)
@replayable
def update_settings(body: dict[str, Any]) -> Response:
    """Change some of the business's settings; what is not named stays.

    Those of the group `security` need the permission `security:write` and a fresh proof of who you are.
    """
    scope = current_scope()
    if "security" in body:
        require(scope, "security:write")
        refuse_stale_proof(scope)
    changes = {
        group: {camel_case(key): value for key, value in values.items()} for group, values in body.items()
    }
    settings, version = resolve(TenantService).change_settings(
        version=expected_version(), changes=changes, has_second_factor=scope.second_factor
    )
    return answer(settings, version=version)
