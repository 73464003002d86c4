"""What is served while the configuration is incomplete (runbook section 10): health, and 503 for the rest."""

from flask import Blueprint, request

from mbs.foundation.errors import Unavailable

RETRY_SECONDS = 60
PROBED = ("GET", "HEAD")

blueprint = Blueprint("degraded", __name__)


class DegradedMode(Unavailable):
    code = "DEGRADED_MODE"
    sentence = "The service's configuration is incomplete; /health/ready names the variables."


@blueprint.before_app_request
def refuse() -> None:
    """Refuse whatever is not a health probe, whatever its path and method: no 404, no 405, no redirect."""
    # Werkzeug matches `//health` too; the path as it came does not lie.
    if (
        request.url_rule is None
        or request.method not in PROBED
        or request.environ["PATH_INFO"].startswith("//")
    ):
        raise DegradedMode(retry_after=RETRY_SECONDS)
