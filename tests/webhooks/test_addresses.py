"""Which addresses events may be sent to: when one is kept, and when it is connected to."""

import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mbs.foundation.clock import SystemClock
from mbs.foundation.errors import Invalid
from mbs.webhooks.gateways import Receivers
from mbs.webhooks.models.addresses import check_url, is_public
from tests.webhooks.certificates import authority_and_certificate
from tests.webhooks.receivers import Receiver, receiving

PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "0.1.2.3",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "168.63.129.16",
    "192.0.0.192",
    "::ffff:192.0.0.192",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:127.0.0.1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::5db8:d822",
    "2002:7f00:1::",
    "2002:5db8:d822::",
    "2001:0:1::1",
    "2001:db8::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff0e::1",
    "nonsense",
]

PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]

REFUSED = [
    "http://example.com/",
    "ftp://example.com/",
    "//example.com/",
    "https://",
    "https:///in",
    "https://user@example.com/",
    "https://user:secret@example.com/",
    "https://@example.com/",
    "https://example.com/#part",
    "https://example.com/#",
    "https://example.com:0/",
    "https://example.com:99999/",
    "https://example.com:port/",
    "https://exa mple.com/",
    "https://example.com\\@127.0.0.1/",
    "https://ex\u00e4mple.com/",
    "https://example.com/\x7f",
    "https://127.0.0.1/",
    "https://127.0.0.1./",
    "https://127.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0177.0.0.1/",
    "https://017700000001/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/",
    "https://[::ffff:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[fe80::1%25eth0]/",
    "https://[::1",
    "https://localhost/",
    "https://LOCALHOST./",
    "https://app.localhost/",
    "https://metadata.google.internal/",
    "https://printer.local/",
    "https://router.lan/",
    "https://intranet/",
    "https://-.example.com/",
    "https://a..example.com/",
    f"https://{'a' * 64}.example.com/",
]

TAKEN = [
    "https://example.com",
    "https://example.com/",
    "https://example.com:8443/in?token=1",
    "https://hooks.xn--exmple-cua.com/",
    "https://93.184.216.34/in",
    "https://[2606:4700:4700::1111]/in",
    "https://a_b.example.com./",
]


class TestAnAddress:
    @pytest.mark.parametrize("address", PRIVATE)
    def test_that_is_not_the_internet_s_is_told(self, address: str) -> None:
        assert not is_public(address)

    @pytest.mark.parametrize("address", PUBLIC)
    def test_that_is_public_is_told(self, address: str) -> None:
        assert is_public(address)


class TestAUrl:
    @pytest.mark.parametrize("url", REFUSED)
    def test_that_may_not_be_sent_to_is_refused(self, url: str) -> None:
        with pytest.raises(Invalid) as refusal:
            check_url(url, allow_private=False)
        assert refusal.value.errors[0].field == "url"

    @pytest.mark.parametrize("url", TAKEN)
    def test_of_the_internet_is_taken(self, url: str) -> None:
        check_url(url, allow_private=False)

    def test_of_the_same_machine_is_taken_where_that_is_allowed(self) -> None:
        check_url("http://localhost:3000/in", allow_private=True)
        for url in ("http://user@localhost/", "http://localhost/#part", "file:///etc/passwd"):
            with pytest.raises(Invalid):
                check_url(url, allow_private=True)


Resolve = Callable[..., None]


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """Return a function that says what hosts resolve to, one answer after the other; the last one stays."""
    known: dict[str, list[list[str]]] = {}

    def answer(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        answers = known.get(str(host), [[str(host)]])
        addresses = answers.pop(0) if len(answers) > 1 else answers[0]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                socket.IPPROTO_TCP,
                "",
                (address, port, 0, 0) if ":" in address else (address, port),
            )
            for address in addresses
        ]

    monkeypatch.setattr(socket, "getaddrinfo", answer)

    def say(host: str, *answers: list[str]) -> None:
        known[host] = list(answers)

    return say


@pytest.fixture
def guarded() -> Iterator[Receivers]:
    """What deployments have: nothing but public addresses."""
    receivers = Receivers(clock=SystemClock(), allow_private=False)
    yield receivers
    receivers.close()


class TestAConnection:
    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "[::ffff:127.0.0.1]", "0.0.0.0", "2130706433", "0177.0.0.1", "0x7f.1", "localhost"],
    )
    def test_is_refused_by_what_the_host_is_whatever_its_spelling(
        self, guarded: Receivers, receiver: Receiver, host: str
    ) -> None:
        port = receiver.url.rpartition(":")[2]
        attempt = guarded.post(f"http://{host}:{port}/", b"{}", {})
        assert (attempt.error, attempt.status) == ("address_refused", None)
        assert receiver.came == []

    def test_is_refused_when_the_host_resolves_to_something_else_by_then(
        self, guarded: Receivers, receiver: Receiver, resolve: Resolve
    ) -> None:
        resolve("rebound.example.com", ["93.184.216.34"], ["127.0.0.1"])
        url = f"http://rebound.example.com:{receiver.url.rpartition(':')[2]}/"
        assert all(is_public(str(one[4][0])) for one in socket.getaddrinfo("rebound.example.com", 80))
        attempt = guarded.post(url, b"{}", {})
        assert attempt.error == "address_refused"
        assert receiver.came == []

    def test_is_not_made_to_the_private_one_of_two_addresses(
        self, guarded: Receivers, receiver: Receiver, resolve: Resolve, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        resolve("mixed.example.com", ["127.0.0.1", "::1", "10.0.0.1"])
        url = f"http://mixed.example.com:{receiver.url.rpartition(':')[2]}/"
        assert guarded.post(url, b"{}", {}).error == "address_refused"
        assert receiver.came == []

    def test_looks_at_no_proxy_of_the_environment(
        self, guarded: Receivers, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, receiver.url)
        monkeypatch.setenv("NO_PROXY", "")
        assert guarded.post("http://10.0.0.1/", b"{}", {}).error == "address_refused"
        assert receiver.came == []


class TestTls:
    @pytest.fixture
    def near(self) -> Iterator[Receivers]:
        receivers = Receivers(clock=SystemClock(), allow_private=True)
        yield receivers
        receivers.close()

    def test_is_verified_by_the_name_of_the_host(
        self, near: Receivers, resolve: Resolve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        authority, certificate = authority_and_certificate(tmp_path, "hooks.example.com")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        asked: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: asked.append(name)
        near._session.verify = str(authority)
        with receiving(lambda raw: context.wrap_socket(raw, server_side=True)) as receiver:
            port = receiver.url.rpartition(":")[2]
            resolve("hooks.example.com", ["127.0.0.1"])
            resolve("other.example.com", ["127.0.0.1"])
            assert near.post(f"https://hooks.example.com:{port}/", b"{}", {}).error is None
            assert near.post(f"https://other.example.com:{port}/", b"{}", {}).error == "tls"
            near._session.verify = True
            near.close()
            assert near.post(f"https://hooks.example.com:{port}/", b"{}", {}).error == "tls"
        assert [one.path for one in receiver.came] == ["/"]
        assert asked[:2] == ["hooks.example.com", "other.example.com"]
