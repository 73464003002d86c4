"""Where a business's events are sent to."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventHeadRepository, EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.sealing import Sealer
from mbs.tenants.repository import TenantRepository
from mbs.webhooks.errors import TooManyEndpoints
from mbs.webhooks.models.addresses import check_url
from mbs.webhooks.models.signing import BOTH_SIGN, new_secret
from mbs.webhooks.models.tables import MOST_ENDPOINTS
from mbs.webhooks.models.trail import told
from mbs.webhooks.repository.deliveries import DeliveryRepository
from mbs.webhooks.repository.endpoints import EndpointRepository

log = logging.getLogger("mbs.security")


class EndpointService:
    """`allow_private` takes http and hosts of private networks too, as in development."""

    def __init__(self, *, begin: Begin, clock: Clock, sealer: Sealer, allow_private: bool) -> None:
        self._begin = begin
        self._clock = clock
        self._sealer = sealer
        self._allow_private = allow_private

    def create(
        self, *, url: str, event_types: Sequence[str], description: str | None = None
    ) -> tuple[Row[Any], str]:
        """Make an endpoint, which gets the events from now on; return it with its secret.

        :raises Invalid: if events may not be sent to that URL.
        :raises TooManyEndpoints: if there are as many as one business may have.
        """
        check_url(url, allow_private=self._allow_private)
        with self._begin() as transaction:
            # Those who make endpoints at the same time wait here for each other, or one more would slip in.
            TenantRepository(transaction).settings(lock=True)
            endpoints, secret = EndpointRepository(transaction), new_secret()
            if endpoints.count() >= MOST_ENDPOINTS:
                raise TooManyEndpoints
            endpoint = endpoints.add(
                {
                    "id": uuid7(),
                    "url": url,
                    "description": description,
                    "event_types": list(event_types),
                    "events_after": EventHeadRepository(transaction).read().seq,
                    "secret": self._sealed(secret),
                }
            )
            self._record(transaction, "webhook.created", endpoint, {})
        log.info(
            "webhook endpoint made",
            extra={"event": "security.webhook_created", "endpoint": str(endpoint.id)},
        )
        return endpoint, secret

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return an endpoint.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return EndpointRepository(transaction).get(id_)

    def search(self, *, request: PageRequest) -> Page:
        """Return one page of endpoints."""
        with self._begin(read_only=True) as transaction:
            return EndpointRepository(transaction).search(request)

    def change(self, *, id_: UUID, version: int | None, **values: Any) -> Row[Any]:
        """Change an endpoint. Disabled, it loses what is on its way; enabled, it gets the events from now on.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises Invalid: if events may not be sent to that URL.
        """
        if "url" in values:
            check_url(values["url"], allow_private=self._allow_private)
        with self._begin() as transaction:
            endpoints, now = EndpointRepository(transaction), self._clock.now()
            before = endpoints.lock_row(id_, version=version, key_share=True)
            status = values.get("status", before.status)
            if status != before.status and status == "enabled":
                values |= {"disabled_reason": None, "disabled_at": None, "failing_since": None}
                values["events_after"] = EventHeadRepository(transaction).read().seq
            elif status != before.status:
                values |= {"disabled_reason": "by_hand", "disabled_at": now}
                DeliveryRepository(transaction).cancel_open(id_, at=now)
            endpoint = endpoints.change(id_, values, version=None)
            previous = {
                name: getattr(before, name)
                for name in values.keys() - {"events_after", "failing_since"}
                if getattr(before, name) != getattr(endpoint, name)
            }
            self._record(transaction, "webhook.updated", endpoint, previous)
        return endpoint

    def rotate(self, *, id_: UUID, version: int | None) -> tuple[Row[Any], str]:
        """Give an endpoint another secret, and return it; for a day the one before signs too.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            secret, until = new_secret(), self._clock.now() + BOTH_SIGN
            endpoint = EndpointRepository(transaction).rotate(
                id_, secret=self._sealed(secret), previous_until=until, version=version
            )
            self._record(transaction, "webhook.secret_rotated", endpoint, {})
        log.info("webhook secret rotated", extra={"event": "security.webhook_rotated", "endpoint": str(id_)})
        return endpoint, secret

    def remove(self, *, id_: UUID, version: int | None) -> None:
        """Remove an endpoint with its deliveries.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        with self._begin() as transaction:
            endpoints = EndpointRepository(transaction)
            before = endpoints.lock_row(id_, version=version)
            endpoints.remove(id_, version=None)
            self._record(transaction, "webhook.removed", before, {})

    def _sealed(self, secret: str) -> str:
        return self._sealer.seal({"secret": secret})

    def _record(
        self, transaction: Transaction, type_: str, endpoint: Row[Any], previous: Mapping[str, Any]
    ) -> None:
        EventRepository(transaction).append(
            type_=type_,
            object_type="webhook_endpoint",
            object_id=endpoint.id,
            at=self._clock.now(),
            data=told(endpoint, previous),
        )
