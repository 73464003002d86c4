"""Looking after messages: what became of them, sending one again, samples for whoever writes the words."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Transaction
from mbs.foundation.errors import FieldFault, Invalid, InvalidState, RateLimited
from mbs.foundation.pages import Page, PageRequest
from mbs.notifications.models.attempts import RETRYABLE
from mbs.notifications.models.recipients import digest_of
from mbs.notifications.repository.notifications import AddressRepository, NotificationRepository
from mbs.templates.models.catalog import CATALOG
from mbs.templates.models.samples import sample_values
from mbs.tenants.repository import TenantRepository

HOUR = timedelta(hours=1)
MOST_SAMPLES = 5
"""Of one business in an hour: they go to any address that somebody gives."""

USUAL_SAMPLE = "booking.confirmed"


class NotificationService:
    """`caller_id` is the person whose own address a sample goes to; None: a program asks."""

    def __init__(self, *, begin: Begin, clock: Clock, caller_id: UUID | None) -> None:
        self._begin = begin
        self._clock = clock
        self._caller_id = caller_id

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of messages."""
        with self._begin(read_only=True) as transaction:
            return NotificationRepository(transaction).search(request, **filters)

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return a message.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return NotificationRepository(transaction).get(id_)

    def retry(self, *, id_: UUID, version: int | None) -> Row[Any]:
        """Put a message that did not go out into the queue again, as if it had not been tried.

        What spoke against it is looked at again.

        :raises NotFound: if there is none.
        :raises PreconditionFailed: if it has moved on to another version.
        :raises InvalidState: if it went out, is about to, or is not wanted any more.
        """
        with self._begin() as transaction:
            messages = NotificationRepository(transaction)
            before = messages.lock_row(id_, version=version)
            if before.status not in RETRYABLE:
                raise InvalidState(f"A message that is {before.status} is not sent again.")
            fresh = {
                "status": "queued",
                "reason": None,
                "attempts": 0,
                "due_at": self._clock.now(),
                # Reports on the attempts before must not move it any more.
                "provider": None,
                "provider_message_id": None,
                "sent_at": None,
                "finished_at": None,
            }
            message = messages.change(id_, fresh, version=None)
            previous = {"status": before.status, "reason": before.reason, "attempts": before.attempts}
            self._record(transaction, "notification.retried", message, previous)
        return message

    def sample(self, *, channel: str, to: str | None, template: str | None = None) -> Row[Any]:
        """Queue a message with values made up, to somebody who wants to see it.

        :param to: None: the caller's own address.
        :param template: the key of one; None: that of a confirmed booking.
        :raises Invalid: if it has no words for the channel, or nobody is known to send it to.
        :raises RateLimited: if the business has had five within the hour.
        """
        key, now = template or USUAL_SAMPLE, self._clock.now()
        if channel not in CATALOG[key].channels:
            raise Invalid(errors=[FieldFault("template", "invalid", f"It does not go by {channel}.")])
        with self._begin() as transaction:
            # Locked, so that of five at a time each is counted.
            business = TenantRepository(transaction).own(lock=True)
            messages = NotificationRepository(transaction)
            if messages.samples_since(now - HOUR) >= MOST_SAMPLES:
                raise RateLimited("Five samples were sent within the hour.", retry_after=3600)
            id_, recipient = uuid7(), to or self._own_address(transaction, channel)
            message = messages.add(
                {
                    "id": id_,
                    "dedupe_key": f"{id_}|{key}|test",
                    "rule": key,
                    "audience": "test",
                    "category": "transactional",
                    "channel": channel,
                    "fallback_channels": [],
                    "recipient": recipient,
                    "recipient_digest": digest_of(channel, recipient),
                    "timezone": business.timezone,
                    "locale": business.locale,
                    "variables": dict(
                        sample_values(
                            CATALOG[key],
                            business=business.name,
                            locale=business.locale,
                            currency=business.currency,
                        )
                    ),
                    "object_type": "notification",
                    "object_id": id_,
                    "due_at": now,
                }
            )
            self._record(transaction, "notification.sample_queued", message, {})
        return message

    def _own_address(self, transaction: Transaction, channel: str) -> str:
        # Nobody keeps the numbers of accounts.
        found = None
        if channel == "email" and self._caller_id is not None:
            found = AddressRepository(transaction).of(self._caller_id)
        if found is None:
            raise Invalid(errors=[FieldFault("to", "required", "No address of yours is known on it.")])
        return found

    def _record(
        self, transaction: Transaction, type_: str, message: Row[Any], previous: dict[str, Any]
    ) -> None:
        # Not whom it went to: the trail forgets nobody.
        told = ("id", "rule", "channel", "customer_id", "status", "reason", "attempts")
        EventRepository(transaction).append(
            type_=type_,
            object_type="notification",
            object_id=message.id,
            at=self._clock.now(),
            data={"object": {name: getattr(message, name) for name in told}, "previous": previous},
        )
