"""A call to somebody else's server ends in time, whatever the server does, and goes nowhere else."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import requests

from mbs.foundation.http_client import AddressRefused, Bounds, bounded_session

Serve = Callable[..., str]

WHOLE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n%s\r\nok"


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Return a function that serves on loopback what a function writes into each connection."""
    with ExitStack() as opened:

        def start(write: Callable[[socket.socket], None]) -> str:
            listener = opened.enter_context(socket.create_server(("127.0.0.1", 0)))

            def run() -> None:
                with suppress(OSError):
                    while True:
                        connection, _ = listener.accept()
                        with connection, suppress(OSError):
                            while connection.recv(65536):
                                write(connection)

            threading.Thread(target=run, daemon=True).start()
            opened.callback(listener.shutdown, socket.SHUT_RDWR)
            return f"http://127.0.0.1:{listener.getsockname()[1]}/"

        yield start


def writing(*parts: bytes, pause: float = 0.0) -> Callable[[socket.socket], None]:
    def write(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)

    return write


def seconds_of(call: Callable[[], Any]) -> float:
    """Return how long a call takes that must fail."""
    started = time.monotonic()
    with pytest.raises(requests.RequestException):
        call()
    return time.monotonic() - started


class TestBoundedSession:
    @pytest.mark.parametrize(
        "start", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"], ids=["head", "body"]
    )
    def test_ends_an_answer_that_drips(self, serve: Serve, start: bytes) -> None:
        url = serve(writing(start, *[b"H"] * 100, pause=0.1))
        session = bounded_session(Bounds(read=0.5))
        assert seconds_of(lambda: session.get(url)) < 2.5

    @pytest.mark.slow
    def test_ends_an_answer_that_stops_in_the_middle(self, serve: Serve) -> None:
        url = serve(writing(b"", b"HTTP/1.1 200", b"", pause=2.5))
        session = bounded_session(Bounds(read=3.0))
        assert seconds_of(lambda: session.get(url)) < 4.5, "the second wait is for what is left of the first"

    def test_ends_an_answer_that_is_too_long(self, serve: Serve) -> None:
        url = serve(writing(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * 70_000))
        session = bounded_session(Bounds(largest=65_536))
        with pytest.raises(requests.RequestException, match="too long"):
            session.get(url)

    def test_tries_all_addresses_within_one_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with socket.socket() as silent, ExitStack() as opened:
            silent.bind(("127.0.0.1", 0))
            silent.listen(0)
            address = silent.getsockname()
            # Its queue is full: who connects now waits.
            for _ in range(4):
                waiting = opened.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(address)
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address)] * 8
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            session = bounded_session(Bounds(connect=0.5))
            assert seconds_of(lambda: session.get(f"http://silent.test:{address[1]}/")) < 2.5

    def test_connects_to_no_address_that_is_not_admitted(self, serve: Serve) -> None:
        asked: list[str] = []
        url = serve(writing(WHOLE % b"")).replace("127.0.0.1", "localhost")

        def admits(address: str) -> bool:
            asked.append(address)
            return False

        with pytest.raises(AddressRefused):
            bounded_session(admits=admits).get(url)
        assert "127.0.0.1" in asked
        assert bounded_session(admits=lambda address: address == "127.0.0.1").get(url).content == b"ok"

    def test_follows_no_redirect(self, serve: Serve) -> None:
        url = serve(writing(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"))
        session = bounded_session()
        for wanted in (True, False):
            with pytest.raises(requests.TooManyRedirects) as raised:
                session.get(url, allow_redirects=wanted)
            assert raised.value.response is not None
            assert raised.value.response.status_code == 302

    def test_uses_a_connection_again(self, serve: Serve) -> None:
        peers = []

        def write(connection: socket.socket) -> None:
            peers.append(connection.getpeername())
            connection.sendall(WHOLE % b"")

        url, session = serve(write), bounded_session()
        for _ in range(3):
            assert session.get(url).content == b"ok"
        assert len(set(peers)) == 1

    def test_takes_neither_cookies_nor_proxies(self, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        url, session = serve(writing(WHOLE % b"Set-Cookie: a=b\r\n")), bounded_session()
        assert session.get(url).content == b"ok"
        assert list(session.cookies) == []
