"""Makes deliveries of events, in the transaction that moves on past them."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.foundation.db import Transaction
from mbs.webhooks.models.subscriptions import wants
from mbs.webhooks.repository.deliveries import DeliveryRepository
from mbs.webhooks.repository.endpoints import EndpointRepository


class WebhookFollower:
    """What `mbs.outbox` hands events to; two statements a batch, one where nobody wants them."""

    name = "webhooks"

    def handle(self, transaction: Transaction, events: Sequence[Row[Any]]) -> None:
        """Queue events for the endpoints that want them, but those that are older than the endpoint.

        :param transaction: of the business whose events they are.
        """
        endpoints = EndpointRepository(transaction).subscribers()
        rows = [
            {
                "id": uuid7(),
                "endpoint_id": endpoint.id,
                "event_id": event.id,
                "event_seq": event.seq,
                "event_type": event.type,
                "object_id": event.object_id,
            }
            for event in events
            for endpoint in endpoints
            if event.seq > endpoint.events_after and wants(endpoint.event_types, event.type)
        ]
        if rows:
            DeliveryRepository(transaction).fan_out(rows)
