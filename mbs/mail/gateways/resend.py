"""Resend: https://resend.com/docs/api-reference/emails/send-email."""

import base64
from typing import Any

import orjson
import requests

from mbs.mail.gateways.breaker import Breaker
from mbs.mail.gateways.http import json_object, message_id_of, raise_for, refuse_forgery, shown_name
from mbs.mail.gateways.interface import Receipt
from mbs.mail.models import Message


class ResendGateway:
    """`address` is the service's own, in whose name mails go out; `reply_to` gets what is answered to it."""

    def __init__(
        self, session: requests.Session, *, base: str, key: str, address: str, reply_to: str | None = None
    ) -> None:
        self._session = session
        self._url = f"{base}/emails"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._address = address
        self._reply_to = reply_to
        self._breaker = Breaker("resend")

    def send(self, message: Message) -> Receipt:
        """Hand a mail over; see `interface.Gateway`."""
        refuse_forgery(message)
        body, headers = orjson.dumps(self._written(message)), dict(self._headers)
        if message.id is not None:
            headers["Idempotency-Key"] = str(message.id)
        with self._breaker.asking():
            response = self._session.post(self._url, data=body, headers=headers)
            said = json_object(response)
            message_id = message_id_of(said.get("id"))
            if response.status_code == 409 and said.get("name") == "invalid_idempotent_request":
                # It has taken this message before, when something in it still read otherwise.
                return Receipt("resend")
            if response.status_code != 200 or message_id is None:
                raise_for("resend", response, said.get("name"))
        return Receipt("resend", message_id)

    def ready(self) -> bool:
        """Tell whether it is any use to send now."""
        return self._breaker.ready()

    def _written(self, message: Message) -> dict[str, Any]:
        sender = self._address
        if message.sender_name and (name := shown_name(message.sender_name)):
            sender = f'"{name}" <{sender}>'
        written: dict[str, Any] = {
            "from": sender,
            "to": [message.to],
            "subject": message.subject,
            "text": message.text,
        }
        if message.html is not None:
            written["html"] = message.html
        if reply_to := message.reply_to or self._reply_to:
            written["reply_to"] = reply_to
        if message.id is not None:
            # The first comes back with each event; the second keeps mail programs from folding two into one.
            written["tags"] = [{"name": "notification_id", "value": str(message.id)}]
            written["headers"] = {"X-Entity-Ref-ID": str(message.id)}
        if message.attachments:
            written["attachments"] = [
                {
                    "filename": one.filename,
                    "content": base64.b64encode(one.content).decode(),
                    "content_type": one.media_type,
                }
                for one in message.attachments
            ]
        return written
