"""Sends deliveries: claims them, has threads send them, and writes down what became of them.

Nothing here waits for a receiver. What threads have finished is written at the next turn, so that a dead
receiver costs the threads that its own business may use, and nobody else's time.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import groupby
from typing import Any, Protocol
from uuid import UUID

import orjson
from sqlalchemy import Row

from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Busy, Unavailable
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import InvalidToken, Sealer
from mbs.webhooks.models.attempts import KEPT, LATEST_START, LEASE, Attempt
from mbs.webhooks.models.sending import Sending, Sent, body_of_test
from mbs.webhooks.models.signing import signed_headers
from mbs.webhooks.repository.deliveries import DeliveryRepository
from mbs.webhooks.repository.queue import ClaimRepository, DeliveryQueue, ToldEvents
from mbs.webhooks.service.outcomes import write

log = logging.getLogger("mbs.job")

THREADS = 24
OF_BUSINESS = 8
"""Threads of a worker that one business may use at a time; they wait more than they work."""

PATIENCE_SECONDS = 0.25
"""How long a turn in which there is nothing to claim waits for a thread to finish."""

BLOCKED_BUSINESSES = 5
"""So many businesses of which nothing can go yet are passed over in a turn."""

MOST_TIDIED = 1000
"""Transactions of one `tidy`."""

NOBODY = UUID(int=0)


class Receiver(Protocol):
    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Attempt: ...

    def close(self) -> None: ...


class WebhookDeliveryService:
    """What `mbs worker` empties the queue of deliveries with; one thread calls it.

    `present` returns an event as the API shows it.
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        sealer: Sealer,
        receiver: Receiver,
        present: Callable[[Any, Any], dict[str, Any]],
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._sealer = sealer
        self._receiver = receiver
        self._present = present
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="mbs-webhook")
        self._flying: dict[Future[Attempt | None], Sending] = {}
        self._landed: list[Sent] = []
        self._last = NOBODY

    def deliver_next(self) -> bool:
        """Send what of the next business may go, and write what has been sent; tell whether there is work.

        It does not wait for what it sends: call it again until it returns False.
        """
        self._settle()
        claimed = self._claim_next() if len(self._flying) < THREADS else []
        for sending in claimed:
            self._flying[self._threads.submit(self._send, sending)] = sending
        if self._flying and not claimed:
            wait(self._flying, timeout=PATIENCE_SECONDS, return_when=FIRST_COMPLETED)
            self._settle()
            return True
        return bool(claimed)

    def promote(self) -> int:
        """Queue what is to be tried again by now, or was left by a worker; return how many."""
        with self._begin(Role.IDENTITY) as transaction:
            return DeliveryQueue(transaction).promote(self._clock.now())

    def waiting(self) -> int:
        """Return how many deliveries are queued."""
        with self._begin(Role.IDENTITY) as transaction:
            return DeliveryQueue(transaction).waiting()

    def tidy(self) -> int:
        """Remove deliveries that were over a month ago; return how many."""
        before, removed = self._clock.now() - KEPT, 0
        for _ in range(MOST_TIDIED):
            with self._begin(Role.IDENTITY) as transaction:
                tenant_id = DeliveryQueue(transaction).with_old_ones(before)
                if tenant_id is None:
                    break
                transaction.enter_tenant(tenant_id)
                removed += DeliveryRepository(transaction).forget(before)
        return removed

    def close(self) -> None:
        """Wait for what is being sent, 20 seconds at most, write what became of it, and end the threads."""
        wait(self._flying, timeout=20)
        try:
            self._settle()
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._receiver.close()

    def _claim_next(self) -> list[Sending]:
        used = Counter(sending.tenant_id for sending in self._flying.values())
        full = {tenant_id for tenant_id, number in used.items() if number >= OF_BUSINESS}
        for _ in range(BLOCKED_BUSINESSES):
            with self._begin(Role.IDENTITY) as transaction:
                queue = DeliveryQueue(transaction)
                tenant_id = queue.next_tenant(self._last, full=full)
                if tenant_id is None and self._last != NOBODY:
                    tenant_id = queue.next_tenant(NOBODY, full=full)
                if tenant_id is None:
                    return []
                self._last = tenant_id
                transaction.enter_tenant(tenant_id)
                room = min(OF_BUSINESS - used[tenant_id], THREADS - len(self._flying))
                claimed = self._claim(transaction, tenant_id, room)
            if claimed:
                return claimed
            full.add(tenant_id)
        return []

    def _claim(self, transaction: Transaction, tenant_id: TenantId, room: int) -> list[Sending]:
        claims, now = ClaimRepository(transaction), self._clock.now()
        endpoints = claims.lock_endpoints()
        if not endpoints:
            return []
        rows = claims.claim(endpoints, room=room, at=now, until=now + LEASE)
        if not rows and claims.park(endpoints, at=now):
            rows = claims.claim(endpoints, room=room, at=now, until=now + LEASE)
        if not rows:
            return []
        events = ToldEvents(transaction).among([row.event_id for row in rows if row.event_id])
        return [
            self._sending(row, endpoints[row.endpoint_id], events.get(row.event_id), tenant_id)
            for row in rows
        ]

    def _sending(self, row: Row[Any], endpoint: Row[Any], event: Any, tenant_id: TenantId) -> Sending:
        told = body_of_test(row, tenant_id) if event is None else self._present(event, tenant_id)
        return Sending(
            tenant_id=tenant_id,
            id=row.id,
            endpoint_id=row.endpoint_id,
            event_type=row.event_type,
            version=row.version,
            number=row.attempts,
            webhook_id=str(row.event_id or row.id),
            url=endpoint.url,
            secrets=self._secrets(endpoint),
            body=orjson.dumps(told, option=orjson.OPT_UTC_Z),
            was_failing=endpoint.failing_since is not None,
            latest_start=time.monotonic() + LATEST_START.total_seconds(),
        )

    def _secrets(self, endpoint: Row[Any]) -> tuple[str, ...]:
        sealed = [endpoint.secret]
        if endpoint.previous_secret and endpoint.previous_expires_at > self._clock.now():
            sealed.append(endpoint.previous_secret)
        try:
            return tuple(self._sealer.open(one)["secret"] for one in sealed)
        except InvalidToken:
            # Sealed by a secret of the service that is no longer configured.
            return ()

    def _send(self, sending: Sending) -> Attempt | None:
        """Return what became of an attempt; None: it is too late, and another worker's by and by."""
        if time.monotonic() > sending.latest_start:
            return None
        now = self._clock.now()
        if not sending.secrets:
            return Attempt(at=now, duration_ms=0, error="secret_lost")
        headers = signed_headers(sending.body, id_=sending.webhook_id, at=now, secrets_=sending.secrets)
        try:
            return self._receiver.post(sending.url, sending.body, headers)
        except Exception:
            # Whatever it is, it must not keep the delivery from being tried again, and counted.
            about = {"event": "job.webhook_faulty", "delivery": str(sending.id)}
            log.exception("webhook not sent", extra=about)
            return Attempt(at=now, duration_ms=0, error="internal")

    def _settle(self) -> None:
        for future in [one for one in self._flying if one.done()]:
            sending, attempt = self._flying.pop(future), future.result()
            if attempt is not None:
                self._landed.append(Sent(sending, attempt))
        self._landed.sort(key=_business)
        # Each business's go once they are written: while the database is away they wait here.
        for tenant_id, group in groupby(list(self._landed), key=_business):
            sent = list(group)
            try:
                with self._begin(Role.IDENTITY) as transaction:
                    transaction.enter_tenant(tenant_id)
                    write(transaction, sent, at=self._clock.now())
            except (Unavailable, Busy):
                raise
            except Exception:
                # What cannot be written comes again when its lease is over; the others' must not wait for it.
                about = {"event": "job.webhooks_faulty", "tenant": str(tenant_id)}
                log.exception("webhooks not written down", extra=about)
            self._landed = [one for one in self._landed if one.sending.tenant_id != tenant_id]


def _business(sent: Sent) -> TenantId:
    return sent.sending.tenant_id
