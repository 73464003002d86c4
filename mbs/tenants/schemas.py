"""A business on the wire."""

from collections.abc import Callable
from functools import partial
from typing import Any

from marshmallow import ValidationError, fields

from mbs.foundation import territories
from mbs.foundation.schemas import MergePatch, WireSchema
from mbs.foundation.wire_fields import Choice, Flag, Text
from mbs.tenants.models import BUSINESS_TYPES

EXAMPLE = {"businessName": "Asha's Salon", "businessType": "salon", "countryCode": "IN"}


class Listed(fields.String):
    """One word of a list of the world's, which is read when it is first needed."""

    def __init__(self, words: Callable[[], frozenset[str]], message: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.words, self.message = words, message

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        if not isinstance(value, str) or value not in self.words():
            raise ValidationError(self.message)
        return value

    def describe(self, properties: dict[str, Any]) -> dict[str, Any]:
        """Document the words."""
        return {"enum": sorted(self.words())}


country = partial(
    Listed, territories.countries, "Must be the two capital letters of a country (ISO 3166-1), like IN."
)
currency = partial(
    Listed, territories.currencies, "Must be the three capital letters of a currency (ISO 4217), like INR."
)
timezone = partial(
    Listed, territories.timezones, "Must be a time zone of the tz database, like Asia/Kolkata."
)


class OpenBusiness(WireSchema):
    business_name = Text(maximum=120, required=True)
    business_type = Choice(*BUSINESS_TYPES, required=True)
    country_code = country(required=True)
    timezone = timezone()


class ChangeTenant(MergePatch):
    name = Text(maximum=120)
    business_type = Choice(*BUSINESS_TYPES)
    currency = currency()
    timezone = timezone()
    locale = Text(maximum=35, pattern="[a-z]{2,3}(-[A-Za-z0-9]{2,8})*", metadata={"example": "en-IN"})
    onboarding_completed = Flag()


class CustomerSettings(WireSchema):
    unique_email = Flag(
        metadata={"description": "Refuse two customers with one e-mail address, from now on."}
    )
    unique_phone = Flag(metadata={"description": "Refuse two customers with one phone number, from now on."})


class ChangeSettings(MergePatch):
    customers = fields.Nested(CustomerSettings)


class SettingsView(WireSchema):
    customers = fields.Nested(CustomerSettings, required=True)


class TenantView(WireSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    slug = fields.String(required=True)
    business_type = fields.String(required=True)
    country = fields.String(required=True)
    currency = fields.String(required=True)
    timezone = fields.String(required=True)
    locale = fields.String(required=True)
    status = fields.String(required=True)
    onboarding_completed = fields.Boolean(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


def present_tenant(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "slug": row.slug,
        "businessType": row.business_type,
        "country": row.country,
        "currency": row.currency,
        "timezone": row.timezone,
        "locale": row.locale,
        "status": row.status,
        "onboardingCompleted": row.onboarding_completed,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }
