"""The queue of mails: anybody may put one in, only `mbs worker` takes them out."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, or_, select, text, update
from uuid_utils.compat import uuid7

from mbs.foundation.db import Role, Transaction
from mbs.foundation.sealing import Sealer
from mbs.mail.models import AccountMail

OF_NOBODY_SUSPENDED = text(
    "(account_mails.tenant_id IS NULL OR"
    " (SELECT status FROM tenants WHERE tenants.id = account_mails.tenant_id) = 'active')"
)


class MailRepository:
    """`sealer` closes address and contents, so that the table says nothing about anybody."""

    def __init__(self, transaction: Transaction, sealer: Sealer) -> None:
        self._transaction = transaction
        self._sealer = sealer

    def enqueue(self, template: str, *, to: str | None, **variables: str) -> None:
        """Put a mail into the queue; it leaves after the transaction has been committed.

        :param template: one of `models.TEMPLATES`.
        :param to: None writes a mail to nobody, which costs the same and never leaves: so that a stranger
            cannot tell by the clock whether there is somebody. Under the identity role only.
        """
        sealed = self._sealer.seal({"to": to, **variables})
        values: dict[str, Any] = {"id": uuid7(), "template": template, "sealed": sealed}
        if self._transaction.role is Role.TENANT:
            values["tenant_id"] = self._transaction.tenant_id
        if to is None:
            values |= {"sealed": None, "status": "suppressed", "finished_at": func.now()}
        self._transaction.execute(insert(AccountMail).values(values))

    def claim(self, *, at: datetime, lease: timedelta) -> Row[Any] | None:
        """Take the mail that is due longest, for as long as the lease; no other worker sees it meanwhile.

        A suspended business's mails wait.
        """
        due = (
            select(AccountMail.id)
            .where(
                AccountMail.status == "queued",
                AccountMail.next_attempt_at <= at,
                or_(AccountMail.claimed_until.is_(None), AccountMail.claimed_until < at),
                OF_NOBODY_SUSPENDED,
            )
            .order_by(AccountMail.next_attempt_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(AccountMail)
            .where(AccountMail.id == due.scalar_subquery())
            .values(claimed_until=at + lease, attempts=AccountMail.attempts + 1)
            .returning(AccountMail.id, AccountMail.template, AccountMail.sealed, AccountMail.attempts)
        )
        return self._transaction.execute(statement).one_or_none()

    def finish(self, id_: UUID, *, status: str, at: datetime, error: str | None = None) -> None:
        """Close a mail as sent, suppressed or failed, and forget what it said."""
        values = {"status": status, "finished_at": at, "sealed": None, "last_error": error}
        self._transaction.execute(update(AccountMail).where(AccountMail.id == id_).values(**values))

    def postpone(self, id_: UUID, *, attempts: int, until: datetime, error: str, counts: bool = True) -> None:
        """Let a mail wait for its next attempt, unless another worker has taken it meanwhile.

        :param attempts: how many there were, as `claim` has counted.
        :param counts: whether the last was one.
        """
        values: dict[str, Any] = {"next_attempt_at": until, "claimed_until": None, "last_error": error}
        if not counts:
            values["attempts"] = attempts - 1
        ours = (AccountMail.id == id_, AccountMail.status == "queued", AccountMail.attempts == attempts)
        self._transaction.execute(update(AccountMail).where(*ours).values(**values))

    def sweep(self, *, before: datetime) -> int:
        """Remove mails that were made before an instant; return how many."""
        statement = delete(AccountMail).where(AccountMail.created_at < before)
        return self._transaction.execute(statement).rowcount

    def waiting(self) -> int:
        """Return how many mails wait."""
        statement = select(func.count()).where(AccountMail.status == "queued")
        return int(self._transaction.execute(statement).scalar_one())
