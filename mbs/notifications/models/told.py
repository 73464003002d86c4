"""What an event tells of, as far as messages are concerned."""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

CONCERNING = frozenset(
    {
        *("booking.created", "booking.confirmed", "booking.updated", "booking.rescheduled"),
        *("booking.cancelled", "booking.declined", "booking.expired", "booking.no_show", "booking.completed"),
        "waitlist.offered",
        *("invoice.issued", "invoice.sent", "invoice.paid", "invoice.reopened", "invoice.voided"),
        *("invoice.marked_uncollectible", "invoice.credited", "credit_note.issued"),
        *("payment.received", "payment.applied", "payment.unapplied", "payment.reversed", "refund.succeeded"),
        "customer.updated",
        *("usage.threshold", "webhook.disabled", "notification.failed"),
    }
)
"""Types of events that set off messages, or after which planned ones say something else."""

ADDRESSES = frozenset({"email", "phone"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """`now` is what the object has become, `previous` what those members that changed held before."""

    id: UUID
    seq: int
    type: str
    at: datetime
    object_id: UUID
    data: Mapping[str, Any]
    now: Mapping[str, Any]
    previous: Mapping[str, Any]

    @classmethod
    def of(cls, event: Any) -> Self | None:
        """Return what an event tells of; None: nothing that concerns messages, or its data was erased."""
        if event.data is None or event.type not in CONCERNING:
            return None
        return cls(
            id=event.id,
            seq=event.seq,
            type=event.type,
            at=event.at,
            object_id=event.object_id,
            data=event.data,
            now=event.data.get("object") or {},
            previous=event.data.get("previous") or {},
        )

    @property
    def booking_id(self) -> UUID | None:
        """The booking that it is about; of an offer the one that holds the seats."""
        if self.type == "waitlist.offered":
            return UUID(self.now["booking_id"])
        return self.object_id if self.type.startswith("booking.") else None

    @property
    def document_ids(self) -> Set[UUID]:
        """The invoice or credit note that it is about; of money the invoices that it was for."""
        if self.type.startswith(("invoice.", "credit_note.")):
            return {self.object_id}
        return {UUID(one["invoice_id"]) for one in self.data.get("allocations") or ()}

    @property
    def payment_id(self) -> UUID | None:
        """The payment to read for what it says of money that came in, or went back."""
        if self.type == "refund.succeeded":
            return UUID(self.now["payment_id"])
        return self.object_id if self.type == "payment.received" else None

    @property
    def moved_customer_id(self) -> UUID | None:
        """The customer whose addresses it changed."""
        moved = self.type == "customer.updated" and not ADDRESSES.isdisjoint(self.previous)
        return self.object_id if moved else None

    @property
    def start_at(self) -> datetime:
        """When the booking began that it is about, after it."""
        return datetime.fromisoformat(self.now["start_at"])

    @property
    def previous_start_at(self) -> datetime | None:
        before = self.previous.get("start_at")
        return datetime.fromisoformat(before) if before else None
