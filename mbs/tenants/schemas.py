"""A business on the wire."""

from typing import Any

from marshmallow import fields

from mbs.foundation.invoicing_fields import InvoicingRules
from mbs.foundation.notification_fields import NotificationRules
from mbs.foundation.place_fields import country, currency, timezone
from mbs.foundation.policy_fields import BookingPolicy
from mbs.foundation.schemas import MergePatch, WireSchema
from mbs.foundation.wire_fields import Choice, Flag, Text
from mbs.tenants.models import BUSINESS_TYPES

EXAMPLE = {"businessName": "Asha's Salon", "businessType": "salon", "countryCode": "IN"}


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


class SecuritySettings(WireSchema):
    second_factor = Choice(
        "optional", "required", metadata={"description": "`required`: of owners and administrators."}
    )


class ChangeSettings(MergePatch):
    booking = fields.Nested(BookingPolicy)
    customers = fields.Nested(CustomerSettings)
    invoicing = fields.Nested(InvoicingRules)
    notifications = fields.Nested(NotificationRules)
    security = fields.Nested(SecuritySettings)


class SettingsView(WireSchema):
    booking = fields.Nested(BookingPolicy, required=True)
    customers = fields.Nested(CustomerSettings, required=True)
    invoicing = fields.Nested(InvoicingRules, required=True)
    notifications = fields.Nested(NotificationRules, required=True)
    security = fields.Nested(SecuritySettings, required=True)


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
