"""/api/sessions and /api/session-series."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.sessions.models import SORTS
from mbs.sessions.schemas import (
    EXAMPLE,
    SERIES_EXAMPLE,
    Cancel,
    ChangeSession,
    CreateSeries,
    CreateSession,
    SeriesView,
    SessionPage,
    SessionQuery,
    SessionView,
    present,
)
from mbs.sessions.service.classes import SessionService, local_start

blueprint = Blueprint(
    "sessions",
    __name__,
    url_prefix="/api",
    description="Group classes: a time, somebody who gives them, a room, and seats.",
)


@blueprint.get("/sessions")
@requires("bookings:read", own=True)
@blueprint.arguments(SessionQuery, location="query")
@blueprint.response(200, SessionPage)
def index(query: dict[str, Any]) -> Response:
    """List classes with the seats that remain, the next one first.

    Those that have ended appear only when `from` asks for them, and cancelled ones when `status` does.
    """
    request, order = page_request(query, "sessions", SORTS)
    if "service_id" in query:
        query["catalog_item_id"] = query.pop("service_id")
    if "to" in query:
        query["start_before"] = query.pop("to")
    page = resolve(SessionService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("/sessions")
@requires("bookings:write")
@blueprint.arguments(CreateSession, example=EXAMPLE)
@blueprint.response(201, SessionView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Plan a class.

    It takes the person and the room for as long as the service says, buffers included; 409 `SLOT_UNAVAILABLE`
    if one of them is booked or off. The hours of people and places do not bind it: whoever plans a class
    says by that when they work.
    """
    row = resolve(SessionService).create(start=_start(body), **body)
    view = present(row, current_scope().tenant_id)
    return answer(view, 201, version=row.version, location=f"/api/sessions/{row.id}")


@blueprint.get("/sessions/<id:session_id>")
@requires("bookings:read", own=True)
@blueprint.response(200, SessionView)
def read(session_id: UUID) -> Response:
    """Read a class, with the seats that remain; `version` is for the If-Match of a change."""
    row = resolve(SessionService).read(id_=session_id)
    # No entity tag: bookings take seats, and leave the class's version as it is.
    return answer(present(row, current_scope().tenant_id))


@blueprint.patch("/sessions/<id:session_id>")
@requires("bookings:write")
@conditional
@blueprint.arguments(ChangeSession, example={"capacity": 12})
@blueprint.response(200, SessionView)
@replayable
def update(body: dict[str, Any], session_id: UUID) -> Response:
    """Change a class that is to take place; null clears a field, an absent field stays.

    Another time moves everybody who has a seat, which counts as no rescheduling of theirs. More seats are
    offered to those who wait; fewer than are taken is 409 `CAPACITY_IN_USE`.
    """
    start = _start(body) if body.keys() & {"start_at", "date"} else None
    row = resolve(SessionService).change(id_=session_id, version=expected_version(), start=start, **body)
    return answer(present(row, current_scope().tenant_id), version=row.version)


@blueprint.delete("/sessions/<id:session_id>")
@requires("bookings:write")
@conditional
@blueprint.response(204)
def remove(session_id: UUID) -> Response:
    """Cancel a class, as `cancel` does; it stays readable."""
    resolve(SessionService).cancel(id_=session_id, version=expected_version())
    return no_content()


@blueprint.post("/sessions/<id:session_id>/cancel")
@requires("bookings:write")
@conditional
@blueprint.arguments(Cancel, example={"reason": "The teacher is ill"})
@blueprint.response(200, SessionView)
@replayable
def cancel(body: dict[str, Any], session_id: UUID) -> Response:
    """Cancel a class with all its bookings, without a fee; nobody waits for it any longer."""
    row = resolve(SessionService).cancel(id_=session_id, version=expected_version(), **body)
    return answer(present(row, current_scope().tenant_id), version=row.version)


@blueprint.post("/sessions/<id:session_id>/complete")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(200, SessionView)
@replayable
def complete(session_id: UUID) -> Response:
    """Note that a class took place.

    Who was there is said of each booking, by `check-in`, `complete` or `no-show`.
    """
    row = resolve(SessionService).complete(id_=session_id, version=expected_version())
    return answer(present(row, current_scope().tenant_id), version=row.version)


@blueprint.post("/session-series")
@requires("bookings:write")
@blueprint.arguments(CreateSeries, example=SERIES_EXAMPLE)
@blueprint.response(201, SeriesView)
@replayable
def create_series(body: dict[str, Any]) -> Response:
    """Plan a class on days of the week, up to 200 times: all of them, or none.

    The time of day stays the same when the clocks change. 409 `SLOT_UNAVAILABLE` names in `conflicts` each
    time at which somebody or something is not free.
    """
    series_id, rows = resolve(SessionService).create_series(**body)
    tenant_id = current_scope().tenant_id
    view = {"seriesId": series_id, "sessions": [present(row, tenant_id) for row in rows]}
    return answer(view, 201, location=f"/api/sessions?seriesId={series_id}")


def _start(body: dict[str, Any]) -> Callable[[str], datetime]:
    """Take the start out of a body; the time zone of the location tells what instant a local one is."""
    if "start_at" in body:
        chosen: datetime = body.pop("start_at")
        return lambda _: chosen
    return partial(local_start, body.pop("date"), body.pop("start_time"), body.pop("fold", 0))
