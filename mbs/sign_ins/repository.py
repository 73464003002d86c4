"""Sessions as their person and their business's administrators see them, under the identity role."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, func, select, update

from mbs.auth.models import LoginSession
from mbs.foundation.db import Transaction
from mbs.sign_ins.models import MOST_SHOWN
from mbs.tenants.models import Membership, Tenant


class SignInRepository:
    """Nothing but a condition keeps sessions of one person or business from another: all are seen here."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def own(self, user_id: UUID) -> Sequence[Row[Any]]:
        """Return a person's sessions that stand, in all businesses, the one used last first."""
        return self._standing(LoginSession.user_id == user_id)

    def of_member(self, user_id: UUID) -> Sequence[Row[Any]]:
        """Return a person's sessions that stand in the transaction's business."""
        return self._standing(*self._here(user_id))

    def end_own(self, id_: UUID, user_id: UUID, *, at: datetime, reason: str) -> UUID | None:
        """End one session of a person; return its business, or None if they have no such session."""
        ended = self._end(LoginSession.id == id_, LoginSession.user_id == user_id, at=at, reason=reason)
        return ended[0].tenant_id if ended else None

    def end_others(self, user_id: UUID, *, keep: UUID, at: datetime, reason: str) -> None:
        """End all sessions of a person in all businesses but one."""
        self._end(LoginSession.user_id == user_id, LoginSession.id != keep, at=at, reason=reason)

    def end_of_member(self, user_id: UUID, *, id_: UUID | None, at: datetime, reason: str) -> int:
        """End one or all sessions of a person in the transaction's business; return how many ended."""
        named = () if id_ is None else (LoginSession.id == id_,)
        return len(self._end(*self._here(user_id), *named, at=at, reason=reason))

    def prove(self, id_: UUID, *, at: datetime, new_id: UUID) -> bool:
        """Note that the person has proved who they are, under another id; tell whether the session stands."""
        statement = (
            update(LoginSession)
            .where(LoginSession.id == id_, LoginSession.revoked_at.is_(None))
            .values(id=new_id, authenticated_at=at)
        )
        return self._transaction.execute(statement).rowcount == 1

    def _here(self, user_id: UUID) -> tuple[ColumnElement[bool], ...]:
        return (LoginSession.tenant_id == self._transaction.tenant_id, LoginSession.user_id == user_id)

    def _standing(self, *conditions: ColumnElement[bool]) -> Sequence[Row[Any]]:
        statement = (
            select(
                LoginSession.id,
                LoginSession.kind,
                LoginSession.address,
                LoginSession.user_agent,
                LoginSession.created_at,
                LoginSession.last_used_at,
                func.least(LoginSession.idle_until, LoginSession.absolute_until).label("expires_at"),
                Tenant.id.label("tenant_id"),
                Tenant.name.label("tenant_name"),
            )
            .join(Tenant, Tenant.id == LoginSession.tenant_id)
            .join(
                Membership,
                (Membership.tenant_id == LoginSession.tenant_id)
                & (Membership.user_id == LoginSession.user_id),
            )
            .where(
                *conditions,
                LoginSession.revoked_at.is_(None),
                LoginSession.idle_until > func.now(),
                LoginSession.absolute_until > func.now(),
                Membership.status == "active",
                Tenant.status != "closed",
            )
            .order_by(LoginSession.last_used_at.desc(), LoginSession.id.desc())
            .limit(MOST_SHOWN)
        )
        return self._transaction.execute(statement).all()

    def _end(self, *conditions: ColumnElement[bool], at: datetime, reason: str) -> Sequence[Row[Any]]:
        statement = (
            update(LoginSession)
            .where(*conditions, LoginSession.revoked_at.is_(None))
            .values(revoked_at=at, revoked_reason=reason)
            .returning(LoginSession.tenant_id)
        )
        return self._transaction.execute(statement).all()
