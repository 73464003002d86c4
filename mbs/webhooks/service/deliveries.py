"""Looking deliveries up, and sending one for its own sake or once more."""

from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import InvalidState
from mbs.foundation.pages import Page, PageRequest
from mbs.webhooks.models.tables import OPEN, TEST
from mbs.webhooks.models.trail import told
from mbs.webhooks.repository.deliveries import DeliveryRepository
from mbs.webhooks.repository.endpoints import EndpointRepository


class DeliveryLogService:
    def __init__(self, *, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def search(self, *, endpoint_id: UUID, request: PageRequest, **filters: Any) -> Page:
        """Return one page of the deliveries to an endpoint.

        :raises NotFound: if there is no such endpoint.
        """
        with self._begin(read_only=True) as transaction:
            EndpointRepository(transaction).get(endpoint_id)
            return DeliveryRepository(transaction).search(endpoint_id, request, **filters)

    def read(self, *, endpoint_id: UUID, id_: UUID) -> Row[Any]:
        """Return a delivery.

        :raises NotFound: if that endpoint has no such delivery.
        """
        with self._begin(read_only=True) as transaction:
            return DeliveryRepository(transaction).of(endpoint_id, id_)

    def test(self, *, endpoint_id: UUID) -> Row[Any]:
        """Queue a delivery that tells of no event, and is tried once.

        :raises NotFound: if there is no such endpoint.
        :raises InvalidState: if it is disabled.
        """
        with self._begin() as transaction:
            self._enabled(transaction, endpoint_id)
            id_ = uuid7()
            return DeliveryRepository(transaction).add(
                {
                    "id": id_,
                    "endpoint_id": endpoint_id,
                    "event_seq": 0,
                    "event_type": TEST,
                    # An object of its own: it waits for nothing, and nothing waits for it.
                    "object_id": id_,
                    "due_at": self._clock.now(),
                }
            )

    def replay(self, *, endpoint_id: UUID, id_: UUID) -> Row[Any]:
        """Queue a delivery that is over once more, under the id that the receiver knows.

        :raises NotFound: if that endpoint has no such delivery.
        :raises InvalidState: if the endpoint is disabled, or the delivery still on its way.
        """
        with self._begin() as transaction:
            endpoint = self._enabled(transaction, endpoint_id)
            deliveries = DeliveryRepository(transaction)
            before = deliveries.of(endpoint_id, id_, lock=True)
            if before.status in OPEN:
                raise InvalidState("It is still on its way.")
            values = {"status": "queued", "attempts": 0, "due_at": self._clock.now(), "finished_at": None}
            delivery = deliveries.change(id_, values, version=None)
            EventRepository(transaction).append(
                type_="webhook.replayed",
                object_type="webhook_endpoint",
                object_id=endpoint_id,
                at=self._clock.now(),
                data=told(endpoint, {}, delivery_id=id_, event_id=before.event_id),
            )
        return delivery

    def _enabled(self, transaction: Transaction, endpoint_id: UUID) -> Row[Any]:
        # Locked, so that it is not disabled meanwhile: what is queued then would never leave.
        endpoint = EndpointRepository(transaction).lock_row(endpoint_id, version=None, key_share=True)
        if endpoint.status != "enabled":
            raise InvalidState("The endpoint is disabled; enable it first.")
        return endpoint
