"""Sending what is due: a batch of one business is decided about and committed, then handed over.

While providers are spoken to, no transaction is open. Whoever dies then leaves the batch to another worker, a
minute later: a message may go out twice, under one id, and is never lost.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Busy, Unavailable
from mbs.foundation.scope import TenantId
from mbs.mail.gateways import interface as provider
from mbs.mail.models import Message
from mbs.notifications.gateways.interface import WhatsAppGateway
from mbs.notifications.models.attempts import BATCH, FAILED, KEPT, LAST_START, LEASE, Outcome
from mbs.notifications.repository.queue import NotificationQueue, QueueRepository
from mbs.notifications.service.deciding import Batch, Deciding, Outgoing, Threshold

log = logging.getLogger("mbs.job")

THREADS = 8
MARK_SECONDS = 0.5
"""After so long what has been sent is marked, though others are still being sent."""

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateways:
    """By what each channel goes; `configured` are those that have a provider."""

    email: provider.Gateway
    whatsapp: WhatsAppGateway
    configured: Collection[str]

    def ready(self) -> list[str]:
        """Return the channels on which it is any use to send now."""
        return [
            name for name, gateway in (("email", self.email), ("whatsapp", self.whatsapp)) if gateway.ready()
        ]

    def send(self, content: Any) -> provider.Receipt:
        """Hand a message over; raises what `mbs.mail.gateways.interface.Gateway.send` does."""
        if isinstance(content, Message):
            return self.email.send(content)
        return self.whatsapp.send(content.to, content.content_sid, content.variables, content.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a message came to its end, or was sent."""

    id: UUID
    status: str
    reason: str | None
    rule: str
    audience: str
    channel: str
    fallback_channels: Collection[str]
    customer_id: UUID | None

    @classmethod
    def of(cls, row: Any, status: str, reason: str | None) -> "End":
        names = ("id", "rule", "audience", "channel", "fallback_channels", "customer_id")
        return cls(status=status, reason=reason, **{name: getattr(row, name) for name in names})


class SendingService:
    """One per worker: it remembers whose turn it was, and has threads of its own.

    :param now: the clock of leases, in seconds.
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        gateways: Gateways,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._gateways = gateways
        self._now = now
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="sending")
        self._last: TenantId | None = None

    def send_next(self) -> bool:
        """Send what is due of the business whose turn it is, at most 32 messages; tell whether there was one.

        Returns when all of them have been sent, or given back.
        """
        channels = self._gateways.ready()
        if not channels:
            return False
        begun = self._now()
        batch = self._claim(channels)
        if batch is None:
            return False
        if self._last is not None and batch.outgoing:
            self._hand_over(self._last, batch.outgoing, begun)
        return True

    def promote(self) -> int:
        """Queue what has become due, at most 500 messages of any business; return how many."""
        with self._begin(Role.IDENTITY) as transaction:
            return NotificationQueue(transaction).promote(self._clock.now())

    def waiting(self) -> int:
        """Return how many messages are due."""
        with self._begin(Role.IDENTITY) as transaction:
            return NotificationQueue(transaction).waiting()

    def tidy(self) -> int:
        """Remove messages that ended more than 90 days ago; return how many."""
        before, removed = self._clock.now() - KEPT, 0
        with self._begin(Role.IDENTITY) as transaction:
            tenants = NotificationQueue(transaction).forgetful(before)
        for tenant_id in tenants:
            gone = -1
            while gone:
                with self._begin(Role.IDENTITY) as transaction:
                    transaction.enter_tenant(tenant_id)
                    gone = QueueRepository(transaction).forget(before)
                removed += gone
        return removed

    def close(self) -> None:
        """End the threads; what they have in hand is finished first."""
        self._threads.shutdown()

    def _claim(self, channels: Collection[str]) -> Batch | None:
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = NotificationQueue(transaction).next_tenant(self._last, channels=channels)
            if tenant_id is None:
                return None
            # Before anything can fail: what is wrong with one business must not keep the next from its turn.
            self._last = tenant_id
            transaction.enter_tenant(tenant_id)
            rows = QueueRepository(transaction).claim(limit=BATCH, channels=channels)
            if not rows:
                return Batch()
            batch = Deciding(transaction, rows, at=at, configured=self._gateways.configured).decide()
            ended = [End.of(row, decision["status"], decision.get("reason")) for row, decision in batch.ended]
            self._conclude(transaction, ended, batch.crossed, at=at)
        _tell(ended)
        return batch

    def _hand_over(self, tenant_id: TenantId, outgoing: Iterable[Outgoing], begun: float) -> None:
        until = begun + LEASE.total_seconds()
        pending = {self._threads.submit(self._send, one, begun): one for one in outgoing}
        outcomes: dict[UUID, tuple[int, Outcome]] = {}
        while pending or outcomes:
            done, _ = wait(pending, timeout=MARK_SECONDS)
            for future in done:
                one = pending.pop(future)
                outcomes[one.id] = one.attempts, future.result()
            try:
                if outcomes:
                    self._mark(tenant_id, outcomes)
                    outcomes = {}
            except (Unavailable, Busy):
                # What was sent is worth waiting for: it would be sent again.
                if self._now() > until:
                    raise
                time.sleep(MARK_SECONDS)

    def _send(self, one: Outgoing, begun: float) -> Outcome:
        if self._now() > begun + LAST_START.total_seconds():
            return Outcome.given_back()
        try:
            receipt = self._gateways.send(one.content)
        except provider.Suppressed:
            return Outcome(status="suppressed", reason="provider_not_configured")
        except provider.Misconfigured as reason:
            return Outcome(status="technical_failure", reason=_short(reason))
        except provider.Refused as reason:
            return Outcome(status="permanent_failure", reason=_short(reason))
        except provider.NotTried:
            return Outcome.given_back()
        except provider.Unavailable as reason:
            return self._put_off(one, _short(reason), reason.retry_after)
        except Exception as error:
            # A fault of a gateway. The text may name anybody.
            log.exception("message not sent", extra=_about(one.id, one, "job.message_faulty"))
            return self._put_off(one, type(error).__name__, None)
        return Outcome(status="sent", provider=receipt.provider, provider_message_id=receipt.message_id)

    def _put_off(self, one: Outgoing, reason: str, retry_after: float | None) -> Outcome:
        at = self._clock.now()
        return Outcome.put_off(reason, attempts=one.attempts, at=at, retry_after=retry_after)

    def _mark(self, tenant_id: TenantId, outcomes: Mapping[UUID, tuple[int, Outcome]]) -> None:
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(tenant_id)
            rows = QueueRepository(transaction).mark(outcomes, at=at)
            ended = [End.of(row, row.status, row.reason) for row in rows]
            self._conclude(transaction, ended, (), at=at)
        _tell(ended)

    def _conclude(
        self,
        transaction: Transaction,
        ended: Iterable[End],
        crossed: Iterable[Threshold],
        *,
        at: datetime,
    ) -> None:
        lost = [one for one in ended if one.status in FAILED or one.status == "suppressed"]
        again = [one.id for one in lost if one.customer_id is not None and one.fallback_channels]
        if again:
            QueueRepository(transaction).fall_back(again, at=at)
        events = EventRepository(transaction)
        for one in lost:
            if one.audience == "customer" and one.status in FAILED:
                said = ("id", "rule", "channel", "status", "reason", "customer_id")
                events.append(
                    type_="notification.failed",
                    object_type="notification",
                    object_id=one.id,
                    at=at,
                    data={"object": {name: getattr(one, name) for name in said}, "previous": {}},
                )
        for threshold in crossed:
            names = ("metric", "used", "limit", "percent")
            events.append(
                type_="usage.threshold",
                object_type="tenant",
                object_id=transaction.tenant_id,
                at=at,
                data={"object": {name: getattr(threshold, name) for name in names}, "previous": {}},
            )


def _tell(ended: Iterable[End]) -> None:
    for one in ended:
        if one.status == "queued":
            continue
        level = logging.WARNING if one.status in FAILED or one.status == "temporary_failure" else logging.INFO
        about = {**_about(one.id, one, f"job.message_{one.status}"), "reason": one.reason}
        log.log(level, "message handled", extra=about)


def _about(id_: UUID, one: Any, event: str) -> dict[str, Any]:
    return {"event": event, "notification": str(id_), "rule": one.rule, "channel": one.channel}


def _short(reason: Exception) -> str:
    return str(reason).replace("\x00", "")[:LONGEST_REASON]
