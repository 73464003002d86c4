"""/health, /health/db and /health/ready."""

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint
from mbs.foundation.http import answer
from mbs.foundation.security import public
from mbs.foundation.services import resolve
from mbs.health.schemas import Alive, DatabaseHealth, Readiness, present_report
from mbs.health.service import HealthService

blueprint = Blueprint("health", __name__, description="Probes: no credentials, no limits.")


@blueprint.get("/health")
@public
@blueprint.response(200, Alive, example={"status": "ok"})
def alive() -> Response:
    """Tell whether the process lives; `degraded` means that its configuration is incomplete."""
    return _answer({"status": resolve(HealthService).alive()})


@blueprint.get("/health/db")
@public
@blueprint.response(200, DatabaseHealth, example={"status": "ok", "database": "connected"})
@blueprint.alt_response(503, schema=DatabaseHealth, description="The database does not answer.")
def database() -> Response:
    """Tell whether the database answers."""
    state = resolve(HealthService).database()
    reached = state == "connected"
    return _answer({"status": "ok" if reached else "unhealthy", "database": state}, 200 if reached else 503)


@blueprint.get("/health/ready")
@public
@blueprint.response(200, Readiness)
@blueprint.alt_response(503, schema=Readiness, description="A critical check failed.")
def ready() -> Response:
    """Tell whether the service is fit to serve, check by check."""
    service = resolve(HealthService)
    report = service.report()
    return _answer(present_report(report, service.release), 200 if report.ready else 503)


for path, view in (("", alive), ("/db", database), ("/ready", ready)):
    blueprint.add_url_rule(f"/api/health{path}", f"api_{view.__name__}", view)


def _answer(body: object, status: int = 200) -> Response:
    response = answer(body, status)
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response
