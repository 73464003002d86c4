"""/api/webhooks: what the providers of messages call."""

from collections.abc import Mapping
from typing import Any

from flask import request
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Response

from mbs.foundation.api import Blueprint
from mbs.foundation.errors import PayloadTooLarge, UnsupportedMediaType
from mbs.foundation.http import no_content
from mbs.foundation.security import signed_by
from mbs.foundation.services import resolve
from mbs.receipts.service.receiving import ReceiptService

blueprint = Blueprint(
    "receipts", __name__, url_prefix="/api/webhooks", description="What providers report of messages."
)

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
OPEN: Mapping[str, Any] = {"type": "object", "additionalProperties": True}
"""What a provider may extend at any time."""


def takes(media_type: str, schema: Mapping[str, Any], example: Any) -> Any:
    """Document a body whose fields are the provider's affair."""
    content = {media_type: {"schema": schema, "example": example}}
    return blueprint.doc(requestBody={"content": content, "required": True})


@blueprint.post("/twilio/status")
@signed_by("Twilio")
@takes(FORM, OPEN, {"MessageSid": "SM0123456789abcdef0123456789abcdef", "MessageStatus": "delivered"})
@blueprint.response(204)
def twilio_status() -> Response:
    """Take what became of a WhatsApp message."""
    body = _body(FORM)
    resolve(ReceiptService).twilio_status(target=_target(), body=body, header=request.headers.get)
    return no_content()


@blueprint.post("/twilio/inbound")
@signed_by("Twilio")
@takes(FORM, OPEN, {"MessageSid": "SM0123456789abcdef0123456789abcdef", "From": "whatsapp:+1234567890"})
@blueprint.response(204)
def twilio_inbound() -> Response:
    """Take what a customer writes on WhatsApp.

    STOP, UNSUBSCRIBE, CANCEL, END or QUIT alone withdraw the customer's consent, in every business that has
    written to the number; START gives back what they have withdrawn. Nothing else is read.
    """
    body = _body(FORM)
    resolve(ReceiptService).twilio_inbound(target=_target(), body=body, header=request.headers.get)
    return no_content()


@blueprint.post("/sendgrid")
@signed_by("SendGrid")
@takes(
    JSON,
    {"type": "array", "items": OPEN},
    [{"event": "delivered", "sg_event_id": "c2FtcGxl", "sg_message_id": "14c5d75ce93.filter1.1.0"}],
)
@blueprint.response(204)
def sendgrid() -> Response:
    """Take what became of mails: SendGrid's signed event webhook."""
    resolve(ReceiptService).sendgrid_events(body=_body(JSON), header=request.headers.get)
    return no_content()


@blueprint.post("/resend")
@signed_by("Resend")
@takes(JSON, OPEN, {"type": "email.delivered", "data": {"email_id": "56761188-7520-42d8-8898-ff6fc54ce618"}})
@blueprint.response(204)
def resend() -> Response:
    """Take what became of a mail."""
    resolve(ReceiptService).resend_event(body=_body(JSON), header=request.headers.get)
    return no_content()


def _body(media_type: str) -> bytes:
    if request.mimetype != media_type or "Content-Encoding" in request.headers:
        raise UnsupportedMediaType(f"Send the body as `Content-Type: {media_type}`, uncompressed.")
    try:
        data: bytes = request.get_data()
    except RequestEntityTooLarge:
        raise PayloadTooLarge from None
    return data


def _target() -> str:
    query = request.query_string.decode("latin-1")
    return f"{request.path}?{query}" if query else request.path
