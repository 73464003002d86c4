"""The checks of names, certificates and TLS, against servers with certificates made here."""

import contextlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from mbs.operations.smoke_checks import transport
from mbs.operations.smoke_checks.check import Failed, Skipped
from mbs.operations.smoke_checks.client import Client, Settings
from tests.operations.smoke_runs import smoked
from tests.operations.smoke_stand_in import Reply, Request, StandIn, serving


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl to make a certificate with")
class TestTheTransport:
    """The checks are called directly: the run skips them on loopback, where these services are."""

    def test_with_a_trusted_certificate_passes(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        with self.tls(tmp_path, monkeypatch, days=90) as client:
            transport.is_trusted(client)
            transport.certificate_lasts(client)
            transport.old_versions_are_refused(client)

    def test_with_a_certificate_near_its_end_fails(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with self.tls(tmp_path, monkeypatch, days=5) as client, pytest.raises(Failed, match=r"4\.9|5\.0"):
            transport.certificate_lasts(client)

    def test_with_a_self_made_certificate_is_not_trusted(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with self.tls(tmp_path, monkeypatch, days=90) as client:
            monkeypatch.delenv("SSL_CERT_FILE")
            with pytest.raises(Failed, match="self-signed"):
                transport.is_trusted(client)
            with pytest.raises(Skipped, match="S-T1"):
                transport.certificate_lasts(client)
            assert smoked(client.settings.url) == 69

    def test_without_tls_fails(self) -> None:
        with pytest.raises(Failed, match="https"):
            transport.is_trusted(Client(Settings("http://127.0.0.1:1")))

    @pytest.mark.parametrize(
        ("status", "location", "passes"),
        [
            (308, "https://localhost/health", True),
            (403, "", True),
            (200, "", False),
            (301, "http://a/", False),
        ],
    )
    def test_over_http_must_redirect_or_refuse(self, status: int, location: str, passes: bool) -> None:
        def door(request: Request, reply: Reply) -> Reply:
            return Reply(status, reply.payload, {**reply.headers, "Location": location})

        with serving(StandIn(door)) as url, contextlib.nullcontext() if passes else pytest.raises(Failed):
            transport.plain_http_is_not_served(
                Client(Settings("https://localhost")), int(url.rpartition(":")[2])
            )

    @contextlib.contextmanager
    def tls(self, folder: Path, monkeypatch: pytest.MonkeyPatch, *, days: int) -> Iterator[Client]:
        certificate, key = folder / "certificate.pem", folder / "key.pem"
        names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", str(days), *names]
        subprocess.run([*made, "-keyout", key, "-out", certificate], check=True, capture_output=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        listener = socket.create_server(("127.0.0.1", 0))
        stopped = threading.Event()

        def serve() -> None:
            while not stopped.is_set():
                with contextlib.suppress(OSError):
                    connection, _ = listener.accept()
                    with connection, context.wrap_socket(connection, server_side=True) as secured:
                        secured.recv(1)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Client(Settings(f"https://localhost:{listener.getsockname()[1]}"))
        finally:
            stopped.set()
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
            thread.join()
