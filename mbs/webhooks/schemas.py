"""Webhook endpoints and deliveries on the wire. A secret is shown twice in its life: made, and rotated."""

from typing import Any

from marshmallow import fields, validate

from mbs.foundation.schemas import MergePatch, PageQuery, WireSchema, page_schema
from mbs.foundation.wire_fields import Choice, Choices, Instant, Text
from mbs.webhooks.models.subscriptions import MOST_TYPES, SILENT, WANTED
from mbs.webhooks.models.tables import DELIVERY_STATUSES, SORTS, STATUSES

EXAMPLE = {
    "url": "https://example.com/webhooks",
    "eventTypes": ["booking.*", "invoice.issued"],
    "description": "Web shop",
}
URL = {
    "description": "https, at a host of the public internet, without user name, password and fragment.",
    "example": "https://example.com/webhooks",
    "format": "uri",
}
TYPES = {
    "description": "Exact types, all of a kind of object (`booking.*`), or all (`*`). Nothing is told of"
    " webhook endpoints themselves."
}
REASON = {"description": "`by_hand`, `gone` (it answered 410) or `failing` (nothing arrived for five days)."}
ERROR = {
    "description": "A word: `refused`, `redirected`, `timeout`, `connection`, `tls`, `address_refused`,"
    " `bad_answer`, `secret_lost` or `internal`."
}


class WantedType(Text):
    """One type of events, or a pattern of them."""

    def __init__(self, **kwargs: Any) -> None:
        # The pattern of `WANTED`, but for what would never come.
        pattern = rf"(?!{SILENT.replace('.', '[.]')})({WANTED.pattern})"
        super().__init__(maximum=81, pattern=pattern, metadata={"example": "booking.*"}, **kwargs)


class EventTypes(fields.List):
    """One or more different types."""

    def __init__(self, **kwargs: Any) -> None:
        length = validate.Length(min=1, max=MOST_TYPES)
        super().__init__(WantedType(), validate=length, metadata=TYPES, **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> list[Any]:
        return list(dict.fromkeys(super()._deserialize(value, attr, data, **kwargs)))


class CreateEndpoint(WireSchema):
    url = Text(maximum=2000, required=True, metadata=URL)
    event_types = EventTypes(required=True)
    description = Text(maximum=200, allow_none=True)


class ChangeEndpoint(MergePatch):
    url = Text(maximum=2000, metadata=URL)
    event_types = EventTypes()
    description = Text(maximum=200, allow_none=True)
    status = Choice(*STATUSES)


class EndpointQuery(PageQuery):
    sort_by = Choice(*SORTS, load_default="createdAt")


class DeliveryQuery(PageQuery):
    sort_by = Choice(*SORTS, load_default="createdAt")
    status = Choices(*DELIVERY_STATUSES)
    event_type = Text(maximum=81, pattern=r"[a-z_]+\.[a-z_]+", metadata={"example": "booking.created"})
    from_ = Instant(data_key="from")
    to = Instant()


class EndpointView(WireSchema):
    id = fields.UUID(required=True)
    url = fields.String(required=True)
    description = fields.String(required=True, allow_none=True)
    event_types = fields.List(fields.String(), required=True)
    status = fields.String(required=True, metadata={"enum": list(STATUSES)})
    disabled_reason = fields.String(required=True, allow_none=True, metadata=REASON)
    disabled_at = fields.DateTime(required=True, allow_none=True)
    failing_since = fields.DateTime(
        required=True, allow_none=True, metadata={"description": "Since when nothing has arrived."}
    )
    previous_secret_expires_at = fields.DateTime(
        required=True,
        allow_none=True,
        metadata={"description": "Until when the secret before the last rotation signs too."},
    )
    created_by = fields.UUID(required=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class EndpointWithSecret(EndpointView):
    secret = fields.String(
        required=True, metadata={"description": "To verify signatures with; it is shown only here."}
    )


class AttemptView(WireSchema):
    at = fields.DateTime(required=True)
    response_status = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True)
    error = fields.String(required=True, allow_none=True, metadata=ERROR)


class DeliverySummary(WireSchema):
    id = fields.UUID(required=True)
    endpoint_id = fields.UUID(required=True)
    webhook_id = fields.UUID(
        required=True, metadata={"description": "The header `webhook-id`: the event's id, or a test's own."}
    )
    event_id = fields.UUID(required=True, allow_none=True)
    event_type = fields.String(required=True)
    object_id = fields.UUID(required=True)
    status = fields.String(required=True, metadata={"enum": list(DELIVERY_STATUSES)})
    attempts = fields.Integer(required=True)
    next_attempt_at = fields.DateTime(required=True, allow_none=True)
    response_status = fields.Integer(required=True, allow_none=True)
    duration_ms = fields.Integer(required=True, allow_none=True)
    last_error = fields.String(required=True, allow_none=True, metadata=ERROR)
    finished_at = fields.DateTime(required=True, allow_none=True)
    created_at = fields.DateTime(required=True)
    updated_at = fields.DateTime(required=True)
    version = fields.Integer(required=True)


class DeliveryView(DeliverySummary):
    response_body = fields.String(
        required=True, allow_none=True, metadata={"description": "The answer's first kilobyte."}
    )
    history = fields.List(
        fields.Nested(AttemptView), required=True, metadata={"description": "The last 50 attempts."}
    )


EndpointPage = page_schema("WebhookEndpointPage", EndpointView)
DeliveryPage = page_schema("WebhookDeliveryPage", DeliverySummary)


def present_endpoint(row: Any) -> dict[str, Any]:
    """Return an endpoint as `EndpointView` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "url": row.url,
        "description": row.description,
        "eventTypes": row.event_types,
        "status": row.status,
        "disabledReason": row.disabled_reason,
        "disabledAt": row.disabled_at,
        "failingSince": row.failing_since,
        "previousSecretExpiresAt": row.previous_expires_at,
        "createdBy": row.created_by,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def present_summary(row: Any) -> dict[str, Any]:
    """Return a delivery as `DeliverySummary` describes it; a test holds the two together."""
    return {
        "id": row.id,
        "endpointId": row.endpoint_id,
        "webhookId": row.event_id or row.id,
        "eventId": row.event_id,
        "eventType": row.event_type,
        "objectId": row.object_id,
        "status": row.status,
        "attempts": row.attempts,
        "nextAttemptAt": row.due_at if row.status == "retrying" else None,
        "responseStatus": row.response_status,
        "durationMs": row.duration_ms,
        "lastError": row.last_error,
        "finishedAt": row.finished_at,
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
        "version": row.version,
    }


def present_delivery(row: Any) -> dict[str, Any]:
    """Return a delivery as `DeliveryView` describes it; a test holds the two together."""
    return {**present_summary(row), "responseBody": row.response_body, "history": row.history}
