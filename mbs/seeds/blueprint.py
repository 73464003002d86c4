"""/api/seed, in development and test alone."""

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, refuses
from mbs.foundation.http import answer
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.seeds.schemas import SeedView
from mbs.seeds.service import SeedService

blueprint = Blueprint(
    "seeds", __name__, url_prefix="/api/seed", description="Demo data, in development and test alone."
)


@blueprint.post("/<string(maxlength=40):preset>")
@requires("settings:write")
@refuses(404)
@blueprint.response(201, SeedView)
@replayable
def create(preset: str) -> Response:
    """Fill a new business with a month of demo data.

    `preset` is `salon`, `clinic`, `gym`, `hostel` or `consultancy`. There are rules, people and things with
    their hours, services, customers, what they booked two weeks back and two ahead, and invoices of some of
    it, paid or not. A business that has services or resources is refused with 409, so that nothing is mixed
    with what is real, or made twice.
    """
    return answer({"preset": preset, **resolve(SeedService).seed(preset=preset)}, 201)
