"""Questions put to the endpoints of one business."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func

from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.repository import Repository
from mbs.webhooks.models.tables import WebhookEndpoint


class EndpointRepository(Repository):
    """The endpoints as members see them: nothing here reads a secret but `rotate`, which moves it on."""

    model = WebhookEndpoint
    columns = (
        WebhookEndpoint.id,
        WebhookEndpoint.url,
        WebhookEndpoint.description,
        WebhookEndpoint.event_types,
        WebhookEndpoint.status,
        WebhookEndpoint.disabled_reason,
        WebhookEndpoint.disabled_at,
        WebhookEndpoint.failing_since,
        WebhookEndpoint.previous_expires_at,
        WebhookEndpoint.created_by,
        WebhookEndpoint.version,
        WebhookEndpoint.created_at,
        WebhookEndpoint.updated_at,
    )

    def count(self) -> int:
        """Count the endpoints, disabled ones too."""
        return int(self._transaction.execute(self.select(func.count(WebhookEndpoint.id))).scalar_one())

    def search(self, request: PageRequest) -> Page:
        """Return one page of endpoints."""
        return self.page(self.select(), request)

    def rotate(self, id_: UUID, *, secret: str, previous_until: Any, version: int | None) -> Row[Any]:
        """Give an endpoint another sealed secret; the one before stays until an instant.

        :raises NotFound: if there is no such endpoint.
        :raises PreconditionFailed: if it has moved on to another version.
        """
        values = {
            "secret": secret,
            "previous_secret": WebhookEndpoint.secret,
            "previous_expires_at": previous_until,
        }
        return self.change(id_, values, version=version)

    def subscribers(self) -> Sequence[Row[Any]]:
        """Return id, `event_types` and `events_after` of those that are enabled.

        None of them is disabled or removed before the transaction ends: nothing would be done any more with
        what is queued for it behind their back.
        """
        wanted = (WebhookEndpoint.id, WebhookEndpoint.event_types, WebhookEndpoint.events_after)
        enabled = self.select(*wanted).where(WebhookEndpoint.status == "enabled")
        # In the order in which others lock them, who would wait for this transaction, and this for them.
        ordered = enabled.order_by(WebhookEndpoint.id).with_for_update(read=True)
        return self._transaction.execute(ordered).all()

    def lock_all(self, ids: Collection[UUID]) -> Sequence[Row[Any]]:
        """Return those of these endpoints that are still there, locked in one order."""
        found = self.select().where(WebhookEndpoint.id.in_(ids)).order_by(WebhookEndpoint.id)
        return self._transaction.execute(found.with_for_update(key_share=True)).all()
