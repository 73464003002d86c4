"""Passwords: what is accepted, how it is stored, and how hashing is kept from starving the API.

argon2id with 19 MiB, t=2, p=1 (OWASP Password Storage Cheat Sheet). Length instead of composition
rules (NIST SP 800-63B). Normalised to NFC, so that a password typed on two keyboards is one (RFC 8265).
"""

import os
import secrets
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib import resources
from itertools import pairwise

import argon2

from mbs.foundation.errors import FieldFault, Invalid, Unavailable

MINIMUM = 12
MAXIMUM = 128
WAIT_SECONDS = 1.0

_hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_slots = threading.BoundedSemaphore(os.cpu_count() or 1)
"""As many hashes at a time as there are cores: more would only take memory and the API's share of the CPU."""


@cache
def _common() -> frozenset[str]:
    text = resources.files("mbs.foundation").joinpath("common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split())


@cache
def _nobodys_hash() -> str:
    # Verified when there is no account, so that a missing one costs what a present one costs.
    return _hasher.hash(secrets.token_urlsafe())


def prepare() -> None:
    """Do at start-up what the first login would otherwise pay for."""
    _nobodys_hash()


def check_strength(password: str, *, field: str, known: Iterable[str] = ()) -> None:
    """Refuse a password that guessing finds early.

    :param known: words an attacker knows of this person: the e-mail's local part, the business's name.
    :raises Invalid: naming `field`.
    """
    text = _normalised(password)
    if not MINIMUM <= len(text) <= MAXIMUM:
        raise _refusal(field, f"Must have {MINIMUM} to {MAXIMUM} characters.")
    folded = text.casefold()
    if folded in _common() or len(set(folded)) < 4 or _is_sequence(folded):
        raise _refusal(field, "Is one of the most common passwords; choose another.")
    for word in known:
        plain = word.casefold().strip()
        if len(plain) >= 4 and plain in folded and len(folded) - len(plain) < 8:
            raise _refusal(field, "Must not be made of your e-mail address or your business's name.")


def hash_password(password: str) -> str:
    """Return the password's argon2id hash in PHC form.

    :raises Unavailable: if too many passwords are being hashed already.
    """
    with _Slot():
        return _hasher.hash(_normalised(password))


def verify(password: str, stored: str | None) -> bool:
    """Tell whether a password fits a stored hash; always costs one verification, also for None.

    :raises Unavailable: if too many passwords are being hashed already.
    """
    with _Slot():
        try:
            _hasher.verify(stored or _nobodys_hash(), _normalised(password))
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False
    return bool(stored)


def needs_rehash(stored: str) -> bool:
    """Tell whether a hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)


class _Slot:
    def __enter__(self) -> None:
        if not _slots.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Too many people are signing in at once; try again.", retry_after=1)

    def __exit__(self, *_: object) -> None:
        _slots.release()


def _normalised(password: str) -> str:
    return unicodedata.normalize("NFC", password)


def _is_sequence(text: str) -> bool:
    steps = {ord(b) - ord(a) for a, b in pairwise(text)}
    return len(steps) == 1


def _refusal(field: str, message: str) -> Invalid:
    return Invalid(errors=[FieldFault(field, "weak_password", message)])
