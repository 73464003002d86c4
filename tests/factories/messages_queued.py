"""Businesses and messages to send, put straight into a database: nothing set them off."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from mbs.foundation.keys import email_key

Sql = Callable[..., list[tuple[Any, ...]]]


def digest_of(channel: str, address: str) -> str:
    """Return what tells one recipient from another."""
    key = email_key(address) if channel == "email" else address
    return sha256(f"{channel}:{key}".encode()).hexdigest()


def open_business(sql: Sql, name: str = "Asha's Salon", **values: Any) -> UUID:
    """Insert a business with the head of its chain."""
    id_ = uuid7()
    row = {
        "id": str(id_),
        "name": name,
        "slug": f"salon-{id_.hex[-12:]}",
        "business_type": "salon",
        "country": "IN",
        "currency": "INR",
        "timezone": "Asia/Kolkata",
        "locale": "en-IN",
        "plan": "enterprise",
        **values,
    }
    _insert(sql, "tenants", row)
    sql("INSERT INTO event_heads (tenant_id) VALUES (%s)", str(id_))
    return id_


def add_customer(sql: Sql, tenant_id: UUID, **values: Any) -> UUID:
    """Insert a customer of a business."""
    id_ = uuid7()
    row = {
        "tenant_id": str(tenant_id),
        "id": str(id_),
        "kind": "person",
        "name": "Jane Smith",
        "name_key": "jane smith",
        "search_key": "jane smith",
        "email": f"jane-{id_.hex[-12:]}@example.com",
        "created_by": str(id_),
        **values,
    }
    if row["email"] is not None:
        row["email_key"] = email_key(row["email"])
    _insert(sql, "customers", row)
    return id_


def queue_message(sql: Sql, tenant_id: UUID, **values: Any) -> UUID:
    """Insert a message that is due: to an owner by mail, unless told otherwise."""
    id_ = values.pop("id", None) or uuid7()
    channel = values.get("channel", "email")
    recipient = values.get("recipient") or f"somebody-{id_.hex[-12:]}@example.com"
    row = {
        "tenant_id": str(tenant_id),
        "id": str(id_),
        "dedupe_key": id_.hex,
        "rule": "usage.threshold",
        "audience": "owner",
        "category": "transactional",
        "channel": channel,
        "recipient": recipient,
        "recipient_digest": digest_of(channel, recipient),
        "timezone": "Asia/Kolkata",
        "locale": "en-IN",
        "variables": {"metric": "whatsapp", "used": "80", "limit": "100", "url": "https://mbs.test/usage"},
        "object_type": "tenant",
        "object_id": str(tenant_id),
        "due_at": datetime.now(UTC),
        **values,
    }
    _insert(sql, "notifications", row)
    return UUID(str(id_))


def copy_message(sql: Sql, id_: UUID, count: int) -> None:
    """Insert likenesses of a message."""
    columns = "tenant_id, rule, audience, category, channel, recipient, recipient_digest, timezone, locale"
    columns += ", variables, object_type, object_id, status, due_at"
    sql(
        f"INSERT INTO notifications (id, dedupe_key, {columns})"
        f" SELECT gen_random_uuid(), gen_random_uuid(), {columns} FROM notifications,"
        " generate_series(1, %s) WHERE id = %s",
        count,
        str(id_),
    )


def _insert(sql: Sql, table: str, row: Mapping[str, Any]) -> None:
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    given = (
        orjson.dumps(value).decode()
        if isinstance(value, dict)
        else str(value)
        if isinstance(value, UUID)
        else value
        for value in row.values()
    )
    sql(f"INSERT INTO {table} ({names}) VALUES ({marks})", *given)
