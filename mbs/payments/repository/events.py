"""The one place where the events of payments and refunds are written."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.money import shown


def record(
    transaction: Transaction,
    *,
    type_: str,
    payment: Row[Any],
    previous: Mapping[str, Any],
    at: datetime,
    allocations: Iterable[tuple[UUID, Decimal]] = (),
) -> None:
    """Write the event of a change of a payment, behind all other statements.

    :param payment: its row after the change.
    :param previous: what the changed columns held before.
    :param allocations: which invoices it was applied to by that, or taken from, and how much.
    """
    data: dict[str, Any] = {
        "object": _told(payment._asdict(), payment.currency),
        "previous": _told(previous, payment.currency),
    }
    applied = [
        {"invoice_id": invoice_id, "amount": shown(amount, payment.currency)}
        for invoice_id, amount in allocations
    ]
    if applied:
        data["allocations"] = applied
    EventRepository(transaction).append(
        type_=type_, object_type="payment", object_id=payment.id, at=at, data=data
    )


def record_refund(transaction: Transaction, *, refund: Row[Any], at: datetime) -> None:
    """Write the event of a refund, behind all other statements."""
    data = {"object": _told(refund._asdict(), refund.currency), "previous": {}}
    EventRepository(transaction).append(
        type_="refund.succeeded", object_type="refund", object_id=refund.id, at=at, data=data
    )


def changes(before: Row[Any], after: Row[Any]) -> Mapping[str, Any]:
    """Return what the columns that a settlement changes held before."""
    settled = ("status", "amount_applied", "amount_refunded", "reversed_at", "reverse_reason")
    return {name: getattr(before, name) for name in settled if getattr(before, name) != getattr(after, name)}


def _told(values: Mapping[str, Any], currency: str) -> dict[str, Any]:
    return {
        name: shown(value, currency) if isinstance(value, Decimal) else value
        for name, value in values.items()
    }
