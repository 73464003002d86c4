"""Accounts and tokens on the wire."""

from typing import Any

from marshmallow import fields

from mbs.auth.models import SignedIn
from mbs.foundation import passwords
from mbs.foundation.schemas import WireSchema
from mbs.foundation.wire_fields import Choice, EmailAddress, Id, Secret, Text
from mbs.tenants.schemas import OpenBusiness

LONGEST_PASSWORD = 1024
"""Longer is refused before hashing; how long a password may be is said by `foundation/passwords.py`."""

REGISTER_EXAMPLE = {
    "email": "asha@example.com",
    "password": "three green umbrellas",
    "firstName": "Asha",
    "lastName": "Rao",
    "businessName": "Asha's Salon",
    "businessType": "salon",
    "countryCode": "IN",
}
LOGIN_EXAMPLE = {"email": "asha@example.com", "password": "three green umbrellas"}
REFRESH_EXAMPLE = {"refreshToken": "the refreshToken of the last answer"}
SWITCH_EXAMPLE = {"tenantId": "0198c5a2-7b1e-7c3a-9f00-3d2b8a6e4c11"}


CHALLENGE_EXAMPLE = {"challenge": "the `challenge` of the 401 answer", "code": "123456"}


class WantedSession(WireSchema):
    """What every way of signing in takes besides its proof."""

    session = Choice(
        "token",
        "browser",
        load_default="token",
        metadata={"description": "`browser`: a session cookie and a `csrfToken` instead of tokens."},
    )


class Register(OpenBusiness, WantedSession):
    email = EmailAddress(required=True)
    password = Secret(
        maximum=LONGEST_PASSWORD,
        required=True,
        metadata={
            "format": "password",
            "minLength": passwords.MINIMUM,
            "maxLength": passwords.MAXIMUM,
            "description": "Not a common one, and not made of your address or your business's name.",
        },
    )
    first_name = Text(maximum=80, required=True)
    last_name = Text(maximum=80, required=True)


class LogIn(WantedSession):
    email = EmailAddress(required=True)
    password = Secret(maximum=LONGEST_PASSWORD, required=True)
    tenant_id = Id(
        load_default=None, metadata={"description": "Needed when you belong to several businesses."}
    )


class AnswerChallenge(WantedSession):
    challenge = Secret(maximum=4096, required=True)
    code = Secret(maximum=40, required=True)


class Refresh(WireSchema):
    refresh_token = Secret(maximum=4096, required=True)


class SwitchTenant(WireSchema):
    tenant_id = Id(required=True)


class UserView(WireSchema):
    id = fields.UUID(required=True)
    email = fields.String(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)


class TenantSummary(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    business_type = fields.String(required=True)
    country = fields.String(required=True)
    currency = fields.String(required=True)
    timezone = fields.String(required=True)
    onboarding_completed = fields.Boolean(required=True)


class SignedInView(WireSchema):
    """Tokens, or the `csrfToken` of a browser's session."""

    access_token = fields.String()
    refresh_token = fields.String()
    expires_in = fields.Integer(metadata={"description": "Seconds the access token lives."})
    token_type = fields.String()
    csrf_token = fields.String(metadata={"description": "For the header `X-CSRF-Token`."})
    user = fields.Nested(UserView, required=True)
    tenant = fields.Nested(TenantSummary, required=True)
    role = fields.String(required=True)
    permissions = fields.List(fields.String(), required=True)


def present_user(row: Any) -> dict[str, Any]:
    return {"id": row.id, "email": row.email, "firstName": row.first_name, "lastName": row.last_name}


def present_summary(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "businessType": row.business_type,
        "country": row.country,
        "currency": row.currency,
        "timezone": row.timezone,
        "onboardingCompleted": row.onboarding_completed,
    }


def present_signed_in(signed_in: SignedIn) -> dict[str, Any]:
    return {
        "user": present_user(signed_in.user),
        "tenant": present_summary(signed_in.tenant),
        "role": signed_in.role,
        "permissions": sorted(signed_in.permissions),
    }
