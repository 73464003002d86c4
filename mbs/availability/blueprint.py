"""/api/availability."""

from typing import Any

from werkzeug.wrappers import Response

from mbs.availability.schemas import AvailabilityQuery, AvailabilityView, present
from mbs.availability.service import AvailabilityService
from mbs.foundation.api import Blueprint, refuses
from mbs.foundation.http import answer
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "availability", __name__, url_prefix="/api/availability", description="When a service can be had."
)


@blueprint.get("")
@requires("bookings:read", own=True)
@blueprint.arguments(AvailabilityQuery, location="query")
@blueprint.response(200, AvailabilityView)
@refuses(409)
def index(query: dict[str, Any]) -> Response:
    """Find out when a service can be had.

    Appointments and classes are asked for by `from` and `to` and answered by `slots`; stays by `checkIn` and
    `checkOut`, answered by `options` or, where nothing is free all the time, by a `splitStay`. Dates and
    local times are those of the location. The answer promises nothing: somebody else may be faster.
    """
    return answer(present(resolve(AvailabilityService).find(**query), query))
