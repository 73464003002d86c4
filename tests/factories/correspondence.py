"""The messages of a business, with a row in every table of messages and of webhooks."""

from datetime import UTC, date, datetime
from uuid import UUID, uuid4

from sqlalchemy import insert

from mbs.consents.repository import UsageRepository
from mbs.foundation.db import Role
from mbs.outbox.models import EventCursor
from mbs.outbox.repository import FailureRepository
from mbs.receipts.models.reports import Report
from mbs.receipts.repository import ReceiptRepository
from tests.factories.answers import listed, made
from tests.factories.callers import Business
from tests.factories.message_objects import TEMPLATES, new_notification, suppression
from tests.factories.webhook_objects import ended_delivery

CONSENT = {"channel": "whatsapp", "category": "transactional", "status": "granted", "source": "form"}


def whole_correspondence(owner: Business, word: str = "word") -> None:
    """Write messages, what providers and customers said of them, and deliveries of events.

    :param word: what stands in every text.
    """
    customer = f"/api/customers/{made(owner, '/api/customers', {'name': word})['id']}"
    made(owner, f"{customer}/consents", {**CONSENT, "wording": word})
    made(owner, f"{customer}/preferences", {"timezone": "Asia/Kolkata", "locale": "hi"}, "PUT")
    suppression(owner)
    made(owner, "/api/suppressions", {"channel": "email", "address": f"{word}@example.com"})
    made(owner, f"{TEMPLATES}/booking.confirmed/email/en", {"subject": word, "body": word}, "PUT")
    endpoint = ended_delivery(owner)["endpoint_id"]
    made(owner, f"/api/webhook-endpoints/{endpoint}", {"description": word}, "PATCH")
    message = new_notification(
        owner,
        customer_id=UUID(customer.rpartition("/")[2]),
        recipient=f"{word}@example.com",
        variables={"customer": word},
        subject=word,
        body=word,
        reason=word,
        provider="sendgrid",
        provider_message_id=word,
    )
    _follow(owner, message.id, word)


def _follow(owner: Business, message_id: UUID, word: str) -> None:
    """Write what no request writes: the worker's rows, and a provider's report."""
    now, event_id = datetime.now(UTC), UUID(listed(owner, "/api/events")[0]["id"])
    report = Report(
        provider="sendgrid", report=uuid4().hex, status="bounce", at=now, message_id=word, detail=word
    )
    with owner.database.transaction(owner.scope) as transaction:
        ReceiptRepository(transaction).keep([(message_id, report)])
        UsageRepository(transaction).take("email", date(now.year, now.month, 1), 1, None)
        FailureRepository(transaction).record(event_id, "notifications", due_at=now, error=word)
    with owner.database.transaction(owner.scope, Role.IDENTITY) as transaction:
        transaction.execute(insert(EventCursor).values(tenant_id=owner.tenant_id))
