"""Users and sessions, under the identity role; and the one statement that every request asks: who is this?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from mbs.auth.errors import EmailAlreadyExists
from mbs.auth.models import LoginSession, User
from mbs.foundation.caller import Caller, Identity, Question
from mbs.foundation.database_errors import violated_constraint
from mbs.foundation.db import Database, Role, Transaction
from mbs.foundation.errors import NotFound, PreconditionFailed
from mbs.foundation.scope import Scope
from mbs.tenants.models import ROLE_PERMISSIONS, Membership, Tenant

CALLER = "find_caller(%(session)s, %(user)s, %(business)s) AS caller"
FIND_CALLER = "SELECT * FROM find_caller(%(session)s, %(user)s, %(business)s)"
"""A function of migration 0007, so that its four-table join is planned once a connection."""

SWEEP = text("""
DELETE FROM login_sessions WHERE id IN (
  SELECT id FROM login_sessions WHERE absolute_until < now() - interval '1 day'
  ORDER BY absolute_until LIMIT 10 FOR UPDATE SKIP LOCKED)
OR id IN (
  SELECT id FROM login_sessions WHERE user_id = :user_id AND revoked_at < now() - interval '1 day'
  LIMIT 10 FOR UPDATE SKIP LOCKED)
""")

PERSON = (
    User.id,
    User.email,
    User.first_name,
    User.last_name,
    User.status,
    User.email_verified_at,
    User.last_login_at,
    User.version,
    User.created_at,
    User.updated_at,
)


class UserRepository:
    """People, under the identity role."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, values: Mapping[str, Any]) -> Row[Any]:
        """Insert a person.

        :raises EmailAlreadyExists: if there is an account with this address.
        """
        try:
            return self._transaction.execute(insert(User).values(values).returning(*PERSON)).one()
        except IntegrityError as error:
            if violated_constraint(error) != "uq__users__email_key":
                raise
            raise EmailAlreadyExists from error

    def find_by_email(self, email_key: str, *, address: str | None = None) -> Row[Any] | None:
        """Return a person with their password hash, or None.

        `was_here` tells whether they have signed in from this address before.
        """
        was_here = exists().where(LoginSession.user_id == User.id, LoginSession.address == address)
        statement = select(*PERSON, User.password_hash, was_here.label("was_here")).where(
            User.email_key == email_key
        )
        return self._transaction.execute(statement).one_or_none()

    def get(self, id_: UUID) -> Row[Any]:
        """Return a person.

        :raises NotFound: if there is none.
        """
        row = self._transaction.execute(select(*PERSON).where(User.id == id_)).one_or_none()
        if row is None:
            raise NotFound
        return row

    def signed_in(self, id_: UUID, *, at: datetime, rehashed: str | None) -> None:
        """Note a login, and the password's hash under today's parameters if it was made under others."""
        values: dict[str, Any] = {"last_login_at": at}
        if rehashed is not None:
            values["password_hash"] = rehashed
        self._transaction.execute(update(User).where(User.id == id_).values(values))

    def change(self, id_: UUID, values: Mapping[str, Any], *, version: int | None) -> Row[Any]:
        """Change a person's own details.

        :raises PreconditionFailed: if they have moved on to another version.
        """
        statement = update(User).where(User.id == id_)
        if version is not None:
            statement = statement.where(User.version == version)
        statement = statement.values(**values, version=User.version + 1, updated_at=func.now())
        row = self._transaction.execute(statement.returning(*PERSON)).one_or_none()
        if row is None:
            raise PreconditionFailed
        return row


class SessionRepository:
    """Signed-in sessions, under the identity role."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, values: Mapping[str, Any]) -> None:
        """Insert a session, and remove up to ten that ended long ago, and ten of the same person."""
        self._transaction.execute(insert(LoginSession).values(values))
        self._transaction.execute(SWEEP, {"user_id": values["user_id"]})

    def lock(self, id_: UUID) -> Row[Any] | None:
        """Return a session that stands, with person, role and business, locked against other refreshes."""
        statement = (
            select(
                LoginSession.id,
                LoginSession.user_id,
                LoginSession.tenant_id,
                LoginSession.seq,
                LoginSession.rotated_at,
                LoginSession.absolute_until,
                Membership.role,
            )
            .join(User, User.id == LoginSession.user_id)
            .join(
                Membership,
                (Membership.tenant_id == LoginSession.tenant_id)
                & (Membership.user_id == LoginSession.user_id),
            )
            .join(Tenant, Tenant.id == LoginSession.tenant_id)
            .where(
                LoginSession.id == id_,
                LoginSession.revoked_at.is_(None),
                LoginSession.idle_until > func.now(),
                LoginSession.absolute_until > func.now(),
                User.status == "active",
                Membership.status == "active",
                Tenant.status != "closed",
            )
            .with_for_update(of=LoginSession)
        )
        return self._transaction.execute(statement).one_or_none()

    def rotate(self, id_: UUID, *, seq: int, at: datetime, idle_until: datetime) -> None:
        """Move a session on to its next turn."""
        self._transaction.execute(
            update(LoginSession)
            .where(LoginSession.id == id_)
            .values(seq=seq, rotated_at=at, idle_until=idle_until)
        )

    def revoke(self, id_: UUID, *, at: datetime, reason: str) -> bool:
        """End one session; tell whether it still stood."""
        result = self._transaction.execute(
            update(LoginSession)
            .where(LoginSession.id == id_, LoginSession.revoked_at.is_(None))
            .values(revoked_at=at, revoked_reason=reason)
        )
        return result.rowcount == 1

    def revoke_all(self, user_id: UUID, *, at: datetime, reason: str) -> None:
        """End all sessions of a person in all businesses."""
        self._transaction.execute(
            update(LoginSession)
            .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
            .values(revoked_at=at, revoked_reason=reason)
        )


class CallerFinder:
    """Finds out on every request who asks, so that a logout or a removal acts on the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def question(self, identity: Identity) -> Question:
        parameters = {
            "session": str(identity.session_id),
            "user": str(identity.user_id),
            "business": str(identity.tenant_id),
        }
        return Question(CALLER, parameters)

    def answer(self, row: Sequence[Any]) -> Caller | None:
        role, tenant_status = row
        return Caller(role, ROLE_PERMISSIONS[role], tenant_status) if role is not None else None

    def __call__(self, identity: Identity, scope: Scope) -> Caller | None:
        parameters = self.question(identity).parameters
        (row,) = self._database.statement(Role.IDENTITY, FIND_CALLER, parameters, scope=scope)
        return self.answer(row)
