"""Which event sets off which message, to whom and when (domain 6). A business may switch each rule off."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

HOUR = timedelta(hours=1)
STALE = timedelta(hours=24)
"""An event that is older when it is followed sets off nothing: nobody is greeted about last week."""

TWICE = timedelta(minutes=10)
"""Of an invoice that is issued and sent within so much, the customer hears once."""

COMING = frozenset({"confirmed", "checked_in"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of message. `key` is what settings call it; `template` names its words, "": the key does.

    `statuses` are those of its object in which it is still true; none: always. `upcoming`: it speaks of a
    time that lies ahead, so it ends with that time and falls with its move. `planned`: it is set for a time
    and follows its object, whatever happens to that. `digest`: it goes once a day.
    """

    key: str
    event: str = ""
    audience: str = "customer"
    category: str = "transactional"
    object_type: str = "booking"
    delay: timedelta = timedelta(0)
    statuses: frozenset[str] = frozenset()
    upcoming: bool = False
    planned: bool = False
    digest: bool = False
    template: str = ""

    @property
    def words(self) -> str:
        """The key of its template."""
        return self.template or self.key


def _both(key: str, event: str, **fields: Any) -> tuple[Rule, Rule]:
    return (
        Rule(key=key, event=event, **fields),
        Rule(key=f"{key}.staff", event=event, audience="staff", **fields),
    )


CONFIRMED = _both("booking.confirmed", "booking.confirmed", statuses=COMING, upcoming=True)
PENDING = _both("booking.pending", "booking.created", statuses=frozenset({"pending"}), upcoming=True)
RESCHEDULED = _both(
    "booking.rescheduled", "booking.rescheduled", statuses=COMING | {"pending"}, upcoming=True
)
CANCELLED = _both("booking.cancelled", "booking.cancelled", statuses=frozenset({"cancelled"}))
DECLINED = _both("booking.declined", "booking.declined", statuses=frozenset({"declined"}))
CLASS_CANCELLED = Rule(key="session.cancelled", event="booking.cancelled", statuses=frozenset({"cancelled"}))
NO_SHOW = Rule(key="booking.no_show", event="booking.no_show", delay=HOUR, statuses=frozenset({"no_show"}))
FEEDBACK = Rule(
    key="booking.feedback", event="booking.completed", delay=HOUR, statuses=frozenset({"completed"})
)
OFFERED = Rule(
    key="waitlist.offered",
    event="waitlist.offered",
    object_type="waitlist_entry",
    statuses=frozenset({"offered"}),
)
ISSUED = frozenset({"open", "paid", "uncollectible"})
INVOICE_ISSUED = Rule(key="invoice.issued", event="invoice.issued", object_type="invoice", statuses=ISSUED)
INVOICE_SENT = Rule(key="invoice.sent", event="invoice.sent", object_type="invoice", statuses=ISSUED)
PAYMENT = Rule(key="payment.received", event="payment.received", object_type="payment")
REFUND = Rule(key="refund.succeeded", event="refund.succeeded", object_type="refund")
CREDIT_NOTE = Rule(key="credit_note.issued", event="credit_note.issued", object_type="credit_note")


def _digest(key: str, object_type: str) -> Rule:
    return Rule(key=key, event=key, audience="owner", object_type=object_type, digest=True)


USAGE = _digest("usage.threshold", "tenant")
WEBHOOK_DISABLED = _digest("webhook.disabled", "webhook_endpoint")
FAILED = _digest("notification.failed", "notification")


def _before(key: str, delay: timedelta) -> Rule:
    return Rule(key=key, delay=-delay, statuses=COMING, upcoming=True, planned=True)


BOOKING_REMINDERS: Sequence[Rule] = (
    _before("booking.reminder_24h", timedelta(hours=24)),
    _before("booking.reminder_2h", timedelta(hours=2)),
)
"""`delay` is from the start."""


def _from_due_date(key: str, days: int, template: str = "") -> Rule:
    return Rule(
        key=key,
        object_type="invoice",
        delay=timedelta(days=days),
        statuses=frozenset({"open"}),
        planned=True,
        template=template,
    )


INVOICE_REMINDERS: Sequence[Rule] = (
    _from_due_date("invoice.due_soon", -3),
    _from_due_date("invoice.overdue_1", 1, "invoice.overdue"),
    _from_due_date("invoice.overdue_7", 7, "invoice.overdue"),
    _from_due_date("invoice.overdue_15", 15, "invoice.overdue"),
)
"""`delay` is from the due date, at nine in the morning of the location."""

MORNING = 9

RULES: Mapping[str, Rule] = {
    rule.key: rule
    for rule in (
        *CONFIRMED,
        *PENDING,
        *RESCHEDULED,
        *CANCELLED,
        *DECLINED,
        CLASS_CANCELLED,
        NO_SHOW,
        FEEDBACK,
        OFFERED,
        INVOICE_ISSUED,
        INVOICE_SENT,
        PAYMENT,
        REFUND,
        CREDIT_NOTE,
        USAGE,
        WEBHOOK_DISABLED,
        FAILED,
        *BOOKING_REMINDERS,
        *INVOICE_REMINDERS,
    )
}

PLANNED = tuple(rule.key for rule in RULES.values() if rule.planned)

_BY_EVENT: Mapping[str, Sequence[Rule]] = {
    "booking.declined": DECLINED,
    "booking.no_show": (NO_SHOW,),
    "booking.completed": (FEEDBACK,),
    "waitlist.offered": (OFFERED,),
    "invoice.issued": (INVOICE_ISSUED,),
    "invoice.sent": (INVOICE_SENT,),
    "payment.received": (PAYMENT,),
    "refund.succeeded": (REFUND,),
    "credit_note.issued": (CREDIT_NOTE,),
    "usage.threshold": (USAGE,),
    "webhook.disabled": (WEBHOOK_DISABLED,),
    "notification.failed": (FAILED,),
}


def set_off(type_: str, now: Mapping[str, Any], previous: Mapping[str, Any]) -> Sequence[Rule]:
    """Return which messages an event sets off at once.

    :param now: what its object has become, as the event tells.
    :param previous: what those of its members that changed held before.
    """
    if type_ == "booking.created":
        return _of_state(now)
    if type_ in ("booking.confirmed", "booking.updated"):
        # That a no-show is taken back is between the staff and their list.
        return _of_state(now) if previous.get("status") in ("held", "pending") else ()
    if type_ == "booking.rescheduled":
        return _of_move(now, previous)
    if type_ == "booking.cancelled":
        return CANCELLED
    return _BY_EVENT.get(type_, ())


def _of_state(now: Mapping[str, Any]) -> Sequence[Rule]:
    return {"confirmed": CONFIRMED, "pending": PENDING}.get(now["status"], ())


def _of_move(now: Mapping[str, Any], previous: Mapping[str, Any]) -> Sequence[Rule]:
    if "start_at" not in previous or now.get("status") not in RESCHEDULED[0].statuses:
        return ()
    # Who teaches a class moved it with all its seats, and is not told of each.
    moved_with_class = now.get("session_id") is not None and "session_id" not in previous
    return RESCHEDULED[:1] if moved_with_class else RESCHEDULED


def is_enabled(rule: Rule, overrides: Mapping[str, Any]) -> bool:
    """Tell whether a business has left a rule on.

    :param overrides: `rules` of its settings: by key `{"enabled": bool}`.
    """
    return bool(overrides.get(rule.key, {}).get("enabled", True))
