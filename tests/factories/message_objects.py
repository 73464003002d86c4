"""What belongs to messages for each id that a path of the API can name."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.notifications.models.recipients import digest_of
from mbs.notifications.repository.notifications import NotificationRepository
from tests.factories.answers import made
from tests.factories.callers import Business

TEMPLATES = "/api/notification-templates"
WORDS = {"subject": "See you soon, {{customer}}", "body": "{{service}}, {{startLocal}}\n\n{{business}}"}


def suppression(owner: Business) -> dict[str, str]:
    body = {"channel": "email", "address": f"{uuid.uuid4().hex}@example.com"}
    return {"suppression_id": made(owner, "/api/suppressions", body)["id"]}


def words(owner: Business) -> dict[str, str]:
    made(owner, f"{TEMPLATES}/booking.confirmed/email/en", WORDS, "PUT")
    return {"key": "booking.confirmed", "channel": "email", "locale": "en"}


def new_notification(owner: Business, **values: Any) -> Row[Any]:
    """Keep a message that failed, to somebody who got nothing."""
    id_ = uuid7()
    row = {
        "id": id_,
        "dedupe_key": id_.hex,
        "rule": "payment.received",
        "audience": "customer",
        "category": "transactional",
        "channel": "email",
        "fallback_channels": [],
        "recipient": "jane@example.com",
        "recipient_digest": digest_of("email", "jane@example.com"),
        "timezone": "Asia/Kolkata",
        "locale": "en-IN",
        "variables": {"customer": "Jane", "location": "Bandra", "number": "RCP/1", "amount": "INR 500.00"},
        "object_type": "payment",
        "object_id": uuid7(),
        "status": "permanent_failure",
        "reason": "sendgrid answered 400 to",
        "attempts": 1,
    }
    with owner.database.transaction(owner.scope) as transaction:
        return NotificationRepository(transaction).add({**row, **values})


def notification(owner: Business) -> dict[str, str]:
    return {"notification_id": str(new_notification(owner).id)}


MAKERS: Mapping[str, Callable[[Business], dict[str, str]]] = {
    "/api/suppressions/{suppression_id}": suppression,
    "/api/notifications/{notification_id}": notification,
    f"{TEMPLATES}/{{key}}/{{channel}}/{{locale}}": words,
}
