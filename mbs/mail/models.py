"""Mails that wait to be sent."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base

INSTANT = TIMESTAMP(timezone=True)


class AccountMail(Base):
    """One mail. `sealed` holds address and contents, and is emptied when the mail has been sent."""

    __tablename__ = "account_mails"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        Index("ix__account_mails__queued", "next_attempt_at", postgresql_where=text("status = 'queued'")),
        Index("ix__account_mails__finished_at", "finished_at"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    tenant_id: Mapped[UUID | None] = mapped_column(Uuid)
    template: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    attempts: Mapped[int] = mapped_column(BigInteger)
    next_attempt_at: Mapped[datetime] = mapped_column(INSTANT)
    claimed_until: Mapped[datetime | None] = mapped_column(INSTANT)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    finished_at: Mapped[datetime | None] = mapped_column(INSTANT)
