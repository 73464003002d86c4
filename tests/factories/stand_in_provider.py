"""A server on loopback that plays SendGrid, Resend and Twilio: takes messages, or fails as they do."""

import json
import secrets
import socket
import threading
import uuid
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal
from urllib.parse import parse_qsl

Provider = Literal["sendgrid", "resend", "twilio"]

CONTENT_SID = "HX" + "0f" * 16
ACCOUNT_SID = "AC" + "0f" * 16
AUTH_TOKEN = "0f" * 16
EMAIL_FROM = "hello@mbs.test"
VARIABLES: dict[Provider, dict[str, str]] = {
    "sendgrid": {"SENDGRID_API_KEY": "SG." + "aB3-_." * 8, "EMAIL_FROM": EMAIL_FROM},
    "resend": {"RESEND_API_KEY": "re_0123456789abcdef", "EMAIL_FROM": EMAIL_FROM},
    "twilio": {
        "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "TWILIO_WHATSAPP_FROM": "whatsapp:+14155550100",
        "BASE_URL": "https://mbs.test",
    },
}
TWILIO_CODES = {400: 21211, 401: 20003, 403: 20005, 404: 20404, 429: 20429}


@dataclass(frozen=True, slots=True)
class Reply:
    """What the next request gets. No status: a message is taken."""

    status: int | None = None
    retry_after: str | None = None
    manner: Literal["whole", "drip", "garbage", "close", "redirect"] = "whole"
    code: int | None = None
    """Twilio's, in place of the usual one of the status."""


TAKEN = Reply()
DRIPPING, GARBAGE, CLOSING, REDIRECTING = (
    Reply(manner="drip"),
    Reply(manner="garbage"),
    Reply(manner="close"),
    Reply(manner="redirect"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """What somebody sent: `body` is JSON, or a form's fields. `message_id` is what it was answered with."""

    provider: Provider
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    message_id: str | None

    @property
    def notification_id(self) -> str | None:
        """The service's own id of the message, which Twilio is not told."""
        if self.provider == "sendgrid":
            return (self.body.get("custom_args") or {}).get("notification_id")
        return next((one["value"] for one in self.body.get("tags", [])), None)


@dataclass
class StandInProvider:
    """`requests` are all that came, in their order, refused ones too."""

    url: str
    requests: list[Request] = field(default_factory=list)
    _next: dict[str, deque[Reply]] = field(default_factory=lambda: defaultdict(deque))
    _always: dict[str, Reply] = field(default_factory=dict)
    _by_key: dict[str, tuple[Any, str]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thawed: threading.Event = field(default_factory=threading.Event)
    _over: threading.Event = field(default_factory=threading.Event)

    def environ(self, *providers: Provider) -> dict[str, str]:
        """Return the variables of a configuration that sends by these providers, all of them here."""
        found = {f"{name.upper()}_API_BASE": self.url for name in VARIABLES}
        for provider in providers:
            found |= VARIABLES[provider]
        return found

    def reply(self, provider: Provider, *replies: Reply) -> None:
        """Answer the next requests to a provider so, one each."""
        with self._lock:
            self._next[provider].extend(replies)

    def always(self, provider: Provider, reply: Reply) -> None:
        """Answer all requests to a provider so, until further notice."""
        with self._lock:
            self._always[provider] = reply

    def freeze(self) -> None:
        """Take connections and requests, and answer none."""
        self._thawed.clear()

    def thaw(self) -> None:
        """Answer again, also those who are waiting."""
        self._thawed.set()

    def taken(self, provider: Provider | None = None) -> list[Request]:
        """Return the requests of messages that were taken."""
        with self._lock:
            return [one for one in self.requests if one.message_id and provider in (None, one.provider)]

    def asked(self, provider: Provider) -> int:
        """Return how many requests came to a provider."""
        with self._lock:
            return sum(one.provider == provider for one in self.requests)

    def note(
        self, provider: Provider, path: str, headers: dict[str, str], body: dict[str, Any]
    ) -> tuple[Reply, str | None]:
        """Record a request; return how to answer it, and the message's id if it is taken."""
        with self._lock:
            waiting = self._next[provider]
            reply = waiting.popleft() if waiting else self._always.get(provider, TAKEN)
            if "Authorization" not in headers:
                reply = Reply(401)
            message_id = None
            if reply.status is None and reply.manner == "whole":
                message_id = self._message_id(provider, headers.get("Idempotency-Key"), body)
                if message_id is None:
                    reply = Reply(409)
            self.requests.append(Request(provider, path, headers, body, message_id))
        return reply, message_id

    def _message_id(self, provider: Provider, key: str | None, body: Any) -> str | None:
        if provider == "sendgrid":
            return secrets.token_urlsafe(16)
        if provider == "twilio":
            return f"SM{uuid.uuid4().hex}"
        if key is None:
            return str(uuid.uuid4())
        # https://resend.com/docs/dashboard/emails/idempotency-keys
        before, message_id = self._by_key.setdefault(key, (body, str(uuid.uuid4())))
        return message_id if before == body else None

    def wait(self) -> bool:
        """Wait while frozen; tell whether to go on."""
        self._thawed.wait()
        return not self._over.is_set()

    def pause(self) -> bool:
        """Wait between two bytes of a dripping answer; tell whether to go on."""
        return not self._over.wait(0.1)

    def end(self) -> None:
        self._over.set()
        self._thawed.set()


def answer_of(provider: Provider, reply: Reply, message_id: str | None) -> tuple[int, dict[str, str], Any]:
    """Return status, headers and body as the provider words them."""
    headers = {} if reply.retry_after is None else {"Retry-After": reply.retry_after}
    if reply.manner == "redirect":
        return 302, {"Location": "https://elsewhere.test/"}, None
    status = reply.status
    if provider == "sendgrid":
        if status is None:
            return 202, {**headers, "X-Message-Id": str(message_id)}, None
        error = {"message": "Does not contain a valid address.", "field": "from.email", "help": None}
        return status, headers, {"errors": [error]}
    if provider == "resend":
        if status is None:
            return 200, headers, {"id": message_id}
        name = {409: "invalid_idempotent_request", 429: "rate_limit_exceeded", 401: "missing_api_key"}
        error_name = name.get(status, "validation_error")
        return status, headers, {"statusCode": status, "name": error_name, "message": "Invalid `to`."}
    if status is None:
        return 201, headers, {"sid": message_id, "status": "queued", "error_code": None}
    code = reply.code or TWILIO_CODES.get(status, 20500)
    return status, headers, {"code": code, "message": "Invalid 'To' number", "status": status}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    provider: StandInProvider

    def do_POST(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        played: Provider
        if self.path == "/v3/mail/send":
            played, body = "sendgrid", json.loads(content)
        elif self.path == "/emails":
            played, body = "resend", json.loads(content)
        elif self.path == f"/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json":
            played, body = "twilio", dict(parse_qsl(content.decode()))
        else:
            self.send_error(404)
            return
        if not self.provider.wait():
            return
        reply, message_id = self.provider.note(played, self.path, dict(self.headers.items()), body)
        if reply.manner == "close":
            self.close_connection = True
            return
        status, headers, said = answer_of(played, reply, message_id)
        text = b"" if said is None else json.dumps(said).encode()
        if reply.manner == "garbage":
            status, text = reply.status or 200, b"<html>\xff It works!"
        lines = {**headers, "Content-Length": str(len(text)), "Content-Type": "application/json"}
        head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        whole = f"HTTP/1.1 {status} Said\r\n{head}\r\n".encode() + text
        if reply.manner != "drip":
            self.wfile.write(whole)
            return
        self.close_connection = True
        for byte in whole:
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            if not self.provider.pause():
                return

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name there
        """Keep still."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[Handler]) -> None:
        self.open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep still: a caller that has had enough hangs up."""


@contextmanager
def stand_in_provider() -> Iterator[StandInProvider]:
    """Run one on a free port, for as long as the block lasts."""
    provider = StandInProvider("")
    server = Server(type("ProviderHandler", (Handler,), {"provider": provider}))
    provider.url = f"http://127.0.0.1:{server.server_port}"
    provider.thaw()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.end()
        server.shutdown()
        for connection in list(server.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        server.server_close()
        thread.join()
