"""Where a request comes from, when proxies stand between: only what known proxies wrote counts."""

import ipaddress
import re
from collections.abc import Sequence

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

WITH_PORT = re.compile(r"\[([0-9a-fA-F:.]+)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+):\d+", re.ASCII)
"""An address as some proxies write it: `[2001:db8::1]:443`, `203.0.113.7:443`."""


def caller_address(peer: str | None, forwarded: Sequence[str], proxies: int) -> str:
    """Return the caller's address in its usual spelling; the connection's own if no better is known.

    :param forwarded: the values of X-Forwarded-For, in order.
    :param proxies: how many proxies stand before the service; each wrote one hop, from the right.
    """
    if proxies > 0:
        hops = [hop.strip() for hop in ",".join(forwarded).split(",")]
        if len(hops) >= proxies:
            address = _parse(hops[-proxies])
            if address is not None:
                return str(address)
    address = _parse(peer or "")
    return str(address) if address is not None else peer or "unknown"


def household(address: str) -> str:
    """Return what one customer of a provider holds: an IPv4 address, or the /64 of an IPv6 address."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed) if parsed is not None else address


def _parse(text: str) -> Address | None:
    match = WITH_PORT.fullmatch(text)
    if match is not None:
        text = match[1] or match[2]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
