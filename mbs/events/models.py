"""The chained event and its head, and the canonical form over which the chain is computed."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import BigInteger, Boolean, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key


class EventHead(Base):
    """The newest link of a tenant's chain; updated last in each transaction, which makes `seq` gapless."""

    __tablename__ = "event_heads"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__event_heads__pending", "tenant_id", postgresql_where=text("pending")),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    seq: Mapped[int] = mapped_column(BigInteger)
    prev_hash: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)
    pending: Mapped[bool] = mapped_column(Boolean)


class Event(Base):
    """One change: `type` is `<object>.<past>`, `data` is `{"object": {...}, "previous": {...}}`."""

    __tablename__ = "events"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "seq"),
        Index("ix__events__object", "tenant_id", "object_id", "seq"),
        Index("ix__events__type", "tenant_id", "type", "seq"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(Text)
    object_type: Mapped[str] = mapped_column(Text)
    object_id: Mapped[UUID] = mapped_column(Uuid)
    actor: Mapped[dict[str, Any]] = mapped_column(JSONB)
    at: Mapped[datetime] = mapped_column(TIMESTAMP(timezone=True))
    data: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    data_hash: Mapped[str] = mapped_column(Text)
    prev_hash: Mapped[str] = mapped_column(Text)
    hash: Mapped[str] = mapped_column(Text)


def instant(value: datetime) -> str:
    """Write an instant as the chain does: UTC, always six decimals."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(value: Any) -> bytes:
    """Return the canonical form: UTF-8 JSON, keys sorted, no spaces, instants in UTC with microseconds."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME)


def data_hash(data: Mapping[str, Any]) -> str:
    """Return the digest of an event's data. The chain covers the digest, so data can be erased later."""
    return hashlib.sha256(canonical(data)).hexdigest()


def link(*, prev_hash: str, seq: int, fields: Mapping[str, Any]) -> str:
    """Return the hash of one link (docs/audit-trail.md has two test vectors).

    :param fields: actor, at, dataHash, id, objectId, objectType, tenantId, type.
    """
    return hashlib.sha256(canonical({**fields, "prevHash": prev_hash, "seq": seq})).hexdigest()


def around_the_link(fields: Mapping[str, Any]) -> tuple[str, str]:
    """Return the canonical form of a link before and behind `"prevHash":...,"seq":...`, which only SQL knows.

    Sorted, those two stand between `objectType` and `tenantId`, so the form splits there.
    """
    first = {key: value for key, value in fields.items() if key < "prevHash"}
    last = {key: value for key, value in fields.items() if key > "seq"}
    return canonical(first)[:-1].decode() + ",", "," + canonical(last)[1:].decode()


def _plain(value: Any) -> str:
    if isinstance(value, datetime):
        return instant(value)
    raise TypeError(f"{type(value).__name__} has no place in an event")
