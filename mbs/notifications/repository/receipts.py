"""What providers report of messages: found in any business, moved up in the business's own role."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Text, Uuid, column, func, or_, select, values
from sqlalchemy.dialects.postgresql import TIMESTAMP

from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.foundation.scope import TenantId
from mbs.notifications.models.states import OPEN, moves_up
from mbs.notifications.models.tables import STATUSES, Notification

ROW = Notification.__table__.c

SUPERSEDED: Mapping[str, tuple[str, ...]] = {
    reported: tuple(status for status in STATUSES if moves_up(status, reported))
    for reported in ("sent", "delivered", "read", "permanent_failure")
}
"""Which states a report puts an end to."""

STAMPS: Mapping[str, tuple[str, ...]] = {
    "sent": ("sent_at",),
    "delivered": ("sent_at", "delivered_at"),
    "read": ("sent_at", "delivered_at", "read_at"),
    "permanent_failure": ("finished_at",),
}
"""What a state says of the way there: whatever was read was delivered, whether or not that was reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What a report makes of one message."""

    id: UUID
    at: datetime
    provider: str
    provider_message_id: str | None
    reason: str | None


class MessageFinder:
    """The messages of all businesses; identity role only, which sees nothing of what they say."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def reported(
        self, provider: str, *, message_ids: Collection[str], ids: Collection[UUID]
    ) -> Sequence[Row[Any]]:
        """Return whose messages a provider speaks of, in one statement.

        :param message_ids: the provider's.
        :param ids: ours, where the provider returns them; it may do so before the message is marked as sent.
        :return: `tenant_id`, `id` and `provider_message_id`, which is None until then.
        """
        theirs = (ROW.provider == provider) & ROW.provider_message_id.in_(message_ids)
        statement = select(ROW.tenant_id, ROW.id, ROW.provider_message_id)
        return self._transaction.execute(statement.where(or_(theirs, ROW.id.in_(ids)))).all()

    def written_to(self, recipient_digest: str) -> Sequence[TenantId]:
        """Return the businesses that have a message to an address."""
        statement = select(ROW.tenant_id).where(ROW.recipient_digest == recipient_digest).distinct()
        found = self._transaction.execute(statement.order_by(ROW.tenant_id)).scalars()
        return [TenantId(id_) for id_ in found]


class ReportedRepository(Repository):
    """The messages of one business, as reports move them."""

    model = Notification

    def lock(self, ids: Collection[UUID]) -> Mapping[UUID, Row[Any]]:
        """Return messages by id, locked in one order: two requests with the same events wait, and go on.

        :return: of each `id`, `status`, `channel`, `recipient`, `fallback_channels`.
        """
        statement = (
            self.select(ROW.id, ROW.status, ROW.channel, ROW.recipient, ROW.fallback_channels)
            .where(ROW.id.in_(ids))
            .order_by(ROW.id)
            .with_for_update(key_share=True)
        )
        return {row.id: row for row in self._transaction.execute(statement)}

    def lock_latest_to(self, recipient_digest: str) -> UUID | None:
        """Return the id of the newest message to an address, locked; None if there is none."""
        newest = (
            self.select(ROW.id)
            .where(ROW.recipient_digest == recipient_digest)
            .order_by(ROW.created_at.desc(), ROW.id.desc())
            .limit(1)
            .with_for_update(key_share=True)
        )
        return self._transaction.execute(newest).scalar_one_or_none()

    def move_up(self, status: str, moves: Collection[Move], *, at: datetime) -> Sequence[UUID]:
        """Move messages up to a state, in one statement; those that are as far or further stay as they are.

        :param moves: one for each message.
        :return: the ids of those that moved.
        """
        if not moves:
            return ()
        said = values(
            column("id", Uuid),
            column("at", TIMESTAMP(timezone=True)),
            column("provider", Text),
            column("provider_message_id", Text),
            column("reason", Text),
            name="said",
        ).data([(one.id, one.at, one.provider, one.provider_message_id, one.reason) for one in moves])
        stamps = {name: func.coalesce(ROW[name], said.c.at) for name in STAMPS[status]}
        statement = (
            self.update()
            .where(ROW.id == said.c.id, ROW.status.in_(SUPERSEDED[status]))
            .values(
                status=status,
                reason=said.c.reason,
                provider=func.coalesce(ROW.provider, said.c.provider),
                provider_message_id=func.coalesce(ROW.provider_message_id, said.c.provider_message_id),
                version=ROW.version + 1,
                updated_at=at,
                **{"finished_at": None, **stamps},
            )
            .returning(ROW.id)
        )
        return self._transaction.execute(statement).scalars().all()

    def call_back(self, ids: Collection[UUID], *, at: datetime) -> None:
        """Cancel what stands in for messages that have arrived after all, unless it is on its way."""
        statement = self.update().where(ROW.fallback_of.in_(ids), ROW.status.in_(OPEN))
        gone = {"status": "cancelled", "reason": "delivered", "finished_at": at, "updated_at": at}
        self._transaction.execute(statement.values(version=ROW.version + 1, **gone))

    def customers_of(self, recipient_digest: str) -> Sequence[UUID]:
        """Return the customers who were written to at an address."""
        statement = self.select(ROW.customer_id).where(
            ROW.recipient_digest == recipient_digest, ROW.customer_id.is_not(None)
        )
        return self._transaction.execute(statement.distinct().order_by(ROW.customer_id)).scalars().all()
