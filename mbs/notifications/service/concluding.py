"""What follows when a message has come to its end: another channel, events, a line in the log."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.notifications.models.attempts import FAILED
from mbs.notifications.repository.queue import QueueRepository
from mbs.notifications.service.deciding import Threshold

log = logging.getLogger("mbs.job")


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a message came to its end, was sent, or waits for another attempt."""

    id: UUID
    status: str
    reason: str | None
    rule: str
    audience: str
    channel: str
    fallback_channels: Collection[str]
    customer_id: UUID | None

    @classmethod
    def of(cls, row: Any, status: str, reason: str | None) -> Self:
        """Return that of a row of the queue."""
        names = ("id", "rule", "audience", "channel", "fallback_channels", "customer_id")
        return cls(status=status, reason=reason, **{name: getattr(row, name) for name in names})


def conclude(
    transaction: Transaction, ended: Iterable[End], crossed: Iterable[Threshold], *, at: datetime
) -> None:
    """Queue what failed on its next channel, and append the events, a transaction's last statements.

    :param crossed: what was used in the same transaction.
    """
    lost = [one for one in ended if one.status in FAILED or one.status == "suppressed"]
    again = [one.id for one in lost if one.customer_id is not None and one.fallback_channels]
    if again:
        QueueRepository(transaction).fall_back(again, at=at)
    failed = [one for one in lost if one.audience == "customer" and one.status in FAILED]
    told = [
        *(("notification.failed", "notification", one.id, _said(one)) for one in failed),
        *(("usage.threshold", "tenant", transaction.tenant_id, _crossed(one)) for one in crossed),
    ]
    for type_, object_type, object_id, said in told:
        EventRepository(transaction).append(
            type_=type_,
            object_type=object_type,
            object_id=object_id,
            at=at,
            data={"object": said, "previous": {}},
        )


def tell(ended: Iterable[End]) -> None:
    """Write a line in the log about each; never to whom it went."""
    for one in ended:
        if one.status == "queued":
            continue
        alarming = one.status in FAILED or one.status == "temporary_failure"
        extra = {**about(one, f"job.message_{one.status}"), "reason": one.reason}
        log.log(logging.WARNING if alarming else logging.INFO, "message handled", extra=extra)


def about(one: Any, event: str) -> dict[str, Any]:
    return {"event": event, "notification": str(one.id), "rule": one.rule, "channel": one.channel}


def _said(one: End) -> dict[str, Any]:
    names = ("id", "rule", "channel", "status", "reason", "customer_id")
    return {name: getattr(one, name) for name in names}


def _crossed(one: Threshold) -> dict[str, Any]:
    return {"metric": one.metric, "used": one.used, "limit": one.limit, "percent": one.percent}
