"""Members and roles on the wire."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from mbs.auth.schemas import UserView
from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Text
from mbs.invitations.schemas import HeldRole, WantedRole, present_role
from mbs.team.models import MEMBER_SORTS, ROLE_SORTS
from mbs.tenants.models import CUSTOM, PERMISSIONS, ROLE_PERMISSIONS

MEMBER_STATUSES = ("active", "suspended")

ROLE_EXAMPLE = {"name": "Front desk", "permissions": ["customers:read", "customers:create"]}

COMPOSABLE = sorted(PERMISSIONS - {"team:owners"})
"""What a role of the business's own may hold: whoever may act on owners is one."""


class ChangeMember(MergePatch, WantedRole):
    status = Choice(*MEMBER_STATUSES)


class MemberQuery(PageQuery):
    search = Text(maximum=100, metadata={"description": "Part of the name or the e-mail address."})
    role = Choices(*ROLE_PERMISSIONS, CUSTOM)
    status = Choices(*MEMBER_STATUSES)
    sort_by = Choice(*MEMBER_SORTS, load_default="createdAt")


class MemberView(WireSchema):
    id = fields.UUID(required=True)
    user = fields.Nested(UserView, required=True)
    role = fields.Nested(HeldRole, required=True)
    status = fields.String(required=True, metadata={"enum": list(MEMBER_STATUSES)})
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


MemberPage = page_schema("MemberPage", MemberView)


class Permissions(fields.List):
    """Different permissions, in order."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            Choice(*COMPOSABLE),
            validate=validate.Length(min=1, max=len(COMPOSABLE)),
            metadata={"uniqueItems": True},
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        permissions = super()._deserialize(value, attr, data, **kwargs)
        if len(set(permissions)) < len(permissions):
            raise ValidationError("Must name each permission once.")
        return sorted(permissions)


class ChangeRole(MergePatch):
    name = Text(maximum=60)
    permissions = Permissions()


class CreateRole(WireSchema):
    name = Text(maximum=60, required=True)
    permissions = Permissions(required=True)


class RoleQuery(PageQuery):
    sort_by = Choice(*ROLE_SORTS, load_default="name")


class CustomRoleView(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


RolePage = page_schema("RolePage", CustomRoleView)


class SystemRoleView(WireSchema):
    key = fields.String(required=True, metadata={"enum": list(ROLE_PERMISSIONS)})
    label = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


class RoleList(RolePage):  # type: ignore[valid-type,misc]  # a schema made at run time
    """The business's own roles, page by page, and beside each page those that every business has."""

    system_roles = fields.List(fields.Nested(SystemRoleView), required=True)


SYSTEM_ROLES = [
    {"key": key, "label": key.capitalize(), "permissions": sorted(permissions)}
    for key, permissions in ROLE_PERMISSIONS.items()
]


def present_member(row: Any) -> dict[str, Any]:
    """Return a member as `MemberView` describes them; a test holds the two together."""
    user = {"id": row.user_id, "email": row.email, "firstName": row.first_name, "lastName": row.last_name}
    return {
        "id": row.id,
        "user": user,
        "role": present_role(row),
        "status": row.status,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def present_custom_role(row: Any) -> dict[str, Any]:
    """Return a role as `CustomRoleView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "name": row.name,
        "permissions": row.permissions,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
