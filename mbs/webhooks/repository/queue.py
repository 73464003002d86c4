"""The queue of deliveries: whose turn it is, and what of theirs goes next."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text

from mbs.events.models import Event
from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.foundation.scope import TenantId
from mbs.webhooks.models.tables import WebhookEndpoint

IN_FLIGHT_OF_ENDPOINT = 8
"""Of all workers together; of an endpoint that fails, one: its time-outs must not keep them all waiting."""

WINDOW = 200
"""So far into an endpoint's queue it is looked for what may go: further back there is hardly anything."""

PROMOTE = text(
    """
    UPDATE webhook_deliveries SET status = 'queued'
    WHERE (tenant_id, id) IN (
        SELECT tenant_id, id FROM webhook_deliveries
        WHERE status IN ('sending', 'retrying') AND due_at <= :at
        ORDER BY due_at LIMIT 500 FOR UPDATE SKIP LOCKED)
    """
)

NEXT_TENANT = text(
    """
    SELECT waiting.tenant_id FROM webhook_deliveries AS waiting
    JOIN tenants ON tenants.id = waiting.tenant_id AND tenants.status = 'active'
    WHERE waiting.status = 'queued' AND waiting.tenant_id > :after AND waiting.tenant_id <> ALL(:full)
    ORDER BY waiting.tenant_id LIMIT 1
    """
)

COUNT_WAITING = text(
    """
    SELECT count(*) FROM webhook_deliveries
    WHERE status = 'queued' AND (SELECT status FROM tenants WHERE tenants.id = tenant_id) = 'active'
    """
)

WITH_OLD_ONES = text(
    "SELECT tenant_id FROM webhook_deliveries WHERE finished_at < :before ORDER BY finished_at LIMIT 1"
)

CLAIM = text(
    """
    UPDATE webhook_deliveries AS taken
    SET status = 'sending', attempts = taken.attempts + 1, version = taken.version + 1, due_at = :until,
        updated_at = :at
    WHERE taken.tenant_id = :tenant AND taken.status = 'queued' AND taken.id = ANY(ARRAY(
        SELECT ready.id FROM webhook_endpoints AS endpoint
        CROSS JOIN LATERAL (
            SELECT oldest.id, oldest.event_seq,
                   row_number() OVER (ORDER BY oldest.event_seq, oldest.id) AS place
            FROM (
                SELECT DISTINCT ON (object_id) id, object_id, event_seq
                FROM (
                    SELECT id, object_id, event_seq FROM webhook_deliveries
                    WHERE tenant_id = :tenant AND endpoint_id = endpoint.id AND status = 'queued'
                    ORDER BY event_seq, id LIMIT :window
                ) AS looked_at
                ORDER BY object_id, event_seq, id
            ) AS oldest
            WHERE oldest.object_id NOT IN (
                SELECT held.object_id FROM webhook_deliveries AS held
                WHERE held.tenant_id = :tenant AND held.endpoint_id = endpoint.id
                  AND held.status IN ('sending', 'retrying'))
            ORDER BY oldest.event_seq, oldest.id
            LIMIT greatest(0, CASE WHEN endpoint.failing_since IS NULL THEN :most ELSE 1 END - (
                SELECT count(*) FROM webhook_deliveries AS flying
                WHERE flying.tenant_id = :tenant AND flying.endpoint_id = endpoint.id
                  AND flying.status = 'sending'))
        ) AS ready
        WHERE endpoint.tenant_id = :tenant AND endpoint.id = ANY(:endpoints)
        ORDER BY ready.place, ready.event_seq LIMIT :room))
    RETURNING taken.id, taken.endpoint_id, taken.event_id, taken.event_type, taken.object_id, taken.attempts,
              taken.version, taken.created_at
    """
)
"""Written so that each part is asked once, however little the planner knows of a queue that fills."""

PARK = text(
    """
    WITH looked_at AS MATERIALIZED (
        SELECT endpoint.id AS endpoint_id, ahead.id, ahead.object_id FROM webhook_endpoints AS endpoint
        CROSS JOIN LATERAL (
            SELECT id, object_id FROM webhook_deliveries
            WHERE tenant_id = :tenant AND endpoint_id = endpoint.id AND status = 'queued'
            ORDER BY event_seq, id LIMIT :window
        ) AS ahead
        WHERE endpoint.tenant_id = :tenant AND endpoint.id = ANY(:endpoints)
    ), blocked AS MATERIALIZED (
        SELECT asked.endpoint_id, asked.object_id, first.due_at
        FROM (SELECT DISTINCT endpoint_id, object_id FROM looked_at) AS asked
        CROSS JOIN LATERAL (
            SELECT due_at FROM webhook_deliveries AS waiting
            WHERE waiting.tenant_id = :tenant AND waiting.endpoint_id = asked.endpoint_id
              AND waiting.object_id = asked.object_id AND waiting.status = 'retrying'
            ORDER BY waiting.event_seq LIMIT 1
        ) AS first
    )
    UPDATE webhook_deliveries AS beside
    SET status = 'retrying', due_at = blocked.due_at, version = beside.version + 1, updated_at = :at
    FROM looked_at JOIN blocked USING (endpoint_id, object_id)
    WHERE beside.tenant_id = :tenant AND beside.id = looked_at.id AND beside.status = 'queued'
    """
)
"""Only what stands in the way of what is looked at: all of a long queue takes longer than a statement may."""


class DeliveryQueue:
    """The deliveries of all businesses; identity role only."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def promote(self, at: datetime) -> int:
        """Queue what is to be tried again by now, or was left by a worker; return how many, at most 500."""
        return self._transaction.execute(PROMOTE, {"at": at}).rowcount

    def next_tenant(self, after: UUID, *, full: Collection[UUID]) -> TenantId | None:
        """Return the next active business, in the order of ids, for which something is queued.

        :param full: who has enough for now.
        """
        values = {"after": after, "full": list(full)}
        found = self._transaction.execute(NEXT_TENANT, values).scalar_one_or_none()
        return None if found is None else TenantId(found)

    def waiting(self) -> int:
        """Return how many are queued."""
        return int(self._transaction.execute(COUNT_WAITING).scalar_one())

    def with_old_ones(self, before: datetime) -> TenantId | None:
        """Return a business that has deliveries which were over before an instant."""
        found = self._transaction.execute(WITH_OLD_ONES, {"before": before}).scalar_one_or_none()
        return None if found is None else TenantId(found)


class ClaimRepository(Repository):
    """What of one business goes next."""

    model = WebhookEndpoint
    columns = (
        WebhookEndpoint.id,
        WebhookEndpoint.url,
        WebhookEndpoint.secret,
        WebhookEndpoint.previous_secret,
        WebhookEndpoint.previous_expires_at,
        WebhookEndpoint.failing_since,
    )

    def lock_endpoints(self) -> Mapping[UUID, Row[Any]]:
        """Return the enabled endpoints, locked; not those that another worker serves at this moment.

        With the lock only one worker at a time counts what of an endpoint is in flight.
        """
        wanted = self.select().where(WebhookEndpoint.status == "enabled")
        rows = self._transaction.execute(wanted.with_for_update(key_share=True, skip_locked=True)).all()
        return {row.id: row for row in rows}

    def claim(
        self, endpoints: Collection[UUID], *, room: int, at: datetime, until: datetime
    ) -> Sequence[Row[Any]]:
        """Take deliveries to locked endpoints, for as long as the lease.

        Of each endpoint and object only the oldest that is queued goes, and none while another is being sent
        or waits to be tried again.
        """
        values = {
            "tenant": self._transaction.tenant_id,
            "endpoints": list(endpoints),
            "window": WINDOW,
            "most": IN_FLIGHT_OF_ENDPOINT,
            "room": room,
            "at": at,
            "until": until,
        }
        return self._transaction.execute(CLAIM, values).all()

    def park(self, endpoints: Collection[UUID], *, at: datetime) -> int:
        """Let the others of an object of which one waits to be tried again wait as long, out of the queue.

        Of each endpoint so many as `claim` looks at.

        :return: how many were taken out of it.
        """
        values = {
            "tenant": self._transaction.tenant_id,
            "endpoints": list(endpoints),
            "window": WINDOW,
            "at": at,
        }
        return self._transaction.execute(PARK, values).rowcount


class ToldEvents(EventRepository):
    """The events that deliveries tell of."""

    def among(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return these events by their ids."""
        rows = self._transaction.execute(self.select().where(Event.id.in_(ids))).all()
        return {row.id: row for row in rows}
