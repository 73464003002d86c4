"""/api/sessions/{id}/waitlist."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.waitlist.models import SORTS
from mbs.waitlist.schemas import (
    EXAMPLE,
    JoinWaitlist,
    WaitlistEntryView,
    WaitlistPage,
    WaitlistQuery,
    present,
)
from mbs.waitlist.service import WaitlistService

blueprint = Blueprint(
    "waitlist",
    __name__,
    url_prefix="/api/sessions/<id:session_id>/waitlist",
    description="Who waits for a seat of a full class.",
)


@blueprint.get("")
@requires("bookings:read", own=True)
@blueprint.arguments(WaitlistQuery, location="query")
@blueprint.response(200, WaitlistPage)
def index(query: dict[str, Any], session_id: UUID) -> Response:
    """List who waits for a class, in the order in which they joined."""
    request, order = page_request(query, f"waitlist:{session_id}", SORTS)
    page = resolve(WaitlistService).search(session_id=session_id, request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


@blueprint.post("")
@requires("bookings:write", own=True)
@blueprint.arguments(JoinWaitlist, example=EXAMPLE)
@blueprint.response(201, WaitlistEntryView)
@replayable
def join(body: dict[str, Any], session_id: UUID) -> Response:
    """Let a customer wait for a class that has too few seats left; 409 `SEATS_AVAILABLE` if it has enough.

    Seats that become free are offered in the order of joining, and held for the customer for half an hour or,
    if that is longer, as long as the business holds bookings, but not beyond the start. A party larger than
    what is free keeps its place while the next one gets its turn.
    """
    row = resolve(WaitlistService).join(session_id=session_id, **body)
    view = present(row, current_scope().tenant_id)
    location = f"/api/sessions/{session_id}/waitlist/{row.id}"
    return answer(view, 201, version=row.version, location=location)


@blueprint.get("/<id:entry_id>")
@requires("bookings:read", own=True)
@blueprint.response(200, WaitlistEntryView)
def read(session_id: UUID, entry_id: UUID) -> Response:
    """Read one customer's place in the list; `version` is for the If-Match of what is done with it."""
    row = resolve(WaitlistService).read(session_id=session_id, id_=entry_id)
    # No entity tag: others leave, and the place changes without the entry.
    return answer(present(row, current_scope().tenant_id))


@blueprint.post("/<id:entry_id>/accept")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(200, WaitlistEntryView)
@replayable
def accept(session_id: UUID, entry_id: UUID) -> Response:
    """Take the seats that are offered, whose booking is confirmed by that, or waits where approval is asked.

    Seats that became free unnoticed, because an offer ended, are given to whoever is next at this moment.
    """
    service = resolve(WaitlistService)
    row = service.accept(session_id=session_id, id_=entry_id, version=expected_version())
    return answer(present(row, current_scope().tenant_id), version=row.version)


@blueprint.delete("/<id:entry_id>")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(204)
def leave(session_id: UUID, entry_id: UUID) -> Response:
    """Let a customer wait no longer; seats that are offered to them go to the next."""
    service = resolve(WaitlistService)
    service.leave(session_id=session_id, id_=entry_id, version=expected_version())
    return no_content()
