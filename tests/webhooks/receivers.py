"""Receivers of webhooks on this machine, which answer as they are told and keep what came."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import orjson
from standardwebhooks import Webhook


@dataclass(frozen=True)
class Delivered:
    """One request. `left_at` is when its answer was given, an instant of `time.monotonic()`."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    came_at: float
    left_at: float
    status: int

    @property
    def event(self) -> Any:
        return orjson.loads(self.body)

    def verified_by(self, secret: str) -> Any:
        """Return what the client library of Standard Webhooks makes of it.

        :raises standardwebhooks.WebhookVerificationError: if it is not signed with that secret.
        """
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Answer:
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b"thanks"
    seconds: float = 0.0


@dataclass
class Receiver:
    """`answer` is asked at each request; its path may tell receivers of one machine apart."""

    url: str = ""
    answer: Callable[[str, Any], Answer] = lambda path, event: Answer()
    came: list[Delivered] = field(default_factory=list)

    def of(self, path: str) -> list[Delivered]:
        return [one for one in self.came if one.path == path]


@contextmanager
def receiving(wrap: Callable[[Any], Any] | None = None) -> Iterator[Receiver]:
    """Run a receiver on a free port of loopback.

    :param wrap: what makes of the listening socket one with TLS.
    """
    receiver, lock = Receiver(), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            came_at = time.monotonic()
            body = self.rfile.read(int(self.headers["Content-Length"]))
            answer = receiver.answer(self.path, orjson.loads(body))
            time.sleep(answer.seconds)
            with lock:
                receiver.came.append(
                    Delivered(self.path, dict(self.headers), body, came_at, time.monotonic(), answer.status)
                )
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                self.wfile.write(answer.body)
            except OSError:
                self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing: what came is kept."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if wrap is not None:
        server.socket = wrap(server.socket)
    receiver.url = f"{'http' if wrap is None else 'https'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
