"""Sending what is due: a batch of one business is decided about and committed, then handed over.

While providers are spoken to, no transaction is open. Whoever dies then leaves the batch to another worker, a
minute later: a message may go out twice, under one id, and is never lost.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role
from mbs.foundation.errors import Busy, Unavailable
from mbs.foundation.scope import TenantId
from mbs.mail.gateways import interface as provider
from mbs.mail.models import Message
from mbs.notifications.gateways.interface import WhatsAppGateway
from mbs.notifications.models.attempts import BATCH, KEPT, LAST_START, LEASE, SET_ASIDE, Outcome
from mbs.notifications.repository.queue import NotificationQueue, QueueRepository
from mbs.notifications.service.concluding import End, about, conclude, tell
from mbs.notifications.service.deciding import Deciding, Outgoing

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
        tenant_id = self._next(channels) if channels else None
        if tenant_id is None:
            return False
        # Before anything can fail: what is wrong with one business must not keep the next from its turn.
        self._last = tenant_id
        begun = self._now()
        try:
            outgoing = self._claim(tenant_id, channels, limit=BATCH)
        except (Unavailable, Busy):
            raise
        except Exception:
            extra = {"event": "job.messages_faulty", "tenant": str(tenant_id)}
            log.exception("messages cannot be decided about together", extra=extra)
            outgoing = self._claim_one_by_one(tenant_id, channels)
        if outgoing:
            self._hand_over(tenant_id, outgoing, begun)
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

    def _next(self, channels: Collection[str]) -> TenantId | None:
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            return NotificationQueue(transaction).next_tenant(self._last, channels=channels)

    def _claim(
        self, tenant_id: TenantId, channels: Collection[str], *, limit: int
    ) -> Sequence[Outgoing] | None:
        """Decide about what is due of a business; return what may go, None if nothing is due."""
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(tenant_id)
            rows = QueueRepository(transaction).claim(limit=limit, channels=channels)
            if not rows:
                return None
            batch = Deciding(transaction, rows, at=at, configured=self._gateways.configured).decide()
            ended = [End.of(row, decision["status"], decision.get("reason")) for row, decision in batch.ended]
            conclude(transaction, ended, batch.crossed, at=at)
        tell(ended)
        return batch.outgoing

    def _claim_one_by_one(self, tenant_id: TenantId, channels: Collection[str]) -> Sequence[Outgoing]:
        """Claim a batch of which something cannot be decided about: that is set aside, the others go."""
        outgoing: list[Outgoing] = []
        for _ in range(BATCH):
            try:
                found = self._claim(tenant_id, channels, limit=1)
            except (Unavailable, Busy):
                raise
            except Exception as error:
                extra = {"event": "job.message_set_aside", "tenant": str(tenant_id)}
                log.exception("message set aside", extra=extra)
                self._set_aside(tenant_id, channels, type(error).__name__)
                continue
            if found is None:
                break
            outgoing += found
        return outgoing

    def _set_aside(self, tenant_id: TenantId, channels: Collection[str], reason: str) -> None:
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            transaction.enter_tenant(tenant_id)
            queue = QueueRepository(transaction)
            for row in queue.claim(limit=1, channels=channels):
                values = {"status": "scheduled", "reason": reason, "due_at": at + SET_ASIDE}
                queue.decide([{"id": row.id, **values}], at=at)

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
            log.exception("message not sent", extra=about(one, "job.message_faulty"))
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
            conclude(transaction, ended, (), at=at)
        tell(ended)


def _short(reason: Exception) -> str:
    return str(reason).replace("\x00", "")[:LONGEST_REASON]
