"""Keyset pages: what a list is asked for, what it answers, and the signed cursor between two requests."""

import base64
import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import orjson

from mbs.foundation.errors import InvalidCursor
from mbs.foundation.scope import TenantId

DEFAULT_LIMIT = 20
MAXIMUM_LIMIT = 100
MAC_BYTES = 16

KINDS: Mapping[type, str] = {datetime: "t", date: "D", Decimal: "d"}
"""Values that JSON has no form for, and the letters that say so in a cursor."""

READ: Mapping[str, Callable[[str], Any]] = {
    "t": datetime.fromisoformat,
    "D": date.fromisoformat,
    "d": Decimal,
}


@dataclass(frozen=True, slots=True)
class Position:
    """The last row of a page: its value in the sort column, and its id to tell equals apart."""

    value: Any
    id: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class PageRequest:
    """`sort` is the name of a database column that the room's query schema allows."""

    sort: str
    descending: bool
    limit: int = DEFAULT_LIMIT
    position: Position | None = None
    include_total: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Rows of one page; `next` is the position after which the following page starts, None at the end."""

    rows: Sequence[Any]
    limit: int
    next: Position | None
    total: int | None

    @classmethod
    def cut(cls, rows: Sequence[Any], request: PageRequest, total: int | None) -> "Page":
        """Make a page of `limit + 1` fetched rows."""
        if len(rows) <= request.limit:
            return cls(rows, request.limit, None, total)
        kept = rows[: request.limit]
        last = kept[-1]
        return cls(kept, request.limit, Position(getattr(last, request.sort), last.id), total)


class CursorCodec:
    """Writes and reads cursors: opaque, authenticated, bound to tenant, list and order."""

    def __init__(self, secret: str) -> None:
        self._key = hmac.digest(secret.encode(), b"mbs.cursor.v1", "sha256")

    def encode(self, position: Position, *, tenant_id: TenantId, order: str) -> str:
        kind = KINDS.get(type(position.value), "s")
        value = str(position.value) if kind == "d" else position.value
        payload = orjson.dumps([kind, value, str(position.id)])
        mac = self._mac(payload, tenant_id, order)
        return base64.urlsafe_b64encode(mac + payload).rstrip(b"=").decode()

    def decode(self, cursor: str, *, tenant_id: TenantId, order: str) -> Position:
        """Read a cursor back.

        :param order: list, sort column and direction; a cursor of another order is refused.
        :raises InvalidCursor: if this service did not give it out for this tenant and order.
        """
        try:
            data = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise InvalidCursor from None
        mac, payload = data[:MAC_BYTES], data[MAC_BYTES:]
        # Base64 has several spellings of one value; only ours is accepted.
        canonical = base64.urlsafe_b64encode(data).rstrip(b"=").decode() == cursor
        if not canonical or not hmac.compare_digest(mac, self._mac(payload, tenant_id, order)):
            raise InvalidCursor
        kind, value, id_ = orjson.loads(payload)
        return Position(READ[kind](value) if kind in READ else value, UUID(id_))

    def _mac(self, payload: bytes, tenant_id: TenantId, order: str) -> bytes:
        message = hashlib.sha256(payload).digest() + tenant_id.bytes + order.encode()
        return hmac.digest(self._key, message, "sha256")[:MAC_BYTES]
