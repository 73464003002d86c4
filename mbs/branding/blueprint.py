"""/api/tenant/logo."""

import hashlib
from typing import Any

from werkzeug.wrappers import Response

from mbs.branding.schemas import EXAMPLE, LogoView, PutLogo, present
from mbs.branding.service import LogoService
from mbs.foundation.api import Blueprint, conditional, refuses
from mbs.foundation.files import answer_file, unchanged
from mbs.foundation.http import answer, no_content
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve

blueprint = Blueprint(
    "branding", __name__, url_prefix="/api/tenant/logo", description="What your documents look like."
)


@blueprint.get("")
@requires("settings:read")
@conditional
@blueprint.response(200, {"type": "string", "format": "binary"}, content_type="image/png")
@refuses(404)
def read() -> Response:
    """Read the logo, as PNG."""
    image = resolve(LogoService).read()
    tag = hashlib.sha256(image).hexdigest()[:32]
    return unchanged(tag) or answer_file(image, media_type="image/png", tag=tag)


@blueprint.put("")
@requires("settings:write")
@blueprint.arguments(PutLogo, example=EXAMPLE)
@blueprint.response(200, LogoView)
@replayable
def replace(body: dict[str, Any]) -> Response:
    """Put a logo in place of the one before.

    It is kept as a PNG of at most 600 by 300 pixels, and printed on what is made from then on.
    """
    return answer(present(resolve(LogoService).put(**body)))


@blueprint.delete("")
@requires("settings:write")
@blueprint.response(204)
@refuses(404)
def remove() -> Response:
    """Remove the logo."""
    resolve(LogoService).remove()
    return no_content()
