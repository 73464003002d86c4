"""Second factors, under the identity role."""

import logging
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from mbs.foundation.db import Transaction
from mbs.foundation.sealing import InvalidToken, Sealer
from mbs.second_factor.models import (
    RecoveryCode,
    SecondFactor,
    accepted_step,
    is_from_app,
    recovery_digest,
)

log = logging.getLogger("mbs.security")


class SecondFactorRepository:
    """The second factors of people; `sealer` opens their secrets."""

    def __init__(self, transaction: Transaction, sealer: Sealer) -> None:
        self._transaction = transaction
        self._sealer = sealer

    def confirmed_at(self, user_id: UUID) -> datetime | None:
        """Return since when a person has a second factor, or None."""
        statement = select(SecondFactor.confirmed_at).where(SecondFactor.user_id == user_id)
        return self._transaction.execute(statement).scalar_one_or_none()

    def recovery_codes_left(self, user_id: UUID) -> int:
        """Return how many recovery codes a person has not used."""
        unused = (RecoveryCode.user_id == user_id, RecoveryCode.used_at.is_(None))
        statement = select(func.count()).where(*unused)
        return int(self._transaction.execute(statement).scalar_one())

    def propose(self, user_id: UUID, secret: str) -> bool:
        """Keep a secret that waits for its first code; tell whether there is none confirmed already."""
        values = {"sealed": self._sealer.seal({"secret": secret}), "last_step": 0, "created_at": func.now()}
        statement = (
            upsert(SecondFactor)
            .values(user_id=user_id, **values)
            .on_conflict_do_update(
                index_elements=[SecondFactor.user_id],
                set_=values,
                where=SecondFactor.confirmed_at.is_(None),
            )
        )
        return self._transaction.execute(statement).rowcount == 1

    def confirm(self, user_id: UUID, code: str, *, at: datetime) -> bool:
        """Confirm a proposed secret by its first code; tell whether the code was right."""
        if not self._accept_step(user_id, code, at=at, confirmed=False):
            return False
        statement = update(SecondFactor).where(SecondFactor.user_id == user_id).values(confirmed_at=at)
        self._transaction.execute(statement)
        return True

    def accept(self, user_id: UUID, code: str, *, at: datetime) -> bool:
        """Tell whether a code is right, and use it up; a recovery code stands in for one of the app's."""
        if is_from_app(code):
            return self._accept_step(user_id, code, at=at, confirmed=True)
        statement = (
            update(RecoveryCode)
            .where(
                RecoveryCode.user_id == user_id,
                RecoveryCode.digest == recovery_digest(user_id, code),
                RecoveryCode.used_at.is_(None),
            )
            .values(used_at=at)
        )
        return self._transaction.execute(statement).rowcount == 1

    def replace_recovery_codes(self, user_id: UUID, codes: Iterable[str]) -> bool:
        """Keep the digests of these recovery codes instead of the former; tell whether there is a factor."""
        # Locked, so that none are left of a factor that is being taken away.
        statement = select(SecondFactor.user_id).where(
            SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None)
        )
        if self._transaction.execute(statement.with_for_update()).one_or_none() is None:
            return False
        self._transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        rows = [{"user_id": user_id, "digest": recovery_digest(user_id, code)} for code in codes]
        self._transaction.execute(insert(RecoveryCode), rows)
        return True

    def remove(self, user_id: UUID) -> bool:
        """Take a person's second factor away, recovery codes and all; tell whether there was one."""
        result = self._transaction.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))
        self._transaction.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))
        return result.rowcount == 1

    def _accept_step(self, user_id: UUID, code: str, *, at: datetime, confirmed: bool) -> bool:
        # Locked, so that of two requests with one code the second finds it used.
        statement = (
            select(SecondFactor.sealed, SecondFactor.last_step)
            .where(SecondFactor.user_id == user_id, SecondFactor.confirmed_at.is_not(None) == confirmed)
            .with_for_update()
        )
        row = self._transaction.execute(statement).one_or_none()
        if row is None:
            return False
        try:
            secret = self._sealer.open(row.sealed)["secret"]
        except InvalidToken:
            # Sealed with a secret that is gone. Recovery codes still let the person in.
            log.error("second factor cannot be opened", extra={"event": "security.second_factor_unreadable"})
            return False
        step = accepted_step(secret, code, at=at, last_step=row.last_step)
        if step is None:
            return False
        # Sealed anew, so that a retired encryption secret is soon needed by nobody.
        values = {"last_step": step, "sealed": self._sealer.seal({"secret": secret})}
        self._transaction.execute(update(SecondFactor).where(SecondFactor.user_id == user_id).values(values))
        return True
