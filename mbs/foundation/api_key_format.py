"""API keys as they are written: `mbs_live_<tenant and prefix>_<secret>`; the service keeps a digest alone."""

import re
import secrets
import string
from dataclasses import dataclass
from uuid import UUID

from mbs.foundation.caller import KeyIdentity
from mbs.foundation.errors import Unauthenticated
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import digest

MARK = "mbs_live_"
"""What secret scanners look for."""

PREFIX_LENGTH, SECRET_LENGTH = 8, 40
ALPHABET = string.ascii_letters + string.digits
WRITTEN = re.compile(
    rf"{MARK}([0-9a-f]{{32}})([A-Za-z0-9]{{{PREFIX_LENGTH}}})_[A-Za-z0-9]{{{SECRET_LENGTH}}}", re.A
)


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key that was just made; `text` is shown once and kept nowhere."""

    text: str
    prefix: str
    digest: str


def generate(tenant_id: TenantId) -> NewKey:
    """Make a key of 238 random bits for a tenant."""
    prefix, secret = _random(PREFIX_LENGTH), _random(SECRET_LENGTH)
    text = f"{MARK}{tenant_id.hex}{prefix}_{secret}"
    return NewKey(text, prefix, digest(text))


def parse(text: str) -> KeyIdentity:
    """Return what a key says of itself; whether there is such a key, only the database knows.

    :raises Unauthenticated: if it is not written like a key.
    """
    match = WRITTEN.fullmatch(text)
    if match is None:
        raise Unauthenticated
    return KeyIdentity(TenantId(UUID(match.group(1))), match.group(2), digest(text))


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
