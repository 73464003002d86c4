"""Second factors and recovery codes, and what makes a code right (RFC 6238)."""

import hashlib
import re
import secrets
from datetime import datetime
from uuid import UUID

import pyotp
from sqlalchemy import BigInteger, ForeignKeyConstraint, Text, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base

INSTANT = TIMESTAMP(timezone=True)

STEP_SECONDS = 30
TOLERATED_STEPS = 1
"""How far the clock of somebody's phone may be off, in steps to either side (RFC 6238 section 5.2)."""

CODE = re.compile(r"[0-9]{6}")
RECOVERY_CODES = 10
RECOVERY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without letters and digits that are mistaken for one another on paper."""


class SecondFactor(Base):
    """A person's secret, sealed; it counts once a first code has confirmed it. `last_step` was used last."""

    __tablename__ = "second_factors"
    __table_args__ = (ForeignKeyConstraint(["user_id"], ["users.id"]),)

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    sealed: Mapped[str] = mapped_column(Text)
    confirmed_at: Mapped[datetime | None] = mapped_column(INSTANT)
    last_step: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


class RecoveryCode(Base):
    """One of a person's ten recovery codes, as a digest."""

    __tablename__ = "recovery_codes"
    __table_args__ = (ForeignKeyConstraint(["user_id"], ["users.id"]),)

    user_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    used_at: Mapped[datetime | None] = mapped_column(INSTANT)


def accepted_step(secret: str, code: str, *, at: datetime, last_step: int) -> int | None:
    """Return the time step whose code this is, or None; no step at or before `last_step` counts again.

    RFC 6238 section 5.2 forbids a second use, which pyotp leaves to its caller.
    """
    if not is_from_app(code):
        return None
    totp, now = pyotp.TOTP(secret), int(at.timestamp()) // STEP_SECONDS
    for step in range(now - TOLERATED_STEPS, now + TOLERATED_STEPS + 1):
        if step > last_step and secrets.compare_digest(totp.generate_otp(step), without_spaces(code)):
            return step
    return None


def is_from_app(code: str) -> bool:
    """Tell whether a code looks like an authenticator app's; if not, it is a recovery code."""
    return CODE.fullmatch(without_spaces(code)) is not None


def without_spaces(code: str) -> str:
    """Return a code as it is meant: apps show it in groups, which some people type."""
    return code.replace("-", "").replace(" ", "").lower()


def new_recovery_codes() -> list[str]:
    """Return ten codes of 79 bits each, in groups that can be read aloud: `7k3m-9qxa-2wrt-ppd4`."""
    return ["-".join(_group() for _ in range(4)) for _ in range(RECOVERY_CODES)]


def _group() -> str:
    return "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(4))


def recovery_digest(user_id: UUID, code: str) -> str:
    """Return the digest of a code as its person may type it: with or without hyphen, in any case."""
    return hashlib.sha256(user_id.bytes + without_spaces(code).encode()).hexdigest()


def throttled_as(user_id: UUID) -> str:
    """Return under what attempts at a person's codes are counted, wherever they are made."""
    return f"second factor {user_id}"
