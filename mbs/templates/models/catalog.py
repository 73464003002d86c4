"""Which messages there are, on which channels, and what each may name (domain 6)."""

from collections.abc import Mapping
from dataclasses import dataclass

CHANNELS = ("email", "whatsapp")

SOMETIMES = frozenset({"reason", "staff", "manageUrl", "payUrl"})
"""Variables that a message may have no value for. A line that names one of them is then left out; any other
value that is missing is a fault."""


@dataclass(frozen=True, slots=True)
class TemplateKey:
    """One message: to whom it goes, what its words may name, where it can be sent."""

    key: str
    audience: str
    variables: tuple[str, ...]
    channels: tuple[str, ...]


BOOKING = (*("business", "customer", "service", "staff", "location", "reference", "startLocal", "manageUrl"),)
INVOICE = ("business", "customer", "location", "number", "total", "amountDue", "dueDate", "payUrl")

OF_BOOKINGS: Mapping[str, tuple[str, ...]] = {
    "booking.confirmed": BOOKING,
    "booking.pending": BOOKING,
    "booking.rescheduled": (*BOOKING, "previousStartLocal", "reason"),
    "booking.cancelled": (*BOOKING, "reason"),
    "booking.declined": (*BOOKING, "reason"),
}
"""What staff hear of too, under the same key with `.staff` behind it."""

TO_CUSTOMERS: Mapping[str, tuple[str, ...]] = {
    **OF_BOOKINGS,
    "booking.reminder_24h": BOOKING,
    "booking.reminder_2h": BOOKING,
    "booking.no_show": BOOKING,
    "booking.feedback": BOOKING,
    "waitlist.offered": (
        *("business", "customer", "service", "staff", "location", "startLocal"),
        *("offerExpiresLocal", "manageUrl"),
    ),
    "session.cancelled": (*("business", "customer", "service", "staff", "location", "startLocal", "reason"),),
    "invoice.issued": INVOICE,
    "invoice.sent": INVOICE,
    "invoice.due_soon": INVOICE,
    "invoice.overdue": INVOICE,
    "payment.received": ("business", "customer", "location", "number", "amount"),
    "refund.succeeded": ("business", "customer", "location", "number", "amount", "reason"),
    "credit_note.issued": ("business", "customer", "location", "number", "total", "reason"),
}

TO_OWNERS: Mapping[str, tuple[str, ...]] = {
    "usage.threshold": ("business", "metric", "used", "limit"),
    "webhook.disabled": ("business", "url", "reason"),
    "notification.failed": ("business", "count"),
}


def _catalog() -> dict[str, TemplateKey]:
    staff = {f"{key}.staff": variables for key, variables in OF_BOOKINGS.items()}
    groups = (
        ("customer", TO_CUSTOMERS, CHANNELS),
        # They have an account, and with it an address for mail; nobody keeps their numbers.
        ("staff", staff, ("email",)),
        ("owner", TO_OWNERS, ("email",)),
    )
    return {
        key: TemplateKey(key=key, audience=audience, variables=variables, channels=channels)
        for audience, group, channels in groups
        for key, variables in group.items()
    }


CATALOG: Mapping[str, TemplateKey] = _catalog()
"""Every message by its key."""
