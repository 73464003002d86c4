"""What is told of an invoice that no column holds: whether it is paid, and whether that is late."""

from datetime import date, datetime
from typing import Any

from mbs.foundation.local_time import local

STATUSES = ("draft", "open", "paid", "void", "uncollectible")
PAYMENT_STATUSES = ("unpaid", "partial", "paid", "credited")


def payment_status(document: Any) -> str | None:
    """Return how far an invoice is paid; None: nobody has to, for it is a draft or void."""
    if document.status in ("draft", "void"):
        return None
    if document.total and document.amount_credited == document.total:
        return "credited"
    if not document.amount_due:
        return "paid"
    return "partial" if document.amount_paid or document.amount_credited else "unpaid"


def is_overdue(document: Any, at: datetime) -> bool:
    """Tell whether an invoice should have been paid by now, where it was issued.

    :param document: a view, with the `timezone` of its location.
    """
    if document.status != "open" or document.due_date is None:
        return False
    due: date = document.due_date
    return due < local(at, document.timezone).date()
