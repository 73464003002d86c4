"""The real service behind a listener that may spoil what goes in and what comes out."""

import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.wrappers import Response

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


@dataclass
class Reply:
    """What the service was about to send."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self.body)
        return document

    def put(self, document: object) -> None:
        self.body = json.dumps(document).encode()


Twist = Callable[[Environ], object]
Change = Callable[[Reply, Environ], object]


@dataclass(frozen=True)
class Fault:
    """`twist` spoils requests for `paths` (as they came on the wire), `change` the replies to them."""

    paths: str = ".*"
    change: Change = lambda reply, environ: None
    twist: Twist = lambda environ: None

    def on(self, application: Application) -> Application:
        def broken(environ: Environ, start_response: Any) -> Iterable[bytes]:
            if not re.fullmatch(self.paths, environ["RAW_URI"].partition("?")[0]):
                return application(environ, start_response)
            self.twist(environ)
            response = Response.from_app(application, environ, buffered=True)
            headers = {name: value for name, value in response.headers.items() if name != "Content-Length"}
            reply = Reply(response.status_code, headers, response.get_data())
            self.change(reply, environ)
            return Response(reply.body, reply.status, reply.headers)(environ, start_response)

        return broken


class Handler(WSGIRequestHandler):
    """Tells no version and writes no log."""

    def version_string(self) -> str:
        return "service"

    def log_request(self, *_: Any) -> None:
        pass


@contextmanager
def listening(application: Application, address: str) -> Iterator[str]:
    """Serve on a loopback port, for callers who all seem to come from `address`, and yield the URL."""

    def addressed(environ: Environ, start_response: Any) -> Iterable[bytes]:
        environ["REMOTE_ADDR"] = address
        return application(environ, start_response)

    server = make_server("127.0.0.1", 0, addressed, threaded=True, request_handler=Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def says(**members: Any) -> Change:
    """Change members of the document."""
    return lambda reply, _: reply.put({**reply.document, **members})


def headed(**headers: str | None) -> Change:
    """Set headers, whose names are written with `_` for `-`; None takes one away."""

    def change(reply: Reply, _: Environ) -> None:
        for name, value in headers.items():
            reply.headers.pop(name.replace("_", "-"), None)
            if value is not None:
                reply.headers[name.replace("_", "-")] = value

    return change


def becomes(status: int, body: str | None = None, kind: str = "text/html") -> Change:
    """Answer with another status, and with another body if one is given."""

    def change(reply: Reply, _: Environ) -> None:
        reply.status = status
        if body is not None:
            reply.body, reply.headers["Content-Type"] = body.encode(), kind

    return change
