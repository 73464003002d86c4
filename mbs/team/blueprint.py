"""/api/members and /api/roles."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.team.models import MEMBER_SORTS, ROLE_SORTS
from mbs.team.schemas import (
    ROLE_EXAMPLE,
    SYSTEM_ROLES,
    ChangeMember,
    ChangeRole,
    CreateRole,
    CustomRoleView,
    MemberPage,
    MemberQuery,
    MemberView,
    RoleList,
    RoleQuery,
    present_custom_role,
    present_member,
)
from mbs.team.service import MemberService, RoleService

blueprint = Blueprint("team", __name__, url_prefix="/api", description="Who works here, and as what.")


@blueprint.get("/members")
@requires("team:read")
@blueprint.arguments(MemberQuery, location="query")
@blueprint.response(200, MemberPage)
def members(query: dict[str, Any]) -> Response:
    """List members, suspended ones too, newest first."""
    request, order = page_request(query, "members", MEMBER_SORTS)
    return answer_page(resolve(MemberService).search(request=request, **query), present_member, order=order)


@blueprint.get("/members/<id:member_id>")
@requires("team:read")
@conditional
@blueprint.response(200, MemberView)
def read_member(member_id: UUID) -> Response:
    """Read a member."""
    member = resolve(MemberService).read(id_=member_id)
    return answer(present_member(member), version=member.version)


@blueprint.patch("/members/<id:member_id>")
@requires("team:roles", fresh=True)
@conditional
@blueprint.arguments(ChangeMember, example={"role": "manager"})
@blueprint.response(200, MemberView)
def update_member(body: dict[str, Any], member_id: UUID) -> Response:
    """Give a member another role, suspend them, or let them in again.

    It acts on their next request. Suspending ends their sessions here. Nobody changes themselves, nor a
    member whose role may do what theirs may not; the last active owner stays one (409 `LAST_OWNER`).
    """
    member = resolve(MemberService).change(id_=member_id, version=expected_version(), **body)
    return answer(present_member(member), version=member.version)


@blueprint.delete("/members/<id:member_id>")
@requires("team:roles", fresh=True)
@conditional
@blueprint.response(204)
def remove_member(member_id: UUID) -> Response:
    """Remove a member, or leave yourself; the account stays, and its other businesses.

    Their sessions here end at once. The last active owner cannot go (409 `LAST_OWNER`).
    """
    resolve(MemberService).remove(id_=member_id, version=expected_version())
    return no_content()


@blueprint.get("/roles")
@requires("team:read")
@blueprint.arguments(RoleQuery, location="query")
@blueprint.response(200, RoleList)
def roles(query: dict[str, Any]) -> Response:
    """List the roles that the business composed; `systemRoles` are the five that every business has."""
    request, order = page_request(query, "roles", ROLE_SORTS)
    page = resolve(RoleService).search(request=request)
    return answer_page(page, present_custom_role, order=order, systemRoles=SYSTEM_ROLES)


@blueprint.post("/roles")
@requires("team:roles", fresh=True)
@blueprint.arguments(CreateRole, example=ROLE_EXAMPLE)
@blueprint.response(201, CustomRoleView)
@replayable
def create_role(body: dict[str, Any]) -> Response:
    """Compose a role of permissions that you hold yourself."""
    role = resolve(RoleService).create(**body)
    return answer(present_custom_role(role), 201, version=role.version, location=f"/api/roles/{role.id}")


@blueprint.get("/roles/<id:role_id>")
@requires("team:read")
@conditional
@blueprint.response(200, CustomRoleView)
def read_role(role_id: UUID) -> Response:
    """Read a role that the business composed."""
    role = resolve(RoleService).read(id_=role_id)
    return answer(present_custom_role(role), version=role.version)


@blueprint.patch("/roles/<id:role_id>")
@requires("team:roles", fresh=True)
@conditional
@blueprint.arguments(ChangeRole, example={"name": "Reception"})
@blueprint.response(200, CustomRoleView)
@replayable
def update_role(body: dict[str, Any], role_id: UUID) -> Response:
    """Change a role whose permissions, old and new, you hold yourself; it acts on the next request."""
    role = resolve(RoleService).change(id_=role_id, version=expected_version(), **body)
    return answer(present_custom_role(role), version=role.version)


@blueprint.delete("/roles/<id:role_id>")
@requires("team:roles", fresh=True)
@conditional
@blueprint.response(204)
def remove_role(role_id: UUID) -> Response:
    """Remove a role; 409 `IN_USE` while a member has it or an open invitation names it."""
    resolve(RoleService).remove(id_=role_id, version=expected_version())
    return no_content()
