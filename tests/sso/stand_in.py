"""An OpenID provider on loopback that says whatever a test wants it to say, signed with real keys."""

import base64
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import get_default_algorithms

CLIENT = "mbs"
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA")

Claims = dict[str, Any]


def new_keys() -> dict[str, Any]:
    """Return a private key for each algorithm, by name."""
    shared = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "RS256": shared,
        "PS256": shared,
        "ES256": ec.generate_private_key(ec.SECP256R1()),
        "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    }


KEYS = new_keys()
OTHER_KEYS = new_keys()


def public_key(private: Any, algorithm: str) -> dict[str, Any]:
    """Return the public half as a JSON Web Key."""
    written = get_default_algorithms()[algorithm].to_jwk(private.public_key(), as_dict=True)
    return {name: value for name, value in written.items() if name != "key_ops"}


def key_set(keys: Mapping[str, Any], prefix: str = "") -> list[dict[str, Any]]:
    return [
        {**public_key(keys[name], name), "kid": f"{prefix}{name}", "use": "sig", "alg": name}
        for name in ALGORITHMS
    ]


@dataclass
class StandIn:
    """What it says: `metadata`, `keys`, and `id_token`, which makes the next token from the sound claims."""

    port: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    keys: list[dict[str, Any]] = field(default_factory=lambda: key_set(KEYS))
    claims: Claims = field(default_factory=dict)
    id_token: Callable[[Claims], Any] = lambda claims: signed(claims)
    token_answer: tuple[int, Any] | None = None
    asked: list[tuple[str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)
    special: dict[str, Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def forget(self) -> None:
        """Say again what it says by itself, and count anew."""
        self.__init__(self.port)  # type: ignore[misc]

    def hits(self, path: str) -> int:
        return sum(asked == path for asked, _, _ in self.asked)

    def document(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            **self.metadata,
        }


def spelled(value: Any) -> str:
    """Return bytes, or a value as JSON, in the letters of a token."""
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(claims: Any, *, algorithm: str = "RS256", key: Any = None, **header: Any) -> str:
    """Return claims as a signed token, sound or not; by default with the key that the provider names."""
    private = KEYS[algorithm] if key is None else key
    head = {"alg": algorithm, "typ": "JWT", "kid": algorithm, **header}
    text = f"{spelled({name: value for name, value in head.items() if value is not None})}.{spelled(claims)}"
    return f"{text}.{spelled(get_default_algorithms()[algorithm].sign(text.encode(), private))}"


def sound_claims(provider: StandIn, nonce: str, **claims: Any) -> Claims:
    now = int(time.time())
    return {
        "iss": provider.url,
        "aud": CLIENT,
        "exp": now + 300,
        "iat": now,
        "auth_time": now,
        "nonce": nonce,
        **claims,
    }


@contextmanager
def stand_in(port: int = 0) -> Iterator[StandIn]:
    """Serve a provider on a loopback port, a free one unless it is named."""
    provider = StandIn()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            path = self.path.partition("?")[0]
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            provider.asked.append((path, parse_qs(body), dict(self.headers)))
            if path in provider.special:
                provider.special[path](self)
            elif path == "/.well-known/openid-configuration":
                self.write(200, provider.document())
            elif path == "/keys":
                self.write(200, {"keys": provider.keys})
            elif path == "/token" and provider.token_answer is not None:
                self.write(*provider.token_answer)
            elif path == "/token":
                token = provider.id_token(dict(provider.claims))
                said = {"access_token": "opaque", "token_type": "Bearer", "id_token": token}
                self.write(200, {name: value for name, value in said.items() if value is not None})
            else:
                self.write(404, {})

        def write(self, status: int, body: Any) -> None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    provider.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
