"""The invitation's row, its token, and what has become of it."""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Row, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.foundation.errors import NotFound
from mbs.invitations.errors import BusinessSuspended, InvitationSpent
from mbs.tenants.models import CUSTOM, covers, permissions_of

INSTANT = TIMESTAMP(timezone=True)

LIFETIME = timedelta(days=7)
STATUSES = ("open", "accepted", "revoked", "expired")
SORTS: Mapping[str, str] = {"createdAt": "created_at"}

TOKEN_BYTES = 32

MOST_PER_ADDRESS = 3
"""Within an hour: a business must not use us to fill somebody's mailbox."""

MOST_PER_BUSINESS = 100
"""Open or made within a day."""


class Invitation(Base):
    """That an address may join the business in a role; its token is kept as a digest."""

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"], ondelete="SET NULL (role_id)"
        ),
        Index(
            "uq__invitations__open",
            "tenant_id",
            "email_key",
            unique=True,
            postgresql_where=text("accepted_at IS NULL AND revoked_at IS NULL"),
        ),
        Index("ix__invitations__digest", "digest"),
        Index("ix__invitations__created_at", "tenant_id", "created_at", "id"),
        Index("ix__invitations__role_id", "tenant_id", "role_id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    email: Mapped[str] = mapped_column(Text)
    email_key: Mapped[str] = mapped_column(Text)
    role: Mapped[str] = mapped_column(Text)
    role_id: Mapped[UUID | None] = mapped_column(Uuid)
    digest: Mapped[str] = mapped_column(Text)
    invited_by: Mapped[UUID] = mapped_column(Uuid)
    expires_at: Mapped[datetime] = mapped_column(INSTANT)
    accepted_at: Mapped[datetime | None] = mapped_column(INSTANT)
    accepted_by: Mapped[UUID | None] = mapped_column(Uuid)
    revoked_at: Mapped[datetime | None] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)


def new_token() -> str:
    return secrets.token_urlsafe(TOKEN_BYTES)


def status_of(row: Any, now: datetime) -> str:
    """Return what has become of an invitation, one of `STATUSES`."""
    if row.accepted_at is not None:
        return "accepted"
    if row.revoked_at is not None:
        return "revoked"
    return "open" if now < row.expires_at else "expired"


def standing(invitation: Row[Any] | None, now: datetime) -> Row[Any]:
    """Return an invitation that can be accepted.

    :raises NotFound: if there is none.
    :raises InvitationSpent: if it was used or revoked, or has expired, or its role or business is gone, or
        the inviter may no longer give that role.
    :raises BusinessSuspended: if the business is suspended.
    """
    if invitation is None:
        raise NotFound
    role_is_gone = invitation.role == CUSTOM and invitation.role_id is None
    if status_of(invitation, now) != "open" or role_is_gone or invitation.business_status == "closed":
        raise InvitationSpent
    if not _could_be_sent_today(invitation):
        raise InvitationSpent
    if invitation.business_status != "active":
        raise BusinessSuspended
    return invitation


def _could_be_sent_today(invitation: Row[Any]) -> bool:
    # Else whoever is about to be removed, or given a lesser role, invites an address of theirs first.
    if invitation.inviter_role is None:
        return False
    held = permissions_of(invitation.inviter_role, invitation.inviter_permissions)
    given = permissions_of(invitation.role, invitation.role_permissions)
    return "team:invite" in held and covers(held, given)
