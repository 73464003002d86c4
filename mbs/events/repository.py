"""Appends to the chain and reads it back."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, text
from uuid_utils.compat import uuid7

from mbs.events.models import Event, EventHead, around_the_link, canonical, data_hash
from mbs.foundation.errors import NotFound
from mbs.foundation.repository import Repository

OPEN_CHAIN = text("INSERT INTO event_heads DEFAULT VALUES")

APPEND = """
SELECT append_event(
  %(tenant)s, %(before)s, %(behind)s, %(id)s, %(type)s, %(object_type)s, %(object_id)s, %(actor)s, %(at)s,
  %(data)s, %(data_hash)s)
"""
"""Lock, hash, insert and head in one function (migration 0020), which is planned once a connection."""


class EventRepository(Repository):
    """Questions put to the trail of one tenant."""

    model = Event
    columns = (
        Event.id,
        Event.seq,
        Event.type,
        Event.object_type,
        Event.object_id,
        Event.actor,
        Event.at,
        Event.data,
        Event.data_hash,
        Event.prev_hash,
        Event.hash,
    )

    def open_chain(self) -> None:
        """Make the head of a new tenant's chain."""
        self._transaction.execute(OPEN_CHAIN)

    def append(
        self, *, type_: str, object_type: str, object_id: UUID, at: datetime, data: Mapping[str, Any]
    ) -> None:
        """Append one event in the transaction of its change, as that transaction's last statement.

        :param data: `{"object": {...}, "previous": {...}}`; strings, integers, booleans, nulls, instants.
        """
        scope = self._transaction.scope
        actor = {
            "type": "system" if scope.actor_id is None and scope.actor_type == "user" else scope.actor_type,
            "id": str(scope.actor_id) if scope.actor_id else None,
            "correlationId": scope.correlation_id,
        }
        tenant_id, id_, digest = self._transaction.tenant_id, uuid7(), data_hash(data)
        before, behind = around_the_link(
            {
                "actor": actor,
                "at": at,
                "dataHash": digest,
                "id": id_,
                "objectId": object_id,
                "objectType": object_type,
                "tenantId": tenant_id,
                "type": type_,
            }
        )
        self._transaction.finish(
            APPEND,
            {
                "before": before,
                "behind": behind,
                "tenant": tenant_id,
                "id": id_,
                "type": type_,
                "object_type": object_type,
                "object_id": object_id,
                "actor": canonical(actor).decode(),
                "at": at,
                "data": canonical(data).decode(),
                "data_hash": digest,
            },
        )

    def after(
        self,
        seq: int,
        *,
        limit: int,
        descending: bool = False,
        types: Sequence[str] = (),
        object_type: str | None = None,
        object_id: UUID | None = None,
        actor_id: UUID | None = None,
        from_: datetime | None = None,
        to: datetime | None = None,
    ) -> Sequence[Row[Any]]:
        """Return up to `limit` events behind a sequence number, in its order; every filter narrows."""
        statement = self.select().where(Event.seq < seq if descending else Event.seq > seq)
        if types:
            statement = statement.where(Event.type.in_(types))
        if object_type is not None:
            statement = statement.where(Event.object_type == object_type)
        if object_id is not None:
            statement = statement.where(Event.object_id == object_id)
        if actor_id is not None:
            statement = statement.where(Event.actor["id"].astext == str(actor_id))
        if from_ is not None:
            statement = statement.where(Event.at >= from_)
        if to is not None:
            statement = statement.where(Event.at < to)
        order = Event.seq.desc() if descending else Event.seq.asc()
        return self._transaction.execute(statement.order_by(order).limit(limit)).all()

    def chain(self, batch: int = 1000) -> Iterator[Row[Any]]:
        """Yield the whole trail in order, a batch of rows at a time."""
        seq = 0
        while rows := self.after(seq, limit=batch):
            yield from rows
            seq = rows[-1].seq


class EventHeadRepository(Repository):
    """The newest link of one tenant's chain."""

    model = EventHead
    columns = (EventHead.seq, EventHead.hash)

    def read(self) -> Row[Any]:
        """Return its sequence number and hash; 0 and an empty text before the first event.

        :raises NotFound: if the tenant has no chain, which is a fault: each gets one when it is opened.
        """
        row = self._transaction.execute(self.select()).one_or_none()
        if row is None:
            raise NotFound("The trail has no head.")
        return row
