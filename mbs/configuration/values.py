"""Parsers: each turns the text of one variable into its value, or says what is wrong with it.

A parser raises :class:`Unacceptable` with a code and a sentence that tells the reader what to write instead.
No sentence quotes the text it refuses: it may be a secret that was pasted into the wrong variable.
"""

import base64
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit
from uuid import UUID

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

TRUE_WORDS = frozenset({"true", "1", "yes", "on"})
FALSE_WORDS = frozenset({"false", "0", "no", "off"})
HOST_LABEL = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}$){HOST_LABEL}(\.{HOST_LABEL})*", re.IGNORECASE)


class Unacceptable(ValueError):
    """The text cannot be used; ``code`` is a fault code, ``reason`` a sentence without the text."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def malformed(reason: str) -> Unacceptable:
    """Shorten the most frequent refusal."""
    return Unacceptable("malformed", reason)


# Plain values


def text(value: str) -> str:
    """Accept printable text.

    :raises Unacceptable: if it holds a line break or another control character.
    """
    if not value.isprintable():
        raise malformed("It holds a line break or another control character; write it on one line.")
    return value


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a parser of whole numbers from `low` to `high`, both included."""

    def parse(value: str) -> int:
        # int() alone would take "1_000", other scripts' digits and numbers of any length.
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", value):
            raise malformed(f"Write a whole number from {low} to {high}, in digits only.")
        if not low <= int(value) <= high:
            raise Unacceptable("out_of_range", f"Write a whole number from {low} to {high}.")
        return int(value)

    return parse


def boolean(value: str) -> bool:
    """Accept true/false and their usual spellings."""
    if value.lower() not in TRUE_WORDS | FALSE_WORDS:
        raise Unacceptable("invalid_choice", "Write true or false.")
    return value.lower() in TRUE_WORDS


def choice(*allowed: str, **synonyms: str) -> Callable[[str], str]:
    """Return a parser of a closed set of words, in any case; `synonyms` are other spellings of them."""

    def parse(value: str) -> str:
        word = synonyms.get(value.lower(), value.lower())
        if word not in allowed:
            raise Unacceptable("invalid_choice", f"Write one of: {', '.join(allowed)}.")
        return word

    return parse


def log_level(value: str) -> str:
    """Accept a threshold for the log, and return it as the logging module names it."""
    return choice("debug", "info", "warning", "error", warn="warning")(value).upper()


def pattern(regex: str, description: str) -> Callable[[str], str]:
    """Return a parser of text that matches `regex` whole; `description` completes "Write ..."."""
    compiled = re.compile(regex)

    def parse(value: str) -> str:
        if not compiled.fullmatch(value):
            raise malformed(f"Write {description}.")
        return value

    return parse


def api_key(regex: str, description: str) -> Callable[[str], str]:
    """Return a parser of a provider's key, which also refuses the runbook's sample of it (a row of x)."""
    shape = pattern(regex, description)

    def parse(value: str) -> str:
        if re.search(r"x{4,}$", value):
            raise Unacceptable("placeholder", f"This is a sample, not a key. Write {description}.")
        return shape(value)

    return parse


def p256_public_key(value: str) -> str:
    """Accept a public key on P-256 in DER form, in base64: a mistyped digit is no point on the curve."""
    try:
        key = load_der_public_key(base64.b64decode(value, validate=True))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise malformed("Write the key that SendGrid shows: base64 on one line.")
    return value


def duration(low: timedelta, high: timedelta) -> Callable[[str], timedelta]:
    """Return a parser of "900s", "15m" or "1h" between `low` and `high`, both included."""
    bounds = f"from {low.total_seconds():.0f}s to {high.total_seconds():.0f}s"

    def parse(value: str) -> timedelta:
        match = re.fullmatch(r"([0-9]{1,6})([smh])", value)
        if match is None:
            raise malformed(f"Write a number and its unit (900s, 15m, 1h), {bounds}.")
        seconds = int(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
        if not low <= timedelta(seconds=seconds) <= high:
            raise Unacceptable("out_of_range", f"Write a duration {bounds}.")
        return timedelta(seconds=seconds)

    return parse


def timestamp(value: str) -> str:
    """Accept an ISO 8601 date and time with its offset, and return it unchanged."""
    try:
        aware = datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        aware = False
    if not aware:
        raise malformed("Write an ISO 8601 date and time with an offset, such as 2026-01-31T12:00:00Z.")
    return value


def uuid(value: str) -> str:
    """Accept a UUID, and return it in its usual form."""
    try:
        return str(UUID(value))
    except ValueError:
        raise malformed("Write a UUID.") from None


# Hosts and URLs


def is_loopback(host: str) -> bool:
    """Tell whether `host` names this machine: localhost, 127.0.0.0/8 or ::1."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def host(value: str) -> str:
    """Accept one host name or IP address, without scheme, port or path, and return it in lower case."""
    try:
        return str(ip_address(value))
    except ValueError:
        if not HOST_NAME.fullmatch(value):
            raise malformed("Write a host name or an IP address, without scheme, port or path.") from None
    return value.lower()


def is_host(value: str) -> bool:
    """Tell whether `value` is a host name or an IP address."""
    try:
        host(value)
    except Unacceptable:
        return False
    return True


def host_list(value: str) -> tuple[str, ...]:
    """Accept host names separated by commas; `.example.com` stands for its subdomains, `*` for any host."""
    names = [part.strip() for part in value.split(",") if part.strip()]
    return tuple(
        name if name == "*" else "." * name.startswith(".") + host(name.removeprefix(".")) for name in names
    )


def origin(value: str) -> str:
    """Accept ``scheme://host[:port]`` and return it in lower case without a closing slash (RFC 6454)."""
    split = split_url(value)
    if split.path not in ("", "/") or split.query or split.fragment or split.username is not None:
        raise malformed("Write scheme, host and port only, such as https://app.example.com.")
    return f"{split.scheme}://{split.netloc}".lower()


def origin_list(value: str) -> tuple[str, ...]:
    """Accept origins separated by commas; `*` stands for any origin."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    return tuple(part if part == "*" else origin(part) for part in parts)


def issuer_url(value: str) -> str:
    """Accept an OpenID Connect issuer: https, or http on loopback; no query (OpenID Connect Core 1.0, 2)."""
    split = split_url(value)
    if split.query or split.fragment or split.username is not None:
        raise malformed("Write the issuer's URL without user, query and fragment.")
    if split.scheme != "https" and not is_loopback(split.hostname or ""):
        raise malformed("Write an https:// URL; http:// is for a loopback address only.")
    return value.rstrip("/")


def provider_origin(value: str) -> str:
    """Accept a provider's origin: https, or http on loopback, because a key and people's names go there."""
    accepted = origin(value)
    if accepted.startswith("http://") and not is_loopback(urlsplit(accepted).hostname or ""):
        raise malformed("Write an https:// address; http:// is for a loopback address only.")
    return accepted


def email_address(value: str) -> str:
    """Accept one e-mail address, without a name."""
    local, _, domain = value.rpartition("@")
    if not re.fullmatch(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}", local, re.ASCII) or not HOST_NAME.fullmatch(domain):
        raise malformed("Write the address alone, such as hello@example.com.")
    return value


def sentry_dsn(value: str) -> str:
    """Accept a Sentry DSN: a URL with a public key and a project number."""
    split = split_url(value)
    if not split.username or set(split.username.lower()) == {"x"} or not re.search(r"/[0-9]+$", split.path):
        raise malformed("Copy the DSN from the Sentry project: https://<key>@<host>/<project number>.")
    return value


def storage_uri(value: str) -> str:
    """Accept the address of a counter store: memory:// or a Redis URL."""
    if value == "memory://":
        return value
    if not value.startswith(("redis://", "rediss://", "redis+unix://")):
        raise malformed("Write redis://host:port/number or rediss://..., or unset it to count in PostgreSQL.")
    if not value.startswith("redis+unix://") and not split_url(value, "redis", "rediss").hostname:
        raise malformed("The Redis URL has no host; write redis://host:port/number.")
    return value


def split_url(value: str, *schemes: str) -> SplitResult:
    """Split an http or https URL (or one of `schemes`) that has a sound host and port."""
    allowed = schemes or ("http", "https")
    try:
        split = urlsplit(value)
        if split.scheme not in allowed or split.port == 0:
            raise ValueError
        host(split.hostname or "")
    except ValueError:
        raise malformed(
            f"Write a URL that starts with {' or '.join(f'{one}://' for one in allowed)}."
        ) from None
    return split
