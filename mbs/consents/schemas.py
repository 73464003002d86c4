"""Consents, suppressions, preferences and usage on the wire."""

from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from mbs.consents.models import CATEGORIES, CHANNELS, REASONS, SORTS, SOURCES
from mbs.foundation.place_fields import LanguageTag, timezone
from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, EmailAddress, PhoneNumber, Text

CONSENT_EXAMPLE = {
    "channel": "whatsapp",
    "category": "transactional",
    "status": "granted",
    "source": "form",
    "wording": "Send me my bookings by WhatsApp. I can reply STOP at any time.",
}
SUPPRESSION_EXAMPLE = {"channel": "email", "address": "jane@example.com", "reason": "unsubscribed"}
PREFERENCES_EXAMPLE = {"timezone": "Asia/Kolkata", "locale": "hi"}

TOLD_BY_PEOPLE = ("staff", "form", "import")
"""Sources that a caller may name; `reply` and `provider` are what the service itself was told."""

WORDING = {"description": "What the customer agreed to, word for word. WhatsApp demands one."}


class CreateConsent(WireSchema):
    channel = Choice(*CHANNELS, required=True)
    category = Choice(*CATEGORIES, required=True)
    status = Choice("granted", "withdrawn", required=True)
    source = Choice(*TOLD_BY_PEOPLE, load_default="staff")
    wording = Text(maximum=2000, lines=True, allow_none=True, load_default=None, metadata=WORDING)

    @validates_schema
    def worded(self, data: dict[str, Any], **kwargs: Any) -> None:
        if (data["channel"], data["status"]) == ("whatsapp", "granted") and data["wording"] is None:
            raise ValidationError("Say what the customer agreed to, as WhatsApp demands.", "wording")


class ConsentQuery(PageQuery):
    sort_by = Choice(*SORTS, load_default="createdAt")


class ConsentView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    customer_id = fields.UUID(required=True)
    channel = fields.String(required=True, metadata={"enum": list(CHANNELS)})
    category = fields.String(required=True, metadata={"enum": list(CATEGORIES)})
    status = fields.String(required=True, metadata={"enum": ["granted", "withdrawn"]})
    source = fields.String(required=True, metadata={"enum": list(SOURCES)})
    wording = fields.String(required=True, allow_none=True)
    created_by = fields.UUID(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


ConsentPage = page_schema("ConsentPage", ConsentView)


class PutPreferences(WireSchema):
    timezone = timezone(
        allow_none=True, load_default=None, metadata={"description": "null: that of the location."}
    )
    locale = LanguageTag(
        allow_none=True, load_default=None, metadata={"description": "null: the business's."}
    )


class PreferencesView(WireSchema):
    customer_id = fields.UUID(required=True)
    timezone = fields.String(required=True, allow_none=True)
    locale = fields.String(required=True, allow_none=True)
    updated_at = fields.DateTime(required=True, allow_none=True)
    version = fields.Integer(required=True, metadata={"description": "0: never said."})


class CreateSuppression(WireSchema):
    channel = Choice(*CHANNELS, required=True)
    address = Text(
        maximum=254,
        required=True,
        metadata={"description": "An e-mail address, or a phone number with its country code."},
    )
    reason = Choice(*REASONS, load_default="manual")

    @post_load
    def of_the_channel(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        field: EmailAddress | PhoneNumber = EmailAddress() if data["channel"] == "email" else PhoneNumber()
        try:
            return {**data, "address": field.deserialize(data["address"])}
        except ValidationError as fault:
            raise ValidationError(fault.messages, "address") from None


class SuppressionQuery(PageQuery):
    channel = Choice(*CHANNELS)
    reason = Choices(*REASONS)
    address = Text(maximum=254)
    sort_by = Choice(*SORTS, load_default="createdAt")


class SuppressionView(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    channel = fields.String(required=True, metadata={"enum": list(CHANNELS)})
    address = fields.String(required=True)
    reason = fields.String(required=True, metadata={"enum": list(REASONS)})
    created_by = fields.UUID(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)


SuppressionPage = page_schema("SuppressionPage", SuppressionView)


class Metric(WireSchema):
    metric = fields.String(required=True)
    used = fields.Integer(required=True)
    limit = fields.Integer(required=True, allow_none=True, metadata={"description": "null: no end."})


class UsageView(WireSchema):
    plan = fields.String(required=True)
    month = fields.String(required=True, metadata={"pattern": "^[0-9]{4}-[0-9]{2}$", "examples": ["2026-03"]})
    metrics = fields.List(fields.Nested(Metric), required=True)


def present_consent(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a consent as `ConsentView` describes it."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "customerId": row.customer_id,
        "channel": row.channel,
        "category": row.category,
        "status": row.status,
        "source": row.source,
        "wording": row.wording,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
    }


def present_preferences(row: Any, customer_id: Any) -> dict[str, Any]:
    """Return what a customer wants as `PreferencesView` describes it; None: they never said."""
    return {
        "customerId": customer_id,
        "timezone": row and row.timezone,
        "locale": row and row.locale,
        "updatedAt": row and row.updated_at,
        "version": row.version if row else 0,
    }


def present_suppression(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a suppressed address as `SuppressionView` describes it."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "channel": row.channel,
        "address": row.address,
        "reason": row.reason,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
    }
