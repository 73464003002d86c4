"""A delivery in a worker's hand."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mbs.foundation.scope import TenantId
from mbs.webhooks.models.attempts import Attempt, next_attempt
from mbs.webhooks.models.tables import TEST


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """What one attempt needs, so that no transaction has to be open meanwhile.

    `latest_start` is an instant of `time.monotonic()`; `was_failing` is of the endpoint, when it was claimed.
    """

    tenant_id: TenantId
    id: UUID
    endpoint_id: UUID
    event_type: str
    version: int
    number: int
    webhook_id: str
    url: str
    secrets: tuple[str, ...]
    body: bytes
    was_failing: bool
    latest_start: float


@dataclass(frozen=True, slots=True)
class Sent:
    """A sending and what became of it."""

    sending: Sending
    attempt: Attempt

    @property
    def arrived(self) -> bool:
        return self.attempt.error is None

    def as_row(self) -> dict[str, Any]:
        """Return what is written of it."""
        again: datetime | None = None
        if not (self.arrived or self.attempt.is_gone or self.sending.event_type == TEST):
            again = next_attempt(self.attempt, number=self.sending.number)
        ended = "delivered" if self.arrived else "failed"
        return {
            "id": self.sending.id,
            "version": self.sending.version,
            "status": ended if again is None else "retrying",
            "due_at": again,
            "finished_at": self.attempt.at if again is None else None,
            "response_status": self.attempt.status,
            "response_body": self.attempt.excerpt,
            "duration_ms": self.attempt.duration_ms,
            "last_error": self.attempt.error,
            "entry": self.attempt.as_history(),
        }


def body_of_test(delivery: Any, tenant_id: TenantId) -> dict[str, Any]:
    """Return what a delivery for its own sake says, in the form of an event that never was."""
    return {
        "id": delivery.id,
        "type": TEST,
        "createdAt": delivery.created_at,
        "tenantId": tenant_id,
        "objectType": "webhook_endpoint",
        "objectId": delivery.endpoint_id,
        "data": {"object": {"id": delivery.endpoint_id}, "previous": {}},
    }
