"""People and their sessions; when a session ends and what a presented refresh token means."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.auth.errors import TenantSelectRequired
from mbs.foundation.db import Base
from mbs.foundation.errors import FieldFault, InvalidReference
from mbs.tenants.errors import NoMembership

INSTANT = TIMESTAMP(timezone=True)

IDLE = timedelta(days=7)
ABSOLUTE = timedelta(days=30)
GRACE = timedelta(seconds=10)
"""A client whose response was lost may ask again this long; longer would keep a stolen parent alive."""


class User(Base):
    """One person, whatever businesses they belong to."""

    __tablename__ = "users"
    __table_args__ = (UniqueConstraint("email_key"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text)
    password_hash: Mapped[str | None] = mapped_column(Text)
    password_changed_at: Mapped[datetime | None] = mapped_column(INSTANT)
    first_name: Mapped[str] = mapped_column(Text)
    last_name: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    email_verified_at: Mapped[datetime | None] = mapped_column(INSTANT)
    last_login_at: Mapped[datetime | None] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


class LoginSession(Base):
    """One signed-in session of a person in one business; `seq` counts its refreshes."""

    __tablename__ = "login_sessions"
    __table_args__ = (
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__login_sessions__user_id", "user_id"),
        Index("ix__login_sessions__absolute_until", "absolute_until"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    tenant_id: Mapped[UUID] = mapped_column(Uuid)
    seq: Mapped[int] = mapped_column(BigInteger)
    rotated_at: Mapped[datetime | None] = mapped_column(INSTANT)
    revoked_at: Mapped[datetime | None] = mapped_column(INSTANT)
    revoked_reason: Mapped[str | None] = mapped_column(Text)
    idle_until: Mapped[datetime] = mapped_column(INSTANT)
    absolute_until: Mapped[datetime] = mapped_column(INSTANT)
    address: Mapped[str | None] = mapped_column(Text)
    user_agent: Mapped[str | None] = mapped_column(Text)
    kind: Mapped[str] = mapped_column(Text)
    method: Mapped[str] = mapped_column(Text)
    authenticated_at: Mapped[datetime] = mapped_column(INSTANT)
    last_used_at: Mapped[datetime] = mapped_column(INSTANT)
    created_at: Mapped[datetime] = mapped_column(INSTANT)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as a session remembers it.

    `kind` is what kind of session is wanted: `token`, or `browser` for one that a cookie carries. `replaces`
    is the session of the cookie that came along: signing in again ends it, so that nobody can plant one.
    """

    address: str | None
    user_agent: str | None
    kind: str = "token"
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A person, the business they are signed in to, and the session's newest refresh token.

    A browser's session has no refresh token: its cookie is all it needs.
    """

    user: Any
    tenant: Any
    role: str
    permissions: frozenset[str]
    session_id: UUID
    refresh_token: str | None


def account_key(user: Any, email_key: str, address: str | None) -> str:
    """Return under what attempts at an account are counted, whether there is one or not.

    Where somebody has signed in before, strangers' guesses elsewhere do not count against them.
    """
    return f"{email_key} {address}" if user is not None and user.was_here else email_key


class Turn(Enum):
    """What presenting a refresh token means."""

    ROTATE = "rotate"
    REPEAT = "repeat"
    REUSE = "reuse"
    REFUSE = "refuse"


def turn(*, presented: int, current: int, rotated_at: datetime | None, now: datetime) -> Turn:
    """Decide about a refresh token by its turn (RFC 9700 section 4.14.2; the grace follows Supabase Auth).

    The current token moves the session on. Its parent, within the grace time, gets the same successor
    again. A turn that was never given out is forged. Everything else is reuse, and ends the session.
    """
    if presented == current:
        return Turn.ROTATE
    if presented > current:
        return Turn.REFUSE
    if presented == current - 1 and rotated_at is not None and now - rotated_at <= GRACE:
        return Turn.REPEAT
    return Turn.REUSE


def choose(memberships: Sequence[Any], tenant_id: UUID | None) -> Any:
    """Return the business that somebody signs in to.

    :raises NoMembership: if they belong to none.
    :raises TenantSelectRequired: if they belong to several and named none.
    :raises InvalidReference: if they do not belong to the one they named.
    """
    if not memberships:
        raise NoMembership
    if tenant_id is None:
        if len(memberships) > 1:
            listed = [
                {"id": row.id, "name": row.name, "slug": row.slug, "businessType": row.business_type}
                for row in memberships
            ]
            raise TenantSelectRequired(extra={"tenants": listed})
        return memberships[0]
    for row in memberships:
        if row.id == tenant_id:
            return row
    raise InvalidReference(errors=[FieldFault("tenantId", "invalid_reference", "There is no such business.")])
