"""One-time tokens, and the password and address of a person, under the identity role."""

import secrets
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, column, delete, func, select, table, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from mbs.accounts.models import LIFETIMES, VERIFY_EMAIL, OneTimeToken
from mbs.auth.errors import EmailAlreadyExists
from mbs.auth.models import User
from mbs.foundation.database_errors import violated_constraint
from mbs.foundation.db import Transaction
from mbs.foundation.keys import email_key
from mbs.foundation.sealing import Sealer, digest
from mbs.mail.repository import MailRepository

# For an id of nobody it does nothing, at the same cost.
ISSUE = text("""
INSERT INTO one_time_tokens (id, user_id, purpose, digest, email, expires_at)
SELECT :id, users.id, :purpose, :digest, :email, :expires_at FROM users
WHERE users.id = :user_id AND users.status = 'active'
ON CONFLICT (user_id, purpose) DO UPDATE
SET id = excluded.id, digest = excluded.digest, email = excluded.email, created_at = excluded.created_at,
    expires_at = excluded.expires_at
""")
REDEEM = text("""
DELETE FROM one_time_tokens token USING users
WHERE token.digest = :digest AND token.purpose = :purpose AND token.expires_at > :at
  AND users.id = token.user_id AND users.status = 'active'
RETURNING users.id, users.email, token.email AS token_email
""")
IDENTITIES = table("external_identities", column("user_id"))
"""What is asked of a room beside this one."""

SWEEP = text("""
DELETE FROM one_time_tokens WHERE id IN (
  SELECT id FROM one_time_tokens WHERE expires_at < now() - interval '1 day' AND user_id <> :user_id
  ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)
""")


class OneTimeTokenRepository:
    """A token is 256 random bits, of which only the digest is kept."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def issue(self, user_id: UUID, purpose: str, *, at: datetime, email: str | None = None) -> str:
        """Return a new token in place of the one before; for nobody's id, one that opens nothing.

        :param email: the address that using it is about.
        """
        token = secrets.token_urlsafe(32)
        values = {
            "id": uuid7(),
            "user_id": user_id,
            "purpose": purpose,
            "digest": digest(token),
            "email": email,
            "expires_at": at + LIFETIMES[purpose],
        }
        self._transaction.execute(ISSUE, values)
        self._transaction.execute(SWEEP, {"user_id": user_id})
        return token

    def find(self, token: str, purpose: str, *, at: datetime) -> Row[Any] | None:
        """Return whom a token is good for, and leave it as it is."""
        statement = (
            select(User.id, User.email, User.first_name, User.last_name, User.email_verified_at)
            .join(OneTimeToken, OneTimeToken.user_id == User.id)
            .where(
                OneTimeToken.digest == digest(token),
                OneTimeToken.purpose == purpose,
                OneTimeToken.expires_at > at,
                User.status == "active",
            )
        )
        return self._transaction.execute(statement).one_or_none()

    def redeem(self, token: str, purpose: str, *, at: datetime) -> Row[Any] | None:
        """Use a token up; return its person and `token_email`, or None when it is not good.

        Of several who use it at once, one gets an answer.
        """
        values = {"digest": digest(token), "purpose": purpose, "at": at}
        return self._transaction.execute(REDEEM, values).one_or_none()

    def revoke_all(self, user_id: UUID) -> None:
        """Make all tokens of a person worthless."""
        self._transaction.execute(delete(OneTimeToken).where(OneTimeToken.user_id == user_id))


class CredentialRepository:
    """What a person signs in with."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def change_password(self, id_: UUID, password_hash: str, *, seen: str, at: datetime) -> bool:
        """Change a password; tell whether its hash was still the one that was seen."""
        statement = update(User).where(User.id == id_, User.password_hash == seen)
        statement = statement.values(password_hash=password_hash, password_changed_at=at)
        return self._transaction.execute(statement).rowcount == 1

    def reset_password(self, id_: UUID, password_hash: str, *, at: datetime) -> None:
        """Set a password, for somebody who has shown that the mailbox is theirs."""
        statement = update(User).where(User.id == id_)
        statement = statement.values(
            password_hash=password_hash, password_changed_at=at, **_verified(at), **_next_version()
        )
        self._transaction.execute(statement)

    def unlink_identities(self, id_: UUID) -> None:
        """Let nobody sign in to an account from a provider any more."""
        self._transaction.execute(delete(IDENTITIES).where(IDENTITIES.c.user_id == id_))

    def verify_email(self, id_: UUID, email: str, *, at: datetime) -> bool:
        """Note that a mailbox is the person's; tell whether it is still the one of the account."""
        statement = update(User).where(User.id == id_, User.email_key == email_key(email))
        statement = statement.values(**_verified(at), **_next_version())
        return self._transaction.execute(statement).rowcount == 1

    def change_email(self, id_: UUID, email: str, *, at: datetime) -> None:
        """Move an account to another address, which the person has shown to be theirs.

        :raises EmailAlreadyExists: if another account has it.
        """
        statement = update(User).where(User.id == id_)
        statement = statement.values(
            email=email, email_key=email_key(email), email_verified_at=at, **_next_version()
        )
        try:
            self._transaction.execute(statement)
        except IntegrityError as error:
            if violated_constraint(error) != "uq__users__email_key":
                raise
            raise EmailAlreadyExists from error


def send_verification(transaction: Transaction, user: Row[Any], at: datetime, *, sealer: Sealer) -> None:
    """Ask a person by mail whether the mailbox is theirs."""
    token = OneTimeTokenRepository(transaction).issue(user.id, VERIFY_EMAIL, at=at, email=user.email)
    MailRepository(transaction, sealer).enqueue("verify_email", to=user.email, token=token)


def _verified(at: datetime) -> dict[str, Any]:
    return {"email_verified_at": func.coalesce(User.email_verified_at, at)}


def _next_version() -> dict[str, Any]:
    return {"version": User.version + 1, "updated_at": func.now()}
