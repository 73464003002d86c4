"""The queue of messages: whose turn it is, what of theirs goes next, and what became of it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    BigInteger,
    Row,
    Select,
    Text,
    Uuid,
    bindparam,
    case,
    cast,
    column,
    exists,
    func,
    literal,
    select,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, insert
from sqlalchemy.sql.expression import TableValuedAlias
from uuid_utils.compat import uuid7

from mbs.customers.models import Customer
from mbs.foundation.db import Transaction
from mbs.foundation.repository import Repository
from mbs.foundation.scope import TenantId
from mbs.notifications.models.attempts import ENDED, FORGOTTEN, Outcome
from mbs.notifications.models.tables import Notification
from mbs.tenants.models import Tenant

ROW = Notification.__table__.c
INSTANT = TIMESTAMP(timezone=True)
RESTING = ("scheduled", "temporary_failure", "sending")
PROMOTED, FORGOTTEN_AT_ONCE = 500, 1000
NOBODY = UUID(int=0)
DECIDED: Mapping[str, Any] = {"id": Uuid, "status": Text, "reason": Text, "due_at": INSTANT}

CLAIMED = (
    ROW.id,
    ROW.rule,
    ROW.audience,
    ROW.category,
    ROW.channel,
    ROW.fallback_channels,
    ROW.customer_id,
    ROW.recipient,
    ROW.timezone,
    ROW.locale,
    ROW.variables,
    ROW.object_type,
    ROW.object_id,
    ROW.event_id,
    ROW.template_version,
    ROW.attempts,
    ROW.expires_at,
)


class NotificationQueue:
    """The messages of all businesses; identity role only, which sees nothing of what they say."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def promote(self, at: datetime) -> int:
        """Put into the queue what has become due, at most 500; return how many.

        A reminder, another attempt, or a message whose worker has not come back within its lease.
        """
        due = (
            select(ROW.tenant_id, ROW.id)
            .where(ROW.status.in_(RESTING), ROW.due_at <= at)
            .order_by(ROW.due_at)
            .limit(PROMOTED)
            .with_for_update(skip_locked=True)
            .cte("due")
        )
        statement = update(Notification).where(ROW.tenant_id == due.c.tenant_id, ROW.id == due.c.id)
        return self._transaction.execute(statement.values(status="queued")).rowcount

    def next_tenant(self, last: UUID | None, *, channels: Collection[str]) -> TenantId | None:
        """Return whose turn it is: the active business behind the last one that has something queued.

        Each business is one step in the index, however much it has queued.

        :param last: who had the turn before; behind the last business the first one follows.
        :param channels: on which something may go now.
        """
        found = self._behind(last or NOBODY, channels)
        return found if found is not None or last is None else self._behind(NOBODY, channels)

    def _behind(self, last: UUID, channels: Collection[str]) -> TenantId | None:
        queued = Notification.__table__.alias("queued").c

        def first_behind(id_: Any) -> Select[Any]:
            behind = select(queued.tenant_id).where(queued.status == "queued", queued.tenant_id > id_)
            return behind.order_by(queued.tenant_id).limit(1)

        def has_turn(id_: Any) -> Any:
            is_active = select(Tenant.status == "active").where(Tenant.id == id_).scalar_subquery()
            mine = (ROW.tenant_id == id_, ROW.status == "queued", ROW.channel.in_(channels))
            return (is_active & exists(ROW.id).where(*mine)).label("has_turn")

        # Step by step, and no step behind the first that has its turn: a join would promise no order.
        first = first_behind(last).subquery("first")
        turn = select(first.c.tenant_id, has_turn(first.c.tenant_id)).cte("turn", recursive=True)
        following = first_behind(turn.c.tenant_id).lateral("following")
        turn = turn.union_all(
            select(following.c.tenant_id, has_turn(following.c.tenant_id))
            .select_from(turn.join(following, true()))
            .where(turn.c.has_turn.is_(False))
        )
        statement = select(turn.c.tenant_id).where(turn.c.has_turn)
        found = self._transaction.execute(statement).scalar_one_or_none()
        return None if found is None else TenantId(found)

    def waiting(self) -> int:
        """Return how many messages are due."""
        statement = select(func.count()).where(ROW.status == "queued")
        return int(self._transaction.execute(statement).scalar_one())

    def forgetful(self, before: datetime) -> Sequence[TenantId]:
        """Return the businesses that have messages of before an instant."""
        old = exists(ROW.id).where(
            ROW.tenant_id == Tenant.id, ROW.created_at < before, ROW.status.in_(FORGOTTEN)
        )
        return [TenantId(id_) for id_ in self._transaction.execute(select(Tenant.id).where(old)).scalars()]


class QueueRepository(Repository):
    """The queue of one business."""

    model = Notification

    def sender(self) -> Row[Any]:
        """Return `name`, `locale`, `settings` and `plan` of the business."""
        business = Tenant.__table__
        shown = (business.c[name] for name in ("name", "locale", "settings", "plan"))
        own = business.c.id == self._transaction.tenant_id
        return self._transaction.execute(business.select().with_only_columns(*shown).where(own)).one()

    def claim(self, *, limit: int, channels: Collection[str]) -> Sequence[Row[Any]]:
        """Return what goes next, locked: what another worker has in hand is passed over."""
        statement = (
            self.select(*CLAIMED)
            .where(ROW.status == "queued", ROW.channel.in_(channels))
            .order_by(ROW.due_at, ROW.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        return self._transaction.execute(statement).all()

    def decide(self, decisions: Iterable[Mapping[str, Any]], *, at: datetime) -> None:
        """Write what was decided about messages that this transaction has claimed, in one statement.

        :param decisions: `id`, `status`, `reason`, `due_at`; of what is to be sent, which counts as an
            attempt, also `subject`, `body` and `template_version`.
        """
        said = _recordset(subject=Text, body=Text, template_version=BigInteger, **DECIDED)
        goes = said.c.status == "sending"
        statement = (
            self.update()
            .where(ROW.id == said.c.id)
            .values(
                status=said.c.status,
                reason=said.c.reason,
                due_at=func.coalesce(said.c.due_at, ROW.due_at),
                attempts=case((goes, ROW.attempts + 1), else_=ROW.attempts),
                subject=case((goes, said.c.subject), else_=ROW.subject),
                body=case((goes, said.c.body), else_=ROW.body),
                template_version=case((goes, said.c.template_version), else_=ROW.template_version),
                finished_at=_end(said, at),
                version=ROW.version + 1,
                updated_at=at,
            )
        )
        self._transaction.execute(statement, {"records": _written(decisions)})

    def mark(self, outcomes: Mapping[UUID, tuple[int, Outcome]], *, at: datetime) -> Sequence[Row[Any]]:
        """Write what became of attempts, in one statement.

        Only of those that are still ours. What was sent is so even when the lease was over; but what its
        provider has told of it meanwhile is more, and stays.

        :param outcomes: by message: which attempt it was, and its outcome.
        :return: `id`, `status`, `rule`, `audience`, `channel`, `fallback_channels`, `customer_id`, `reason`
            of those that were written.
        """
        said = _recordset(
            attempts=BigInteger, provider=Text, provider_message_id=Text, counts=BigInteger, **DECIDED
        )
        sent = said.c.status == "sent"
        known = ROW.status.in_(("delivered", "read", "permanent_failure"))
        statement = (
            self.update()
            .where(
                ROW.id == said.c.id,
                ROW.attempts == said.c.attempts,
                (ROW.status == "sending") | (sent & (known | (ROW.status == "queued"))),
            )
            .values(
                status=case((known, ROW.status), else_=said.c.status),
                reason=case((known, ROW.reason), else_=said.c.reason),
                due_at=func.coalesce(said.c.due_at, ROW.due_at),
                attempts=ROW.attempts - 1 + said.c.counts,
                provider=func.coalesce(said.c.provider, ROW.provider),
                provider_message_id=func.coalesce(said.c.provider_message_id, ROW.provider_message_id),
                sent_at=case((sent, literal(at, INSTANT)), else_=ROW.sent_at),
                finished_at=case((known, ROW.finished_at), else_=_end(said, at)),
                version=ROW.version + 1,
                updated_at=at,
            )
            .returning(
                *(ROW.id, ROW.status, ROW.reason, ROW.rule, ROW.audience, ROW.channel),
                *(ROW.fallback_channels, ROW.customer_id),
            )
        )
        records = [
            {
                **{name: getattr(outcome, name) for name in ("status", "reason", "due_at")},
                **{name: getattr(outcome, name) for name in ("provider", "provider_message_id")},
                "id": id_,
                "attempts": attempts,
                "counts": int(outcome.counts),
            }
            for id_, (attempts, outcome) in outcomes.items()
        ]
        return self._transaction.execute(statement, {"records": _written(records)}).all()

    def fall_back(self, ids: Iterable[UUID], *, at: datetime) -> None:
        """Queue messages anew on the next of their channels, where the customer has an address there."""
        pairs = [{"id": id_, "fresh_id": uuid7()} for id_ in ids]
        said = _recordset(id=Uuid, fresh_id=Uuid)
        channel = ROW.fallback_channels[1]
        by_mail = channel == "email"
        address = case((by_mail, Customer.email), else_=Customer.phone)
        key = case((by_mail, Customer.email_key), else_=Customer.phone)
        digest = func.encode(func.sha256(func.convert_to(channel + ":" + key, "UTF8")), "hex")
        kept = (
            *("rule", "audience", "category", "customer_id", "timezone", "locale", "variables"),
            *("object_type", "object_id", "event_id", "expires_at"),
        )
        fresh: Mapping[str, Any] = {
            "id": said.c.fresh_id,
            "dedupe_key": ROW.dedupe_key + "|" + channel,
            "channel": channel,
            "fallback_channels": ROW.fallback_channels[2:9],
            "fallback_of": ROW.id,
            "recipient": address,
            "recipient_digest": digest,
            "due_at": literal(at, INSTANT),
            **{name: ROW[name] for name in kept},
        }
        statement = (
            self.select(*fresh.values())
            .join(said, said.c.id == ROW.id)
            .join(Customer, tuple_(Customer.tenant_id, Customer.id) == tuple_(ROW.tenant_id, ROW.customer_id))
            .where(address.is_not(None))
        )
        self._insert_from(tuple(fresh), statement, {"records": _written(pairs)})

    def _insert_from(self, names: Sequence[str], rows: Select[Any], values: Mapping[str, Any]) -> None:
        # Two workers may both have given up on what was sent twice.
        statement = insert(Notification).from_select(list(names), rows).on_conflict_do_nothing()
        self._transaction.execute(statement, values)

    def forget(self, before: datetime) -> int:
        """Remove at most 1,000 messages that came to their end before an instant; return how many."""
        ended = (ROW.created_at < before, ROW.updated_at < before, ROW.status.in_(FORGOTTEN))
        old = self.select(ROW.id).where(*ended).limit(FORGOTTEN_AT_ONCE)
        return self._transaction.execute(self.delete().where(ROW.id.in_(old))).rowcount


def _recordset(**columns: Any) -> TableValuedAlias:
    # One parameter for however many rows: the statement is the same for every batch.
    records = cast(bindparam("records", type_=Text), JSONB)
    found = func.jsonb_to_recordset(records).table_valued(*(column(*one) for one in columns.items()))
    return found.render_derived(name="said", with_types=True)


def _written(records: Iterable[Mapping[str, Any]]) -> str:
    return orjson.dumps(list(records)).decode()


def _end(said: TableValuedAlias, at: datetime) -> Any:
    return case((said.c.status.in_(ENDED), literal(at, INSTANT)))
