"""WhatsApp by Twilio's library, which takes 30 MB: load this module only where messages are sent.

https://www.twilio.com/docs/messaging/api/message-resource
"""

import logging
import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import orjson
import requests
from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

from mbs.foundation.http_client import Bounds
from mbs.mail.gateways.breaker import Breaker
from mbs.mail.gateways.http import json_object, raise_for
from mbs.mail.gateways.interface import Misconfigured, Receipt, Refused, Unavailable

log = logging.getLogger("mbs.job")

STATUS_PATH = "/api/webhooks/twilio/status"
PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
CONTENT = re.compile("H[XY][0-9a-f]{32}")
MESSAGE_SID = re.compile("(SM|MM)[0-9a-f]{32}")

OWN_FAULTS = frozenset({20003, 20005, 21212, 21606, 63007})
"""Error codes about the account or its sender, whatever the status is: every message meets with them."""


class TwilioGateway:
    """`sender` is `whatsapp:` and a number; `base_url` is where Twilio tells what became of a message."""

    def __init__(
        self, session: requests.Session, *, base: str, account: str, token: str, sender: str, base_url: str
    ) -> None:
        http = TwilioHttpClient(
            timeout=Bounds().read,
            request_hooks={"response": judge},
        )
        http.session = session
        # Not the process's environment: a TWILIO_REGION in it would send the token to another host.
        client = Client(account, token, http_client=http, environment={"TWILIO_REGION": ""})
        client.api.base_url = base
        self._messages = client.messages
        self._sender = sender
        self._callback = base_url + STATUS_PATH
        self._breaker = Breaker("twilio")

    def send(self, to: str, content_sid: str, variables: Mapping[str, str], id_: UUID) -> Receipt:
        """Hand a message over; see `interface.WhatsAppGateway`."""
        if not PHONE.fullmatch(to):
            raise Refused("the recipient is not a phone number")
        if not CONTENT.fullmatch(content_sid):
            raise Refused("the content template is none")
        with self._breaker.asking():
            message = self._messages.create(
                to=f"whatsapp:{to}",
                from_=self._sender,
                content_sid=content_sid,
                content_variables=orjson.dumps(dict(variables)).decode(),
                # Twilio's own id is not stored yet when the first callbacks come.
                status_callback=f"{self._callback}?id={id_}",
            )
        log.info("handed to twilio", extra={"event": "job.whatsapp_handed", "notification": str(id_)})
        return Receipt("twilio", message.sid)

    def ready(self) -> bool:
        """Tell whether it is any use to send now."""
        return self._breaker.ready()


def judge(response: requests.Response, *_: Any, **__: Any) -> None:
    """Look at an answer before the library does, which takes everything with a status below 400 for good.

    :raises Refused: and the others of `interface.WhatsAppGateway`, unless a message has been made.
    """
    said = json_object(response)
    if response.status_code == 201:
        if not MESSAGE_SID.fullmatch(str(said.get("sid"))):
            raise Unavailable("twilio answered 201 without a message")
        return
    code = said.get("code")
    if code in OWN_FAULTS:
        raise Misconfigured(f"twilio answered {response.status_code} {code}")
    raise_for("twilio", response, code)
