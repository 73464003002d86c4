"""Messages as events set them off: written, planned, given up; one statement for all of a batch."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    Row,
    Select,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    column,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TIMESTAMP, Insert, insert
from sqlalchemy.sql.dml import Update

from mbs.events.models import Event
from mbs.foundation.repository import Repository
from mbs.notifications.models.rules import PLANNED
from mbs.notifications.models.states import OPEN
from mbs.notifications.models.tables import Notification

ROW = Notification.__table__.c
INSTANT = TIMESTAMP(timezone=True)

WRITTEN = (
    *("id", "dedupe_key", "rule", "audience", "category", "channel", "fallback_channels", "customer_id"),
    *("recipient", "recipient_digest", "timezone", "locale", "variables", "object_type", "object_id"),
    *("event_id", "status", "due_at", "expires_at"),
)
RENEWED = ("variables", "recipient", "fallback_channels", "timezone", "locale", "expires_at")
"""What a planned message takes over from its object when that changes."""

OUTDATED = "no_longer_due"


class PlanningRepository(Repository):
    model = Notification

    def write(self, messages: Collection[Mapping[str, Any]]) -> None:
        """Insert messages; one whose `dedupe_key` there is already stays as it is.

        :param messages: the columns of `WRITTEN`.
        """
        if messages:
            self._transaction.execute(_added().on_conflict_do_nothing(), _records(messages))

    def plan(self, messages: Collection[Mapping[str, Any]]) -> None:
        """Insert messages that wait for their time; one that waits already says what it says now.

        One that was given up waits again. When it is due stays as it is: it may have been put off.

        :param messages: the columns of `WRITTEN`; each `dedupe_key` once.
        """
        if messages:
            self._send(_planned(), _records(messages))

    def give_up(self, object_ids: Collection[UUID], *, keep: Collection[str], at: datetime) -> None:
        """Cancel planned messages about objects.

        Those that stand in for another channel are left to the worker, which looks again before it sends.

        :param keep: the keys of those that are still to go out.
        """
        if object_ids:
            values = {"objects": list(object_ids), "keep": list(keep), "at": at}
            self._send(_given_up(), values)

    def objects_of(self, customer_ids: Collection[UUID]) -> Sequence[Row[Any]]:
        """Return `customer_id`, `object_type` and `object_id` of what customers are to be reminded of."""
        if not customer_ids:
            return ()
        return self._read(_objects(), {"customers": list(customer_ids)})

    def recent(
        self, object_ids: Collection[UUID], *, rules: Collection[str], since: datetime
    ) -> Sequence[Row[Any]]:
        """Return `object_id`, `rule` and `recipient_digest` of what was lately written about objects."""
        if not object_ids:
            return ()
        return self._read(_recent(), {"objects": list(object_ids), "rules": list(rules), "since": since})


class TrailRepository(Repository):
    """The trail, counted."""

    model = Event

    def count(self, type_: str, *, after: datetime, until: datetime) -> int:
        """Return how many events of a type there are in a time."""
        values = {"type": type_, "after": after, "until": until}
        return int(self._read(self._counted(), values)[0].events)

    @classmethod
    @cache
    def _counted(cls) -> Select[Any]:
        it = Event.__table__.c
        return cls._prepared(func.count().label("events")).where(
            it.type == bindparam("type", type_=Text),
            it.at > bindparam("after", type_=INSTANT),
            it.at <= bindparam("until", type_=INSTANT),
        )


def _records(messages: Collection[Mapping[str, Any]]) -> Mapping[str, str]:
    return {"records": orjson.dumps(list(messages)).decode()}


@cache
def _added() -> Insert:
    # One parameter for however many rows: the statement is the same for every batch.
    records = cast(bindparam("records", type_=Text), JSONB)
    said = func.jsonb_to_recordset(records).table_valued(*(column(name, ROW[name].type) for name in WRITTEN))
    return insert(Notification).from_select(
        WRITTEN, select(said.render_derived(name="said", with_types=True)), include_defaults=False
    )


@cache
def _planned() -> Insert:
    added = _added()
    said, was_given_up = added.excluded, ROW.status == "cancelled"
    changed = or_(was_given_up, *(ROW[name].is_distinct_from(said[name]) for name in RENEWED))
    return added.on_conflict_do_update(
        index_elements=[ROW.tenant_id, ROW.dedupe_key],
        set_={
            **{name: said[name] for name in RENEWED},
            "status": "scheduled",
            "due_at": case((was_given_up, said.due_at), else_=ROW.due_at),
            "reason": None,
            "finished_at": None,
            "version": ROW.version + 1,
            "updated_at": func.now(),
        },
        where=and_(_own(), ROW.status.in_(("scheduled", "cancelled")), ROW.attempts == 0, changed),
    )


@cache
def _given_up() -> Update:
    return (
        update(Notification)
        .where(
            _own(),
            ROW.object_id == any_(bindparam("objects", type_=ARRAY(Uuid))),
            ROW.rule.in_(PLANNED),
            ROW.status.in_(OPEN),
            ROW.fallback_of.is_(None),
            ~(ROW.dedupe_key == any_(bindparam("keep", type_=ARRAY(Text)))),
        )
        .values(
            status="cancelled",
            reason=OUTDATED,
            finished_at=bindparam("at", type_=INSTANT),
            version=ROW.version + 1,
            updated_at=func.now(),
        )
    )


@cache
def _objects() -> Select[Any]:
    theirs = (
        ROW.customer_id == any_(bindparam("customers", type_=ARRAY(Uuid))),
        ROW.rule.in_(PLANNED),
        ROW.status.in_(OPEN),
    )
    return (
        PlanningRepository._prepared(ROW.customer_id, ROW.object_type, ROW.object_id)
        .where(*theirs)
        .distinct()
    )


@cache
def _recent() -> Select[Any]:
    return PlanningRepository._prepared(ROW.object_id, ROW.rule, ROW.recipient_digest).where(
        ROW.created_at >= bindparam("since", type_=INSTANT),
        ROW.object_id == any_(bindparam("objects", type_=ARRAY(Uuid))),
        ROW.rule == any_(bindparam("rules", type_=ARRAY(Text))),
    )


def _own() -> Any:
    return ROW.tenant_id == bindparam("own_tenant", type_=Uuid)
