"""/api/events and /api/audit-logs."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.events.schemas import (
    AuditPage,
    AuditQuery,
    EventPage,
    EventQuery,
    EventView,
    present_audit,
    present_event,
)
from mbs.events.service import EventService
from mbs.foundation.api import Blueprint
from mbs.foundation.errors import InvalidCursor
from mbs.foundation.http import answer, current_scope
from mbs.foundation.pages import MAXIMUM_LIMIT
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint("events", __name__, url_prefix="/api", description="Everything that changed, in order.")


@blueprint.get("/events")
@requires("audit:read")
@blueprint.arguments(EventQuery, location="query")
@blueprint.response(200, EventPage)
def index(query: dict[str, Any]) -> Response:
    """Follow the events, oldest first.

    Poll with `after` set to the last `seq` you have seen: the sequence has no gaps and an event never
    appears behind one that you have read.
    """
    limit, cursor = min(query.pop("limit"), MAXIMUM_LIMIT), query.pop("cursor", None)
    after = query.pop("after", 0)
    if cursor is not None:
        after = _seq(cursor)
    rows, more = resolve(EventService).feed(after=after, limit=limit, **query)
    tenant_id = current_scope().tenant_id
    return _answer(rows, more, limit, lambda row: present_event(row, tenant_id))


@blueprint.get("/events/<id:event_id>")
@requires("audit:read")
@blueprint.response(200, EventView)
def read(event_id: UUID) -> Response:
    """Read one event."""
    row = resolve(EventService).read(id_=event_id)
    return answer(present_event(row, current_scope().tenant_id))


@blueprint.get("/audit-logs")
@requires("audit:read")
@blueprint.arguments(AuditQuery, location="query")
@blueprint.response(200, AuditPage)
def audit(query: dict[str, Any]) -> Response:
    """Read who changed what, newest first."""
    limit, cursor = min(query.pop("limit"), MAXIMUM_LIMIT), query.pop("cursor", None)
    before = None if cursor is None else _seq(cursor)
    rows, more = resolve(EventService).history(before=before, limit=limit, **query)
    return _answer(rows, more, limit, present_audit)


def _seq(cursor: str) -> int:
    if not cursor.isascii() or not cursor.isdigit() or len(cursor) > 18:
        raise InvalidCursor
    return int(cursor)


def _answer(rows: Sequence[Any], more: bool, limit: int, present: Callable[[Any], Any]) -> Response:
    cursor = str(rows[-1].seq) if more else None
    pagination = {"limit": limit, "hasMore": more, "nextCursor": cursor, "total": None}
    return answer({"data": [present(row) for row in rows], "pagination": pagination})
