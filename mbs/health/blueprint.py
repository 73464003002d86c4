"""/health, /health/db and /health/ready."""

from flask import request
from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint
from mbs.foundation.http import answer
from mbs.foundation.security import public
from mbs.foundation.services import resolve
from mbs.health.models import Status
from mbs.health.schemas import (
    DRAFT_MEDIA_TYPE,
    Alive,
    DatabaseHealth,
    Readiness,
    draft_document,
    draft_report,
    present_report,
)
from mbs.health.service import HealthService

blueprint = Blueprint("health", __name__, description="Probes: no credentials, no limits.")


@blueprint.get("/health")
@public
@blueprint.response(200, Alive, example={"status": "ok"})
def alive() -> Response:
    """Tell whether the process lives; `degraded` means that its configuration is incomplete."""
    status = resolve(HealthService).alive()
    return _answer({"status": status}, draft_document(status))


@blueprint.get("/health/db")
@public
@blueprint.response(200, DatabaseHealth, example={"status": "ok", "database": "connected"})
@blueprint.alt_response(503, schema=DatabaseHealth, description="The database does not answer.")
def database() -> Response:
    """Tell whether the database answers."""
    state = resolve(HealthService).database()
    status: Status = "ok" if state == "connected" else "unhealthy"
    return _answer(
        {"status": status, "database": state}, draft_document(status), 200 if status == "ok" else 503
    )


@blueprint.get("/health/ready")
@public
@blueprint.response(200, Readiness)
@blueprint.alt_response(503, schema=Readiness, description="A critical check failed.")
def ready() -> Response:
    """Tell whether the service is fit to serve, check by check."""
    service = resolve(HealthService)
    report = service.report()
    return _answer(
        present_report(report, service.release),
        draft_report(report, service.release),
        200 if report.ready else 503,
    )


for path, view in (("", alive), ("/db", database), ("/ready", ready)):
    blueprint.add_url_rule(f"/api/health{path}", f"api_{view.__name__}", view)


def _answer(body: object, draft: object, status: int = 200) -> Response:
    """Return one of two documents; the draft's is for those who name its media type."""
    wanted = request.accept_mimetypes.best_match(["application/json", DRAFT_MEDIA_TYPE])
    response = answer(draft if wanted == DRAFT_MEDIA_TYPE else body, status)
    if wanted == DRAFT_MEDIA_TYPE:
        response.content_type = DRAFT_MEDIA_TYPE
    response.headers["Vary"] = "Accept"
    response.headers["Cache-Control"] = "no-store"
    if status == 503:
        response.headers["Retry-After"] = "5"
    return response
