"""Prints that wait to be made."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, LargeBinary, Text, Uuid, text
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key

INSTANT = TIMESTAMP(timezone=True)


class DocumentPrint(Base):
    """The PDF of a long document, which `mbs worker` makes."""

    __tablename__ = "document_prints"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "document_id"], ["documents.tenant_id", "documents.id"], ondelete="CASCADE"
        ),
        Index("ix__document_prints__queued", "created_at", postgresql_where=text("status = 'queued'")),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    document_id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    edition: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(Text)
    file: Mapped[bytes | None] = mapped_column(LargeBinary)
    attempts: Mapped[int] = mapped_column(BigInteger)
    claimed_until: Mapped[datetime | None] = mapped_column(INSTANT)
    last_error: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    finished_at: Mapped[datetime | None] = mapped_column(INSTANT)
