"""API keys, and what one may do."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import ARRAY, TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.foundation.db import Base, tenant_key
from mbs.tenants.models import PERMISSIONS

INSTANT = TIMESTAMP(timezone=True)

SORTS: Mapping[str, str] = {"createdAt": "created_at"}

SCOPES = frozenset(
    name
    for name in PERMISSIONS
    if name.partition(":")[0] not in ("team", "security", "billing", "apiKeys") and not name.endswith(":own")
)
"""What a key may be allowed: nothing of people, their security, billing, or keys.

Nor what somebody made themselves: a key is nobody, so `:own` would mean the rows that the key made.
"""

MOST_KEYS = 100
"""How many keys of one business may be in force."""


class ApiKey(Base):
    """One key of a business; `prefix` names it, and its secret is kept as a digest."""

    __tablename__ = "api_keys"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id"], ["tenants.id"]),
        UniqueConstraint("tenant_id", "prefix"),
        Index("ix__api_keys__created_at", "tenant_id", "created_at", "id"),
    )

    tenant_id: Mapped[UUID] = tenant_key()
    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    name: Mapped[str] = mapped_column(Text)
    prefix: Mapped[str] = mapped_column(Text)
    digest: Mapped[str] = mapped_column(Text)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(Text))
    created_by: Mapped[UUID] = mapped_column(Uuid)
    expires_at: Mapped[datetime | None] = mapped_column(INSTANT)
    last_used_at: Mapped[datetime | None] = mapped_column(INSTANT)
    last_used_address: Mapped[str | None] = mapped_column(Text)
    revoked_at: Mapped[datetime | None] = mapped_column(INSTANT)
    version: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    updated_at: Mapped[datetime] = mapped_column(INSTANT)
