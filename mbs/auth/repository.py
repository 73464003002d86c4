"""Users and sessions, under the identity role; and the one statement that every request asks: who is this?"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, exists, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from mbs.auth.errors import EmailAlreadyExists
from mbs.auth.models import ABSOLUTE, IDLE, LoginSession, Origin, User
from mbs.events.repository import EventRepository
from mbs.foundation.addresses import household
from mbs.foundation.caller import Caller, Identity, Question
from mbs.foundation.database_errors import violated_constraint
from mbs.foundation.db import Database, Role, Transaction
from mbs.foundation.errors import NotFound, PreconditionFailed, Unauthenticated
from mbs.foundation.scope import Scope
from mbs.tenants.models import Membership, Tenant, permissions_of

CALLER = "find_session(%(session)s, %(user)s, %(business)s, %(kind)s) AS caller"
FIND_SESSION = "SELECT * FROM find_session(%(session)s, %(user)s, %(business)s, %(kind)s)"
"""A function of migration 0019, so that its four-table join is planned once a connection."""

TOUCH = """
UPDATE login_sessions
SET last_used_at = now(), address = %(address)s,
    idle_until = CASE kind WHEN 'browser' THEN least(now() + %(idle)s, absolute_until) ELSE idle_until END
WHERE id = %(session)s
RETURNING id
"""

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
    User.password_changed_at,
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

    def find_for_challenge(self, id_: UUID) -> Row[Any] | None:
        """Return a person who may sign in, with their password hash, or None."""
        statement = select(*PERSON, User.password_hash).where(User.id == id_, User.status == "active")
        return self._transaction.execute(statement).one_or_none()

    def signed_in(
        self, id_: UUID, *, at: datetime, rehashed: str | None, seen: Row[Any] | None = None
    ) -> bool:
        """Note a login, and the password's hash under today's parameters if it was made under others.

        :param seen: the person as they were when the password was verified.
        :return: whether the password is still the one that was seen; else nothing is noted.
        """
        values: dict[str, Any] = {"last_login_at": at}
        if rehashed is not None:
            values["password_hash"] = rehashed
        statement = update(User).where(User.id == id_).values(values)
        if seen is not None:
            statement = statement.where(
                User.password_changed_at.is_not_distinct_from(seen.password_changed_at)
            )
        return self._transaction.execute(statement).rowcount == 1

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
                LoginSession.kind == "token",
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
        values = {"seq": seq, "rotated_at": at, "last_used_at": at, "idle_until": idle_until}
        self._transaction.execute(update(LoginSession).where(LoginSession.id == id_).values(values))

    def hold(self, id_: UUID | None) -> None:
        """Let nobody end a session before the transaction has ended: for what would outlive the session.

        :raises Unauthenticated: if it was ended since the request began.
        """
        standing = select(LoginSession.id).where(LoginSession.id == id_, LoginSession.revoked_at.is_(None))
        if self._transaction.execute(standing.with_for_update(read=True)).one_or_none() is None:
            raise Unauthenticated

    def revoke(self, id_: UUID, *, at: datetime, reason: str) -> bool:
        """End one session; tell whether it still stood."""
        statement = update(LoginSession).where(LoginSession.id == id_, LoginSession.revoked_at.is_(None))
        statement = statement.values(revoked_at=at, revoked_reason=reason)
        return self._transaction.execute(statement).rowcount == 1

    def revoke_all(self, user_id: UUID, *, at: datetime, reason: str, keep: UUID | None = None) -> None:
        """End all sessions of a person in all businesses, but the one to keep."""
        self._transaction.execute(
            update(LoginSession)
            .where(LoginSession.user_id == user_id, LoginSession.revoked_at.is_(None))
            .where(LoginSession.id.is_distinct_from(keep))
            .values(revoked_at=at, revoked_reason=reason)
        )


def start_session(
    transaction: Transaction,
    *,
    user_id: UUID,
    tenant_id: UUID,
    origin: Origin,
    at: datetime,
    method: str,
    proved_at: datetime | None = None,
) -> UUID:
    """Start a session of a person in a business, and end the one whose cookie came along; return its id.

    :param method: how the person came in: `password`, `sso`, `invitation`, or `switch` from another business.
    :param proved_at: when the person proved who they are, if that was not now.
    """
    sessions, session_id = SessionRepository(transaction), uuid7()
    if origin.replaces is not None:
        sessions.revoke(origin.replaces, at=at, reason="replaced")
    sessions.add(
        {
            "id": session_id,
            "user_id": user_id,
            "tenant_id": tenant_id,
            "kind": origin.kind,
            "method": method,
            "authenticated_at": proved_at or at,
            "last_used_at": at,
            "created_at": at,
            "idle_until": at + IDLE,
            "absolute_until": at + ABSOLUTE,
            "address": origin.address,
            "user_agent": origin.user_agent,
        }
    )
    return session_id


def record_session(
    transaction: Transaction, type_: str, session_id: UUID, at: datetime, data: Mapping[str, Any]
) -> None:
    """Write into the business's trail what became of a session; the transaction has entered the business."""
    EventRepository(transaction).append(
        type_=type_,
        object_type="session",
        object_id=session_id,
        at=at,
        data={"object": data, "previous": {}},
    )


class SessionFinder:
    """Finds out on every request who asks, so that a logout or a removal acts on the next one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def question(self, credential: Identity) -> Question:
        parameters = {
            "session": str(credential.session_id),
            "user": str(credential.user_id),
            "business": str(credential.tenant_id),
            "kind": credential.kind,
        }
        return Question(CALLER, parameters)

    def answer(self, credential: Identity, row: Sequence[Any]) -> Caller | None:
        role, custom, tenant_status, seconds_since_proof, has_factor, factor_demanded, stale = row
        if role is None:
            return None
        return Caller(
            actor_id=credential.user_id,
            permissions=permissions_of(role, custom),
            tenant_status=tenant_status,
            role=role,
            seconds_since_proof=seconds_since_proof,
            second_factor=has_factor,
            second_factor_demanded=factor_demanded,
            stale=stale,
        )

    def __call__(self, credential: Identity, scope: Scope) -> Caller | None:
        parameters = self.question(credential).parameters
        (row,) = self._database.statement(Role.IDENTITY, FIND_SESSION, parameters, scope=scope)
        return self.answer(credential, row)

    def touch(self, credential: Identity, scope: Scope, address: str) -> None:
        """Note that the session was used; one that a browser holds idles out later for it."""
        parameters = {"session": str(credential.session_id), "address": household(address), "idle": IDLE}
        self._database.statement(Role.IDENTITY, TOUCH, parameters, scope=scope)
