"""The queue of mails about accounts: anybody may put one in, only `mbs worker` takes them out."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, or_, select, update
from uuid_utils.compat import uuid7

from mbs.foundation.db import Role, Transaction
from mbs.foundation.sealing import Sealer
from mbs.mail.models import AccountMail


class MailRepository:
    """`sealer` closes address and contents, so that the table says nothing about anybody."""

    def __init__(self, transaction: Transaction, sealer: Sealer) -> None:
        self._transaction = transaction
        self._sealer = sealer

    def enqueue(self, template: str, *, to: str, **variables: str) -> None:
        """Put a mail into the queue; it leaves after the transaction has been committed.

        :param template: one of `gateways.TEMPLATES`.
        """
        values: dict[str, Any] = {
            "id": uuid7(),
            "template": template,
            "sealed": self._sealer.seal({"to": to, **variables}),
        }
        if self._transaction.role is Role.TENANT:
            values["tenant_id"] = self._transaction.tenant_id
        self._transaction.execute(insert(AccountMail).values(values))

    def claim(self, *, at: datetime, lease: timedelta, limit: int) -> Sequence[Row[Any]]:
        """Take mails that are due, for as long as the lease; another worker does not see them meanwhile."""
        due = (
            select(AccountMail.id)
            .where(
                AccountMail.status == "queued",
                AccountMail.next_attempt_at <= at,
                or_(AccountMail.claimed_until.is_(None), AccountMail.claimed_until < at),
            )
            .order_by(AccountMail.next_attempt_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        statement = (
            update(AccountMail)
            .where(AccountMail.id.in_(due.scalar_subquery()))
            .values(claimed_until=at + lease, attempts=AccountMail.attempts + 1)
            .returning(AccountMail.id, AccountMail.template, AccountMail.sealed, AccountMail.attempts)
        )
        return self._transaction.execute(statement).all()

    def open(self, sealed: str) -> dict[str, Any]:
        """Return a mail's address (`to`) and variables.

        :raises InvalidToken: if it was sealed with a secret that is gone.
        """
        return self._sealer.open(sealed)

    def finish(self, id_: UUID, *, status: str, at: datetime, error: str | None = None) -> None:
        """Close a mail as sent, suppressed or failed, and forget what it said."""
        values = {"status": status, "finished_at": at, "sealed": None, "last_error": error}
        self._transaction.execute(update(AccountMail).where(AccountMail.id == id_).values(**values))

    def postpone(self, id_: UUID, *, until: datetime, error: str) -> None:
        """Let a mail wait for its next attempt."""
        values = {"next_attempt_at": until, "claimed_until": None, "last_error": error}
        self._transaction.execute(update(AccountMail).where(AccountMail.id == id_).values(**values))

    def sweep(self, *, before: datetime) -> int:
        """Remove mails that were finished before an instant; return how many."""
        statement = delete(AccountMail).where(AccountMail.finished_at < before)
        return self._transaction.execute(statement).rowcount

    def waiting(self) -> int:
        """Return how many mails wait."""
        statement = select(func.count()).where(AccountMail.status == "queued")
        return int(self._transaction.execute(statement).scalar_one())
