"""Writes down what became of attempts, and disables the endpoints that nothing reaches any more."""

import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from mbs.events.repository import EventRepository
from mbs.foundation.db import Transaction
from mbs.webhooks.models.attempts import PATIENCE
from mbs.webhooks.models.sending import Sent
from mbs.webhooks.models.trail import told
from mbs.webhooks.repository.deliveries import DeliveryRepository
from mbs.webhooks.repository.endpoints import EndpointRepository

log = logging.getLogger("mbs.job")


def write(transaction: Transaction, sent: Sequence[Sent], *, at: datetime) -> None:
    """Write the attempts of one business: by one statement as long as all is well with its endpoints."""
    of_endpoint: dict[UUID, list[Sent]] = defaultdict(list)
    for one in sent:
        if one.sending.was_failing or not one.arrived:
            of_endpoint[one.sending.endpoint_id].append(one)
    deliveries, endpoints = DeliveryRepository(transaction), EndpointRepository(transaction)
    # Endpoints are locked before their deliveries, here as everywhere.
    locked = endpoints.lock_all(of_endpoint) if of_endpoint else ()
    deliveries.mark([one.as_row() for one in sent], at=at)
    for endpoint in locked:
        if endpoint.status == "enabled":
            _judge(transaction, endpoint, of_endpoint[endpoint.id], at)


def _judge(transaction: Transaction, endpoint: Row[Any], sent: Sequence[Sent], at: datetime) -> None:
    endpoints = EndpointRepository(transaction)
    if any(one.attempt.is_gone for one in sent):
        _disable(transaction, endpoint, "gone", at)
    elif any(one.arrived for one in sent):
        if endpoint.failing_since is not None:
            endpoints.change(endpoint.id, {"failing_since": None}, version=None)
    elif endpoint.failing_since is None:
        first = min(one.attempt.at for one in sent)
        endpoints.change(endpoint.id, {"failing_since": first}, version=None)
    elif at - endpoint.failing_since >= PATIENCE:
        _disable(transaction, endpoint, "failing", at)


def _disable(transaction: Transaction, endpoint: Row[Any], reason: str, at: datetime) -> None:
    values = {"status": "disabled", "disabled_reason": reason, "disabled_at": at}
    disabled = EndpointRepository(transaction).change(endpoint.id, values, version=None)
    DeliveryRepository(transaction).cancel_open(endpoint.id, at=at)
    EventRepository(transaction).append(
        type_="webhook.disabled",
        object_type="webhook_endpoint",
        object_id=endpoint.id,
        at=at,
        data=told(disabled, {"status": endpoint.status}),
    )
    about = {"event": "job.webhook_disabled", "endpoint": str(endpoint.id), "reason": reason}
    log.warning("webhook endpoint disabled", extra=about)
