"""/api/bookings, but for making and moving one; the bookings of a customer, and those of a class."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.bookings.models import SORTS
from mbs.bookings.schemas import (
    AttendeesQuery,
    BookingPage,
    BookingQuery,
    BookingsQuery,
    BookingView,
    CancelBooking,
    ChangeBooking,
    DeclineBooking,
    NoShow,
    UpcomingQuery,
    present,
)
from mbs.bookings.service.lifecycle import LifecycleService
from mbs.bookings.service.reading import BookingService
from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.errors import Forbidden
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, no_content, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.pages import MAXIMUM_LIMIT, Page, PageRequest
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "bookings",
    __name__,
    url_prefix="/api",
    description="What was agreed with customers, and what came of it.",
)


@blueprint.get("/bookings")
@requires("bookings:read", own=True)
@blueprint.arguments(BookingQuery, location="query")
@blueprint.response(200, BookingPage)
def index(query: dict[str, Any]) -> Response:
    """List bookings, by their start unless `sortBy` says otherwise.

    `from` and `to` select what touches the time between them, however long before it began.
    """
    request, order = _page(query, "bookings")
    return _answer(resolve(BookingService).search(request=request, **query), order)


@blueprint.get("/bookings/upcoming")
@requires("bookings:read", own=True)
@blueprint.arguments(UpcomingQuery, location="query")
@blueprint.response(200, BookingPage)
def upcoming(query: dict[str, Any]) -> Response:
    """List what comes next, and what goes on now.

    Whatever is cancelled, declined, expired or done is not in it.
    """
    _refuse_expansion(query)
    limit = min(query.pop("limit"), MAXIMUM_LIMIT)
    request = PageRequest(sort="start_at", descending=False, limit=limit)
    page = resolve(BookingService).upcoming(request=request, **query)
    return _answer(Page(page.rows, page.limit, None, None), "upcoming")


@blueprint.get("/customers/<id:customer_id>/bookings")
@requires("bookings:read", own=True)
@blueprint.arguments(BookingsQuery, location="query")
@blueprint.response(200, BookingPage)
def of_customer(query: dict[str, Any], customer_id: UUID) -> Response:
    """List a customer's bookings."""
    request, order = _page(query, f"bookings:{customer_id}")
    page = resolve(BookingService).of_customer(customer_id=customer_id, request=request, **query)
    return _answer(page, order)


@blueprint.get("/sessions/<id:session_id>/attendees")
@requires("bookings:read", own=True)
@blueprint.arguments(AttendeesQuery, location="query")
@blueprint.response(200, BookingPage)
def attendees(query: dict[str, Any], session_id: UUID) -> Response:
    """List who has a seat of a class, or had one until it was over."""
    request, order = _page(query, f"attendees:{session_id}")
    page = resolve(BookingService).attendees(session_id=session_id, request=request, **query)
    return _answer(page, order)


@blueprint.get("/bookings/<id:booking_id>")
@requires("bookings:read", own=True)
@conditional
@blueprint.response(200, BookingView)
def read(booking_id: UUID) -> Response:
    """Read a booking."""
    return _shown(resolve(BookingService).read(id_=booking_id))


@blueprint.patch("/bookings/<id:booking_id>")
@requires("bookings:write", own=True)
@conditional
@blueprint.arguments(ChangeBooking, example={"internalNotes": "Allergic to ammonia"})
@blueprint.response(200, BookingView)
@replayable
def update(body: dict[str, Any], booking_id: UUID) -> Response:
    """Change the notes of a booking; null clears them. When and with whom it is: `POST .../reschedule`."""
    return _shown(resolve(BookingService).annotate(id_=booking_id, version=expected_version(), **body))


@blueprint.delete("/bookings/<id:booking_id>")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(204)
def remove(booking_id: UUID) -> Response:
    """Cancel a booking, as `POST .../cancel` without a body does; it is kept."""
    resolve(LifecycleService).cancel(id_=booking_id, version=expected_version())
    return no_content()


@blueprint.post("/bookings/<id:booking_id>/confirm")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(200, BookingView)
@replayable
def confirm(booking_id: UUID) -> Response:
    """Agree to a pending booking.

    Of a `no_show` it takes back, within 24 hours, that the customer did not come; if its time has been taken
    meanwhile, that is refused with 409 `SLOT_UNAVAILABLE`. A hold is converted instead. For people of the
    business only.
    """
    return _shown(resolve(LifecycleService).confirm(id_=booking_id, version=expected_version()))


@blueprint.post("/bookings/<id:booking_id>/decline")
@requires("bookings:write", own=True)
@conditional
@blueprint.arguments(DeclineBooking, example={"reason": "We are closed for a wedding"})
@blueprint.response(200, BookingView)
@replayable
def decline(body: dict[str, Any], booking_id: UUID) -> Response:
    """Refuse a pending booking; what it kept is free again."""
    return _shown(resolve(LifecycleService).decline(id_=booking_id, version=expected_version(), **body))


@blueprint.post("/bookings/<id:booking_id>/check-in")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(200, BookingView)
@replayable
def check_in(booking_id: UUID) -> Response:
    """Note that the customer is there."""
    return _shown(resolve(LifecycleService).check_in(id_=booking_id, version=expected_version()))


@blueprint.post("/bookings/<id:booking_id>/complete")
@requires("bookings:write", own=True)
@conditional
@blueprint.response(200, BookingView)
@replayable
def complete(booking_id: UUID) -> Response:
    """Note that a booking is done; if that is early, the rest of its time is free again."""
    return _shown(resolve(LifecycleService).complete(id_=booking_id, version=expected_version()))


@blueprint.post("/bookings/<id:booking_id>/no-show")
@requires("bookings:write", own=True)
@conditional
@blueprint.arguments(NoShow, example={"waiveFee": True})
@blueprint.response(200, BookingView)
@replayable
def no_show(body: dict[str, Any], booking_id: UUID) -> Response:
    """Note that the customer did not come; `fee` is what that costs by the rule `noShowFee`."""
    return _shown(resolve(LifecycleService).no_show(id_=booking_id, version=expected_version(), **body))


@blueprint.post("/bookings/<id:booking_id>/cancel")
@requires("bookings:write", own=True)
@conditional
@blueprint.arguments(CancelBooking, example={"cancelledBy": "customer", "reason": "Ill"})
@blueprint.response(200, BookingView)
@replayable
def cancel(body: dict[str, Any], booking_id: UUID) -> Response:
    """Cancel a booking; what it took is free again.

    A customer who cancels later than `cancelNoticeMin` before the start owes the `lateCancelFee`.
    """
    return _shown(resolve(LifecycleService).cancel(id_=booking_id, version=expected_version(), **body))


def _page(query: dict[str, Any], name: str) -> tuple[PageRequest, str]:
    _refuse_expansion(query)
    # A calendar runs forward, unlike other lists of what happened when.
    if query["sort_by"] == "startAt":
        query.setdefault("sort_order", "asc")
    return page_request(query, name, SORTS)


def _refuse_expansion(query: dict[str, Any]) -> None:
    scope = current_scope()
    # Whose bookings somebody may see as their own are customers of theirs, too.
    own = scope.may("customers:read:own") and not scope.may("bookings:read")
    if query["expand"] and not (scope.may("customers:read") or own):
        raise Forbidden("Your role lacks the permission customers:read, which `expand=customer` needs.")


def _answer(page: Page, order: str) -> Response:
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present(row, tenant_id), order=order)


def _shown(booking: Any) -> Response:
    return answer(present(booking, current_scope().tenant_id), version=booking.version)
