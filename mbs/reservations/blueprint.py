"""POST /api/bookings, and the ways in which one finds another place."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.bookings.schemas import BookingView, present
from mbs.foundation.api import Blueprint, conditional, refuses
from mbs.foundation.http import answer, current_scope, expected_version
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.reservations.schemas import EXAMPLE, CreateBooking, Reschedule
from mbs.reservations.service.making import ReservationService
from mbs.reservations.service.moving import MovingService

blueprint = Blueprint(
    "reservations",
    __name__,
    url_prefix="/api/bookings",
    description="Making bookings, holding a time, and moving them.",
)


@blueprint.post("")
@requires("bookings:write", own=True)
@refuses(409)
@blueprint.arguments(CreateBooking, example=EXAMPLE)
@blueprint.response(201, BookingView)
@replayable
def create(body: dict[str, Any]) -> Response:
    """Make a booking: of a service at a time, of several (`items`), of nights, or of seats of a class.

    A time that is taken is refused with 409 `SLOT_UNAVAILABLE` and up to three `alternatives`. With `hold`
    the time is kept for some minutes, until it is converted.
    """
    booking = resolve(ReservationService).create(**body)
    view = present(booking, current_scope().tenant_id)
    return answer(view, 201, version=booking.version, location=f"/api/bookings/{booking.id}")


@blueprint.post("/<id:booking_id>/convert")
@requires("bookings:write", own=True)
@conditional
@refuses(409)
@blueprint.response(200, BookingView)
@replayable
def convert(booking_id: UUID) -> Response:
    """Make a booking of a hold; it is `pending` where a customer's booking needs approval."""
    booking = resolve(ReservationService).convert(id_=booking_id, version=expected_version())
    return answer(present(booking, current_scope().tenant_id), version=booking.version)


@blueprint.post("/<id:booking_id>/reschedule")
@requires("bookings:write", own=True)
@conditional
@refuses(409)
@blueprint.arguments(Reschedule, example={"startAt": "2030-03-04T11:00:00+05:30"})
@blueprint.response(200, BookingView)
@replayable
def reschedule(body: dict[str, Any], booking_id: UUID) -> Response:
    """Move a booking, which keeps its id; it may overlap its own former time."""
    booking = resolve(MovingService).reschedule(id_=booking_id, version=expected_version(), **body)
    return answer(present(booking, current_scope().tenant_id), version=booking.version)
