"""Questions put to the deliveries of one business."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Row, func, text

from mbs.foundation.errors import NotFound
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.webhooks.models.tables import OPEN, WebhookDelivery

FAN_OUT = text(
    """
    INSERT INTO webhook_deliveries (id, endpoint_id, event_id, event_seq, event_type, object_id)
    SELECT id, endpoint_id, event_id, event_seq, event_type, object_id
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS made
        (id uuid, endpoint_id uuid, event_id uuid, event_seq bigint, event_type text, object_id uuid)
    ON CONFLICT (tenant_id, endpoint_id, event_id) DO NOTHING
    """
)

MARK = text(
    """
    UPDATE webhook_deliveries AS sent
    SET status = said.status, due_at = coalesce(said.due_at, sent.due_at),
        finished_at = said.finished_at, response_status = said.response_status,
        response_body = said.response_body, duration_ms = said.duration_ms, last_error = said.last_error,
        history = CASE WHEN jsonb_array_length(sent.history) < :most THEN sent.history
                  ELSE sent.history - 0 END || said.entry,
        version = sent.version + 1, updated_at = :at
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS said
        (id uuid, version bigint, status text, due_at timestamptz, finished_at timestamptz,
         response_status bigint, response_body text, duration_ms bigint, last_error text, entry jsonb)
    WHERE sent.tenant_id = :tenant AND sent.id = said.id
      AND sent.version = said.version AND sent.status = 'sending'
    """
)
"""Of one attempt, the version says whose it is: who claims a delivery anew counts it up."""

MOST_KEPT = 50
"""Attempts in a delivery's history; of one that is replayed again and again the oldest go."""

FORGOTTEN_AT_ONCE = 1000


class DeliveryRepository(Repository):
    model = WebhookDelivery
    columns = (
        WebhookDelivery.id,
        WebhookDelivery.endpoint_id,
        WebhookDelivery.event_id,
        WebhookDelivery.event_seq,
        WebhookDelivery.event_type,
        WebhookDelivery.object_id,
        WebhookDelivery.status,
        WebhookDelivery.attempts,
        WebhookDelivery.due_at,
        WebhookDelivery.response_status,
        WebhookDelivery.response_body,
        WebhookDelivery.duration_ms,
        WebhookDelivery.last_error,
        WebhookDelivery.history,
        WebhookDelivery.finished_at,
        WebhookDelivery.version,
        WebhookDelivery.created_at,
        WebhookDelivery.updated_at,
    )

    def fan_out(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Queue deliveries of events by one statement; what an endpoint has already stays as it is."""
        self._transaction.execute(FAN_OUT, {"rows": orjson.dumps(rows).decode()})

    def of(self, endpoint_id: UUID, id_: UUID, *, lock: bool = False) -> Row[Any]:
        """Return a delivery to one endpoint.

        :raises NotFound: if that endpoint has no such delivery.
        """
        found = self.select().where(WebhookDelivery.id == id_, WebhookDelivery.endpoint_id == endpoint_id)
        if lock:
            found = found.with_for_update(key_share=True)
        row: Row[Any] | None = self._transaction.execute(found).one_or_none()
        if row is None:
            raise NotFound
        return row

    def search(
        self,
        endpoint_id: UUID,
        request: PageRequest,
        *,
        status: Sequence[str] = (),
        event_type: str | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> Page:
        """Return one page of the deliveries to an endpoint; every filter narrows."""
        row = WebhookDelivery
        statement = self.select().where(row.endpoint_id == endpoint_id)
        if status:
            statement = statement.where(row.status.in_(status))
        if event_type is not None:
            statement = statement.where(row.event_type == event_type)
        if from_ is not None:
            statement = statement.where(row.created_at >= from_)
        if to is not None:
            statement = statement.where(row.created_at < to)
        return self.page(statement, request)

    def mark(self, rows: Sequence[Mapping[str, Any]], *, at: datetime) -> None:
        """Write what became of attempts, but of those whose delivery is another's by now.

        :param rows: each with what the statement reads, and `version` as it was claimed.
        """
        values = {"tenant": self._transaction.tenant_id, "most": MOST_KEPT, "at": at}
        self._transaction.execute(MARK, {**values, "rows": orjson.dumps(rows).decode()})

    def cancel_open(self, endpoint_id: UUID, *, at: datetime) -> None:
        """Give up whatever is on its way to an endpoint, which the caller has locked."""
        of_endpoint = (WebhookDelivery.endpoint_id == endpoint_id, WebhookDelivery.status.in_(OPEN))
        statement = self.update().where(*of_endpoint)
        version = WebhookDelivery.version + 1
        self._transaction.execute(
            statement.values(status="cancelled", finished_at=at, version=version, updated_at=func.now())
        )

    def forget(self, before: datetime) -> int:
        """Remove at most 1,000 deliveries that were over before an instant; return how many."""
        old = self.select(WebhookDelivery.id).where(WebhookDelivery.finished_at < before)
        statement = self.delete().where(WebhookDelivery.id.in_(old.limit(FORGOTTEN_AT_ONCE)))
        return self._transaction.execute(statement).rowcount
