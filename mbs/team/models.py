"""Invitations to a business."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)


class Invitation(Base):
    """That an address may join the business in a role; its token is kept as a digest."""

    __tablename__ = "invitations"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"]),
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
