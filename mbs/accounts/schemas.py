"""A person's own account on the wire."""

from datetime import datetime
from typing import Any

from marshmallow import fields

from mbs.auth.schemas import LONGEST_PASSWORD, TenantSummary, UserView, present_summary, present_user
from mbs.foundation import passwords
from mbs.foundation.schemas import MergePatch, WireSchema
from mbs.foundation.scope import Scope
from mbs.foundation.wire_fields import EmailAddress, Secret, Text

TOKEN_EXAMPLE = {"token": "what stands behind #token= in the mail's link"}
EMAIL_EXAMPLE = {"email": "asha@example.com"}
RESET_EXAMPLE = {**TOKEN_EXAMPLE, "password": "four yellow bicycles"}
CHANGE_EXAMPLE = {"currentPassword": "three green umbrellas", "newPassword": "four yellow bicycles"}

NEW_PASSWORD = {
    "format": "password",
    "minLength": passwords.MINIMUM,
    "maxLength": passwords.MAXIMUM,
    "description": "Not a common one, and not made of your name, your address or your business's name.",
}


class ForgotPassword(WireSchema):
    email = EmailAddress(required=True)


class MailedToken(WireSchema):
    token = Secret(maximum=200, required=True)


class ResetPassword(MailedToken):
    password = Secret(maximum=LONGEST_PASSWORD, required=True, metadata=NEW_PASSWORD)


class ChangePassword(WireSchema):
    current_password = Secret(maximum=LONGEST_PASSWORD, required=True)
    new_password = Secret(maximum=LONGEST_PASSWORD, required=True, metadata=NEW_PASSWORD)


class ChangeEmail(WireSchema):
    email = EmailAddress(required=True)


class ChangeMe(MergePatch):
    first_name = Text(maximum=80)
    last_name = Text(maximum=80)


class AcceptedView(WireSchema):
    """What is said whether anything comes of the request or not."""

    status = fields.String(required=True, metadata={"enum": ["accepted"]})


class MembershipView(WireSchema):
    tenant = fields.Nested(TenantSummary, required=True)
    role = fields.String(required=True)


class MeView(UserView):
    email_verified = fields.Boolean(required=True)
    memberships = fields.List(fields.Nested(MembershipView), required=True)
    permissions = fields.List(fields.String(), required=True)
    version = fields.Integer(required=True)


class RoleView(WireSchema):
    key = fields.String(required=True)
    label = fields.String(required=True)


class ContextView(WireSchema):
    user = fields.Nested(UserView, required=True)
    tenant = fields.Nested(TenantSummary, required=True)
    role = fields.Nested(RoleView, required=True)
    permissions = fields.List(fields.String(), required=True)
    features = fields.Dict(required=True)
    limits = fields.Dict(required=True)
    terminology = fields.Dict(required=True)
    locale = fields.String(required=True)
    csrf_token = fields.String(metadata={"description": "Only of a browser's session."})
    server_time = fields.DateTime(required=True)


ACCEPTED = {"status": "accepted"}


def present_me(user: Any, memberships: Any, permissions: frozenset[str]) -> dict[str, Any]:
    return {
        **present_user(user),
        "emailVerified": user.email_verified_at is not None,
        "memberships": [{"tenant": present_summary(row), "role": row.role} for row in memberships],
        "permissions": sorted(permissions),
        "version": user.version,
    }


def present_context(user: Any, tenant: Any, scope: Scope, now: datetime) -> dict[str, Any]:
    role = scope.role or ""
    # Features, limits and terminology are empty until plans and presets exist.
    return {
        "user": present_user(user),
        "tenant": present_summary(tenant),
        "role": {"key": role, "label": tenant.role_name or role.capitalize()},
        "permissions": sorted(scope.permissions),
        "features": {},
        "limits": {},
        "terminology": {},
        "locale": tenant.locale,
        "serverTime": now,
    }
