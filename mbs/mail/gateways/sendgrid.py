"""SendGrid: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send."""

import base64
from typing import Any

import orjson
import requests

from mbs.mail.gateways.breaker import Breaker
from mbs.mail.gateways.http import json_object, message_id_of, raise_for, refuse_forgery, shown_name
from mbs.mail.gateways.interface import Receipt
from mbs.mail.models import Message

UNTRACKED = {
    "click_tracking": {"enable": False, "enable_text": False},
    "open_tracking": {"enable": False},
}
"""Links carry secrets, which must not pass through anybody's redirects."""


class SendGridGateway:
    """`address` is the service's own, in whose name mails go out; `reply_to` gets what is answered to it."""

    def __init__(
        self, session: requests.Session, *, base: str, key: str, address: str, reply_to: str | None = None
    ) -> None:
        self._session = session
        self._url = f"{base}/v3/mail/send"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._address = address
        self._reply_to = reply_to
        self._breaker = Breaker("sendgrid")

    def send(self, message: Message) -> Receipt:
        """Hand a mail over; see `interface.Gateway`."""
        refuse_forgery(message)
        body = orjson.dumps(self._written(message))
        with self._breaker.asking():
            response = self._session.post(self._url, data=body, headers=self._headers)
            message_id = message_id_of(response.headers.get("X-Message-Id"))
            if response.status_code != 202 or message_id is None:
                raise_for("sendgrid", response, _code(json_object(response)))
        return Receipt("sendgrid", message_id)

    def ready(self) -> bool:
        """Tell whether it is any use to send now."""
        return self._breaker.ready()

    def _written(self, message: Message) -> dict[str, Any]:
        sender = {"email": self._address}
        if message.sender_name and (name := shown_name(message.sender_name)):
            sender["name"] = name
        content = [{"type": "text/plain", "value": message.text}]
        if message.html is not None:
            content.append({"type": "text/html", "value": message.html})
        written: dict[str, Any] = {
            "personalizations": [{"to": [{"email": message.to}]}],
            "from": sender,
            "subject": message.subject,
            "content": content,
            "tracking_settings": UNTRACKED,
        }
        if reply_to := message.reply_to or self._reply_to:
            written["reply_to"] = {"email": reply_to}
        if message.id is not None:
            # The first comes back with each event; the second keeps mail programs from folding two into one.
            written["custom_args"] = {"notification_id": str(message.id)}
            written["headers"] = {"X-Entity-Ref-ID": str(message.id)}
        if message.attachments:
            written["attachments"] = [
                {
                    "content": base64.b64encode(one.content).decode(),
                    "type": one.media_type,
                    "filename": one.filename,
                    "disposition": "attachment",
                }
                for one in message.attachments
            ]
        return written


def _code(said: dict[str, Any]) -> object:
    """Return the field that an error is about; its message may quote the address."""
    errors = said.get("errors")
    if not isinstance(errors, list):
        return None
    first = errors[0] if errors and isinstance(errors[0], dict) else {}
    return first.get("field") or "error"
