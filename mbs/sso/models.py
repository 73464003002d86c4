"""Identities at an OpenID provider, and sign-ins that are under way there."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base

INSTANT = TIMESTAMP(timezone=True)


class ExternalIdentity(Base):
    """That a person is known to a provider as (issuer, subject). An address is never an identity."""

    __tablename__ = "external_identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        Index("ix__external_identities__user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    last_login_at: Mapped[datetime | None] = mapped_column(INSTANT)


class SsoFlow(Base):
    """One sign-in under way, by the digest of its `state`; bound to the browser that began it."""

    __tablename__ = "sso_flows"
    __table_args__ = (Index("ix__sso_flows__expires_at", "expires_at"),)

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    browser: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(INSTANT)
