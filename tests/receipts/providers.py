"""Twilio, SendGrid and Resend as they call the service: what they send, signed as they sign it."""

import base64
import hmac
import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from flask import Flask
from standardwebhooks import Webhook
from werkzeug.test import TestResponse

from tests.factories.callers import Caller

BASE_URL = "https://mbs.test"
ACCOUNT = "AC" + "0a" * 16
TOKEN = "1b" * 16
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(
    KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
).decode()
SECRET = "whsec_" + base64.b64encode(b"a secret of twenty-four b").decode()

CONFIGURED = {
    "BASE_URL": BASE_URL,
    "ALLOWED_HOSTS": "mbs.test,localhost,10.1.2.3",
    "TWILIO_ACCOUNT_SID": ACCOUNT,
    "TWILIO_AUTH_TOKEN": TOKEN,
    "TWILIO_WHATSAPP_FROM": "whatsapp:+14155238886",
    "SENDGRID_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY,
    "RESEND_WEBHOOK_SECRET": SECRET,
}

FORM, JSON = "application/x-www-form-urlencoded", "application/json"
STATUS, INBOUND = "/api/webhooks/twilio/status", "/api/webhooks/twilio/inbound"
SENDGRID, RESEND = "/api/webhooks/sendgrid", "/api/webhooks/resend"


@dataclass
class Signed:
    """One request, which a test may change after it was signed."""

    path: str
    body: bytes
    headers: dict[str, str]
    content_type: str

    def send(self, caller: Caller, **changes: Any) -> TestResponse:
        """Send it, or with another path, body, headers or content type."""
        sent = {**vars(self), **changes}
        path, body = sent.pop("path"), sent.pop("body")
        return caller.call("POST", path, data=body, **sent)


def twilio(
    path: str, fields: Mapping[str, str], *, token: str = TOKEN, base_url: str = BASE_URL, query: str = ""
) -> Signed:
    """Return a callback of Twilio's: its form, signed over the address that Twilio knows."""
    target = f"{path}?{query}" if query else path
    signed = base_url + target + "".join(name + fields[name] for name in sorted(fields))
    signature = base64.b64encode(hmac.digest(token.encode(), signed.encode(), "sha1")).decode()
    return Signed(target, urlencode(fields).encode(), {"X-Twilio-Signature": signature}, FORM)


def twilio_status(sid: str, status: str, *, query: str = "", **fields: str) -> Signed:
    return twilio(
        STATUS,
        {
            "MessageSid": sid,
            "MessageStatus": status,
            "AccountSid": ACCOUNT,
            "From": "whatsapp:+14155238886",
            "To": "whatsapp:+919876543210",
            "ApiVersion": "2010-04-01",
            "ChannelPrefix": "whatsapp",
            **fields,
        },
        query=query,
    )


def twilio_inbound(phone: str, text: str, *, sid: str | None = None) -> Signed:
    fields = {"MessageSid": sid or new_sid(), "From": f"whatsapp:{phone}", "Body": text, "NumMedia": "0"}
    return twilio(INBOUND, {**fields, "AccountSid": ACCOUNT, "WaId": phone.lstrip("+")})


def sendgrid(
    events: Any, *, key: ec.EllipticCurvePrivateKey = KEY, age: float = 0, body: bytes | None = None
) -> Signed:
    """Return a request of SendGrid's signed event webhook."""
    body = json.dumps(events, separators=(",", ":")).encode() + b"\r\n" if body is None else body
    timestamp = str(int(time.time() - age))
    signature = key.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))
    headers = {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }
    return Signed(SENDGRID, body, headers, JSON)


def sendgrid_event(event: str, *, sent_as: str | None = None, ours: object = None, **fields: Any) -> Any:
    """Return one event, as SendGrid words it."""
    found = {
        "email": "jane@example.com",
        "timestamp": int(time.time()),
        "event": event,
        "sg_event_id": base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("="),
        "smtp-id": "<14c5d75ce93.dfd.64b469@ismtpd-555>",
        **fields,
    }
    if sent_as is not None:
        found["sg_message_id"] = f"{sent_as}.recvd-84d9f4f6b-ks7vq-1-6650E7C7-10.0"
    return found if ours is None else {**found, "notification_id": str(ours)}


def resend(event: Any, *, id_: str | None = None, secret: str = SECRET, age: float = 0) -> Signed:
    """Return an event of Resend's, signed by the library that the Standard Webhooks project publishes."""
    body, id_ = json.dumps(event).encode(), id_ or f"msg_{uuid.uuid4().hex}"
    at = datetime.fromtimestamp(int(time.time() - age), UTC)
    headers = {
        "svix-id": id_,
        "svix-timestamp": str(int(at.timestamp())),
        "svix-signature": Webhook(secret).sign(id_, at, body.decode()),
    }
    return Signed(RESEND, body, headers, JSON)


def resend_event(type_: str, email_id: str, **data: Any) -> Any:
    """Return one event, as Resend words it."""
    data = {"email_id": email_id, "to": ["jane@example.com"], "subject": "Your booking", **data}
    return {"type": type_, "created_at": datetime.now(UTC).isoformat(), "data": data}


def new_sid() -> str:
    return f"SM{uuid.uuid4().hex}"


@dataclass
class Providers:
    """All of them, calling one service."""

    caller: Caller

    @classmethod
    def of(cls, app: Flask) -> "Providers":
        return cls(Caller(app))

    def report(self, provider: str, message_id: str, state: str) -> TestResponse:
        """Report a state of a message in a provider's words; the same words each time."""
        return self.prepared(provider, message_id, state).send(self.caller)

    def prepared(self, provider: str, message_id: str, state: str) -> Signed:
        name = f"{message_id}-{state}"
        if provider == "twilio":
            return twilio_status(message_id, state)
        if provider == "sendgrid":
            word = {"sent": "processed", "read": "open", "failed": "bounce"}.get(state, state)
            return sendgrid([sendgrid_event(word, sent_as=message_id, sg_event_id=name, type="blocked")])
        word = {"read": "opened"}.get(state, state)
        return resend(resend_event(f"email.{word}", message_id), id_=name)


def accepted(responses: Sequence[TestResponse]) -> bool:
    """Tell whether all were taken, and nothing said in return."""
    return all((one.status_code, one.get_data()) == (204, b"") for one in responses)
