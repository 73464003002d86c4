"""/api/notifications and /api/notification-logs."""

from typing import Any
from uuid import UUID

from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint, conditional
from mbs.foundation.http import answer, answer_page, current_scope, expected_version, page_request
from mbs.foundation.idempotency import replayable
from mbs.foundation.security import requires
from mbs.foundation.services import resolve
from mbs.notifications.models.tables import SORTS
from mbs.notifications.schemas import (
    EXAMPLE,
    NotificationPage,
    NotificationQuery,
    NotificationView,
    SendSample,
    present,
    present_listed,
)
from mbs.notifications.service.reading import NotificationService

blueprint = Blueprint(
    "notifications", __name__, url_prefix="/api", description="What customers and teams were told."
)


@blueprint.get("/notifications")
@requires("notifications:read")
@blueprint.arguments(NotificationQuery, location="query")
@blueprint.response(200, NotificationPage)
def index(query: dict[str, Any]) -> Response:
    """List messages, newest first, with what became of each.

    They are kept for 90 days from their end.
    """
    return _listed(query)


@blueprint.get("/notification-logs")
@requires("notifications:read")
@blueprint.arguments(NotificationQuery, location="query")
@blueprint.response(200, NotificationPage)
def logs(query: dict[str, Any]) -> Response:
    """List messages: the same as `GET /api/notifications`."""
    return _listed(query)


@blueprint.get("/notifications/<id:notification_id>")
@requires("notifications:read")
@conditional
@blueprint.response(200, NotificationView)
def read(notification_id: UUID) -> Response:
    """Read a message, in the words in which it was sent."""
    return _shown(resolve(NotificationService).read(id_=notification_id))


@blueprint.post("/notifications/<id:notification_id>/retry")
@requires("notifications:write")
@conditional
@blueprint.response(200, NotificationView)
@replayable
def retry(notification_id: UUID) -> Response:
    """Send a message again that failed, or that something spoke against.

    Whatever spoke against it is looked at again. What went out is not repeated: 409 `INVALID_STATE`.
    """
    return _shown(resolve(NotificationService).retry(id_=notification_id, version=expected_version()))


@blueprint.post("/notifications/test")
@requires("notifications:write")
@blueprint.arguments(SendSample, example=EXAMPLE)
@blueprint.response(201, NotificationView)
@replayable
def send_sample(body: dict[str, Any]) -> Response:
    """Send yourself a message with made-up values, at most five an hour.

    It is queued like any other; read it again to see what became of it. WhatsApp needs `to`.
    """
    message = resolve(NotificationService).sample(**body)
    return _shown(message, 201, location=f"/api/notifications/{message.id}")


def _listed(query: dict[str, Any]) -> Response:
    request, order = page_request(query, "notifications", SORTS)
    page = resolve(NotificationService).search(request=request, **query)
    tenant_id = current_scope().tenant_id
    return answer_page(page, lambda row: present_listed(row, tenant_id), order=order)


def _shown(row: Any, status: int = 200, *, location: str | None = None) -> Response:
    view = present(row, current_scope().tenant_id)
    return answer(view, status, version=row.version, location=location)
