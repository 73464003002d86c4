"""S-T: names, certificates and TLS of a service that is reached over a network (runbook §2)."""

import socket
import ssl
import time
import warnings
from typing import Any
from urllib.parse import urlsplit

from mbs.operations.smoke_checks.check import Check, Failed, Skipped
from mbs.operations.smoke_checks.client import Client, Unanswered

LEAST_DAYS = 14
DAY_SECONDS = 86_400


def is_trusted(client: Client) -> None:
    if urlsplit(client.settings.url).scheme != "https":
        raise Failed("an https:// address", "http://")
    try:
        client.within(lambda: _shake_hands(client, ssl.create_default_context()))
    except (OSError, Unanswered) as error:
        raise Failed("a name, a connection and a trusted certificate", f"{error}") from None


def certificate_lasts(client: Client) -> None:
    certificate, _ = _handshake(client)
    days = (ssl.cert_time_to_seconds(certificate["notAfter"]) - time.time()) / DAY_SECONDS
    if days < LEAST_DAYS:
        raise Failed(f"a certificate for {LEAST_DAYS} days or more", f"{days:.1f} days")


def old_versions_are_refused(client: Client) -> None:
    _, version = _handshake(client)
    if version not in ("TLSv1.2", "TLSv1.3"):
        raise Failed("TLS 1.2 or later", version)
    context = ssl.create_default_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # asking for an old version is the point here
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    try:
        _, version = client.within(lambda: _shake_hands(client, context))
    except (OSError, Unanswered):
        return
    raise Failed("TLS 1.1 and earlier to be refused", f"{version} was accepted")


def plain_http_is_not_served(client: Client, port: int | None = None) -> None:
    parts = urlsplit(client.settings.url)
    if port is None and (parts.scheme, parts.port or 443) != ("https", 443):
        raise Skipped("the address has a port of its own")
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    try:
        answer = client.send("GET", "/health", origin=f"http://{host}:{port or 80}")
    except Unanswered:
        return  # refused at the door, as security.md 108 has it
    secure = answer.headers.get("Location", "").startswith("https://")
    if not (answer.status == 403 or (answer.status in (301, 302, 307, 308) and secure)):
        raise Failed("a redirect to https:// or a refusal", f"{answer.status}", answer)


def _handshake(client: Client) -> tuple[dict[str, Any], str]:
    if urlsplit(client.settings.url).scheme != "https":
        raise Skipped("no https (see S-T1)")
    try:
        certificate, version = client.within(lambda: _shake_hands(client, ssl.create_default_context()))
    except OSError:
        raise Skipped("no trusted connection (see S-T1)") from None
    return certificate, version


def _shake_hands(client: Client, context: ssl.SSLContext) -> tuple[dict[str, Any], str]:
    parts = urlsplit(client.settings.url)
    host = parts.hostname or ""
    with (
        socket.create_connection((host, parts.port or 443), timeout=client.settings.timeout) as connection,
        context.wrap_socket(connection, server_hostname=host) as tls,
    ):
        return dict(tls.getpeercert() or {}), tls.version() or "none"


CHECKS = (
    Check("S-T1", "the name resolves, connects and has a trusted certificate", is_trusted),
    Check("S-T2", f"the certificate lasts {LEAST_DAYS} days", certificate_lasts),
    Check("S-T3", "TLS 1.2 or later only", old_versions_are_refused),
    Check("S-T4", "http:// redirects or is refused", plain_http_is_not_served),
)
