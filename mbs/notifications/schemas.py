"""Messages on the wire."""

from typing import Any

from marshmallow import ValidationError, fields, post_load

from mbs.consents.models import CATEGORIES, CHANNELS
from mbs.foundation.schemas import PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, EmailAddress, Id, Instant, PhoneNumber, Text
from mbs.notifications.models.rules import RULES
from mbs.notifications.models.tables import SORTS, STATUSES
from mbs.templates.models.catalog import CATALOG

EXAMPLE = {"channel": "email", "template": "booking.confirmed"}
AUDIENCES = ("customer", "staff", "owner", "test")
EVENTS = tuple(dict.fromkeys([*RULES, *CATALOG]))

REASON = {
    "description": "Why it did not go out: `no_consent`, `suppressed_address`, `plan_limit`,"
    " `no_content_template`, `provider_not_configured`, `unrenderable`, or what the provider said."
}


class SendSample(WireSchema):
    channel = Choice(*CHANNELS, required=True)
    to = Text(
        maximum=254,
        load_default=None,
        metadata={"description": "An e-mail address or a phone number; left out: your own address."},
    )
    template = Choice(*CATALOG)

    @post_load
    def of_the_channel(self, data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        if data["to"] is None:
            return data
        field: EmailAddress | PhoneNumber = EmailAddress() if data["channel"] == "email" else PhoneNumber()
        try:
            return {**data, "to": field.deserialize(data["to"])}
        except ValidationError as fault:
            raise ValidationError(fault.messages, "to") from None


class NotificationQuery(PageQuery):
    status = Choices(*STATUSES)
    channel = Choices(*CHANNELS)
    customer_id = Id()
    event = Choice(*EVENTS, metadata={"description": "What it is about."})
    from_ = Instant(data_key="from")
    to = Instant(metadata={"description": "Of its making, like `from`; the first instant behind."})
    sort_by = Choice(*SORTS, load_default="createdAt")


class ListedNotification(WireSchema):
    id = fields.UUID(required=True)
    tenant_id = fields.UUID(required=True)
    event = fields.String(required=True)
    audience = fields.String(required=True, metadata={"enum": list(AUDIENCES)})
    category = fields.String(required=True, metadata={"enum": list(CATEGORIES)})
    channel = fields.String(required=True, metadata={"enum": list(CHANNELS)})
    fallback_of = fields.UUID(
        required=True, allow_none=True, metadata={"description": "The one that failed on another channel."}
    )
    customer_id = fields.UUID(required=True, allow_none=True)
    recipient = fields.String(required=True)
    timezone = fields.String(required=True)
    locale = fields.String(required=True)
    template_version = fields.Integer(
        required=True, allow_none=True, metadata={"description": "0: the built-in words."}
    )
    subject = fields.String(required=True, allow_none=True)
    object_type = fields.String(required=True)
    object_id = fields.UUID(required=True)
    event_id = fields.UUID(required=True, allow_none=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    reason = fields.String(required=True, allow_none=True, metadata=REASON)
    attempts = fields.Integer(required=True)
    due_at = fields.DateTime(required=True)
    expires_at = fields.DateTime(required=True, allow_none=True)
    provider = fields.String(required=True, allow_none=True)
    provider_message_id = fields.String(required=True, allow_none=True)
    sent_at = fields.DateTime(required=True, allow_none=True)
    delivered_at = fields.DateTime(required=True, allow_none=True)
    read_at = fields.DateTime(required=True, allow_none=True)
    finished_at = fields.DateTime(required=True, allow_none=True)
    version = fields.Integer(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)


class NotificationView(ListedNotification):
    body = fields.String(
        required=True, allow_none=True, metadata={"description": "Its text; null before its first attempt."}
    )


NotificationPage = page_schema("NotificationPage", ListedNotification)


def present_listed(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a message as `ListedNotification` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "tenantId": tenant_id,
        "event": row.rule,
        "audience": row.audience,
        "category": row.category,
        "channel": row.channel,
        "fallbackOf": row.fallback_of,
        "customerId": row.customer_id,
        "recipient": row.recipient,
        "timezone": row.timezone,
        "locale": row.locale,
        "templateVersion": row.template_version,
        "subject": row.subject,
        "objectType": row.object_type,
        "objectId": row.object_id,
        "eventId": row.event_id,
        "status": row.status,
        "reason": row.reason,
        "attempts": row.attempts,
        "dueAt": row.due_at,
        "expiresAt": row.expires_at,
        "provider": row.provider,
        "providerMessageId": row.provider_message_id,
        "sentAt": row.sent_at,
        "deliveredAt": row.delivered_at,
        "readAt": row.read_at,
        "finishedAt": row.finished_at,
        "version": row.version,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def present(row: Any, tenant_id: Any) -> dict[str, Any]:
    """Return a message as `NotificationView` describes it."""
    return {**present_listed(row, tenant_id), "body": row.body}
