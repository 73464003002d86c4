"""One-time tokens: what they are for and how long they stand."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base

INSTANT = TIMESTAMP(timezone=True)

RESET_PASSWORD, VERIFY_EMAIL, CHANGE_EMAIL = "reset_password", "verify_email", "change_email"

LIFETIMES: Mapping[str, timedelta] = {
    RESET_PASSWORD: timedelta(minutes=30),
    VERIFY_EMAIL: timedelta(hours=24),
    CHANGE_EMAIL: timedelta(hours=1),
}
"""The mails say so too (`mail/models.py`)."""


class OneTimeToken(Base):
    """A token that a mail carried to somebody, as a digest; it is removed when it is used."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        UniqueConstraint("digest"),
        UniqueConstraint("user_id", "purpose"),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        Index("ix__one_time_tokens__expires_at", "expires_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    purpose: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    expires_at: Mapped[datetime] = mapped_column(INSTANT)
