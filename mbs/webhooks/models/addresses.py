"""Which addresses at an integrator's the service may speak to.

A URL is looked at when it is kept, for the sake of a clear answer. What protects is the second look, at each
IP address that the host has at the moment of connecting.
"""

import ipaddress
import re
from urllib.parse import urlsplit

from mbs.foundation.errors import FieldFault, Invalid

GLOBAL_UNICAST = ipaddress.IPv6Network("2000::/3")
TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""IPv4 addresses behind NAT64 (RFC 6052): the translator, inside the network, connects to them."""

TUNNELS = (ipaddress.IPv6Network("2002::/16"), ipaddress.IPv6Network("2001::/32"))
"""6to4 and Teredo: an IPv4 address inside says where the packets go, and no receiver is behind one."""

OF_THE_CLOUD = (ipaddress.IPv4Network("168.63.129.16/32"), ipaddress.IPv4Network("192.0.0.0/24"))
"""Numbers that pass for public, by which machines reach their host at Azure, and their metadata at Oracle.

The second network is IETF's own (RFC 6890); no receiver is in it.
"""

LOCAL = ("localhost", "local", "internal", "lan", "home.arpa")
NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)


def is_public(address: str) -> bool:
    """Tell whether an IP address is the public internet's, whatever other address is wrapped in it.

    :param address: as `getaddrinfo` spells it; False for what is no address.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped
        if parsed in TRANSLATED:
            inner = ipaddress.IPv4Address(int(parsed) & 0xFFFFFFFF)
        if inner is None:
            usual = parsed in GLOBAL_UNICAST and parsed.is_global and not parsed.is_multicast
            return usual and not any(parsed in tunnel for tunnel in TUNNELS)
        parsed = inner
    usual = parsed.is_global and not parsed.is_multicast
    return usual and not any(parsed in network for network in OF_THE_CLOUD)


def check_url(url: str, *, allow_private: bool) -> None:
    """Make sure that a URL is one that events may be sent to.

    :param allow_private: take http too, and hosts that are not public, as in development.
    :raises Invalid: if it is not; the fault says why.
    """
    if not re.fullmatch(r"[!-~]+", url, re.ASCII) or "\\" in url:
        raise _refused("Must be a URL of plain ASCII; write a name of another script as xn--...")
    try:
        split = urlsplit(url)
        port = split.port
    except ValueError:
        raise _refused("Must be a URL like https://example.com/webhooks.") from None
    if split.scheme != "https" and not (allow_private and split.scheme == "http"):
        raise _refused("Must begin with https://.")
    if "@" in split.netloc:
        raise _refused("Must hold no user name or password; check the signature of what arrives instead.")
    if "#" in url:
        raise _refused("Must have no fragment: it would never be sent.")
    if not split.hostname or port == 0:
        raise _refused("Must be a URL like https://example.com/webhooks.")
    if not allow_private:
        _check_host(split.hostname.lower())


def _check_host(host: str) -> None:
    name = host.removesuffix(".")
    labels = name.split(".")
    # What ends in a number is an IPv4 address to whoever connects, in one of many spellings.
    if ":" in host or NUMBER.fullmatch(labels[-1]):
        if not is_public(host):
            raise _refused("Must be at a public address.")
        return
    if not all(LABEL.fullmatch(label) for label in labels) or len(name) > 253:
        raise _refused("Must name a host, like https://example.com/webhooks.")
    if len(labels) == 1 or any(name == local or name.endswith(f".{local}") for local in LOCAL):
        raise _refused("Must be at a host that is known on the internet.")


def _refused(reason: str) -> Invalid:
    return Invalid(errors=[FieldFault("url", "invalid", reason)])
