"""What Twilio, SendGrid and Resend report of a message, each in its own words, and what that means here.

Whoever signs may still send what nobody foresaw: an event without what identifies it is left out, and a word
that is not known is kept, and moves nothing.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from mbs.foundation.json_input import UNSTORABLE
from mbs.receipts.models.forms import Form

LONGEST_NAME = 255
LONGEST_DETAIL = 500

OUR_ID = "notification_id"
"""Under this name SendGrid and Resend get our id with a mail, and return it with each event of it."""

TWILIO_STATES: Mapping[str, str] = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "permanent_failure",
    "failed": "permanent_failure",
}
SENDGRID_STATES: Mapping[str, str] = {
    "processed": "sent",
    "delivered": "delivered",
    "open": "read",
    "click": "read",
    "bounce": "permanent_failure",
    "dropped": "permanent_failure",
}
RESEND_STATES: Mapping[str, str] = {
    "email.sent": "sent",
    "email.delivered": "delivered",
    "email.opened": "read",
    "email.clicked": "read",
    "email.bounced": "permanent_failure",
    "email.failed": "permanent_failure",
    "email.suppressed": "permanent_failure",
}

NOBODY_THERE = frozenset({"63003", "63014", "63024"})
"""Twilio's errors of a number that WhatsApp does not know, or whose owner has blocked the sender. Not 63016:
there the message lacks an approved template, and the number is sound."""

SENDGRID_DROPPED: Mapping[str, str] = {
    "bounced address": "bounced",
    "invalid": "bounced",
    "spam reporting address": "complained",
    "unsubscribed address": "unsubscribed",
}
"""Why SendGrid does not send to an address that is on its own lists."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One report on one message.

    `report` is what the provider calls it, or what makes it the same one when it comes again; `status` is the
    provider's word; `becomes` is the state that it means, None where it means none; `suppresses` is why the
    address gets nothing from now on. A message is found by `message_id`, or by `notification_id` where the
    provider returns it.
    """

    provider: str
    report: str
    status: str
    at: datetime
    message_id: str | None
    notification_id: UUID | None = None
    becomes: str | None = None
    suppresses: str | None = None
    detail: str | None = None

    @property
    def reason(self) -> str | None:
        """Why a message failed, in one word."""
        return (self.suppresses or "undelivered") if self.becomes == "permanent_failure" else None


def twilio_report(form: Form, *, ours: str, now: datetime) -> Report | None:
    """Return what a status callback says; None if it names no message.

    :param ours: our id, as the callback's address brings it back.

    Source: https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
    """
    sid, status = _name(form.first("MessageSid", "SmsSid")), _name(form.first("MessageStatus", "SmsStatus"))
    if sid is None or status is None:
        return None
    error = form.first("ErrorCode")
    message = form.first("ErrorMessage", "ChannelStatusMessage")
    becomes = TWILIO_STATES.get(status)
    return Report(
        provider="twilio",
        # Twilio's callbacks have no id of their own; each status of a message is reported once.
        report=f"{sid}:{status}"[:LONGEST_NAME],
        status=status,
        at=now,
        message_id=sid,
        notification_id=_id(ours),
        becomes=becomes,
        suppresses="unreachable" if becomes == "permanent_failure" and error in NOBODY_THERE else None,
        detail=_text(" ".join(part for part in (error, message) if part)),
    )


def sendgrid_reports(body: Any, *, now: datetime) -> Iterator[Report]:
    """Yield what the events of one request say.

    Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
    """
    for event in body if isinstance(body, list) else ():
        if not isinstance(event, dict):
            continue
        report, status = _name(event.get("sg_event_id")), _name(event.get("event"))
        # What follows the first dot names the server and the recipient.
        sent_as = (_name(event.get("sg_message_id")) or "").partition(".")[0] or None
        ours = _id(event.get(OUR_ID))
        if report is None or status is None or (sent_as is None and ours is None):
            continue
        yield Report(
            provider="sendgrid",
            report=report,
            status=status,
            at=_instant(event.get("timestamp"), now),
            message_id=sent_as,
            notification_id=ours,
            becomes=SENDGRID_STATES.get(status),
            suppresses=_suppressed_by_sendgrid(status, event),
            detail=_text(event.get("reason") or event.get("response")),
        )


def resend_report(report: str, body: Any, *, now: datetime) -> Report | None:
    """Return what an event says; None if it names no mail.

    :param report: its `svix-id`, which stays the same when it is sent again.

    Source: https://resend.com/docs/webhooks/event-types
    """
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, dict):
        return None
    named, status, sent_as = _name(report), _name(body.get("type")), _name(data.get("email_id"))
    if named is None or status is None or sent_as is None:
        return None
    bounce, tags = (one if isinstance(one, dict) else {} for one in (data.get("bounce"), data.get("tags")))
    suppresses = None
    if status == "email.complained":
        suppresses = "complained"
    elif status == "email.bounced" and bounce.get("type", "Permanent") == "Permanent":
        suppresses = "bounced"
    return Report(
        provider="resend",
        report=named,
        status=status,
        at=_instant(body.get("created_at"), now),
        message_id=sent_as,
        notification_id=_id(tags.get(OUR_ID)),
        becomes=RESEND_STATES.get(status),
        suppresses=suppresses,
        detail=_text(bounce.get("message")),
    )


def _suppressed_by_sendgrid(status: str, event: Mapping[str, Any]) -> str | None:
    if status == "bounce":
        # "blocked" is a server that did not take this mail; the address may be sound.
        return None if event.get("type") == "blocked" else "bounced"
    if status == "dropped":
        return SENDGRID_DROPPED.get(str(event.get("reason", "")).strip().lower())
    return {"spamreport": "complained", "unsubscribe": "unsubscribed"}.get(status)


def _name(value: Any) -> str | None:
    fits = isinstance(value, str) and 0 < len(value) <= LONGEST_NAME and not UNSTORABLE.search(value)
    return value if fits else None


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", value)[:LONGEST_DETAIL] or None


def _id(value: Any) -> UUID | None:
    try:
        return UUID(value)
    except (TypeError, ValueError, AttributeError):
        return None


def _instant(value: Any, now: datetime) -> datetime:
    """Return when something happened; nothing happens later than now, whatever a clock elsewhere says."""
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value)
            found = found if found.tzinfo else found.replace(tzinfo=UTC)
        else:
            found = datetime.fromtimestamp(float(value), UTC) if math.isfinite(value) else now
        return min(found, now)
    except (TypeError, ValueError, OverflowError, OSError):
        return now
