"""Text as it is compared: one normal form, made here because SQL's `lower()` reaches no index under RLS."""

import re
import unicodedata
from contextlib import suppress


def folded(text: str) -> str:
    """Return a text as names are compared: NFKC, case folded, runs of white space as one space."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def email_key(address: str) -> str:
    """Return an address as identities are compared: trimmed, NFKC, case folded, its domain in IDNA form."""
    local, _, domain = unicodedata.normalize("NFKC", address.strip()).casefold().rpartition("@")
    with suppress(UnicodeError):
        domain = domain.encode("idna").decode("ascii")
    return f"{local}@{domain}"


def digits(text: str) -> str:
    return re.sub(r"\D", "", text, flags=re.ASCII)
