"""Setting up a second factor, renewing its recovery codes, and doing without it again."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import pyotp

from mbs.events.repository import EventRepository
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import FieldFault, Invalid
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
from mbs.mail.repository import MailRepository
from mbs.second_factor.errors import (
    SecondFactorDemanded,
    SecondFactorEnabled,
    SecondFactorNotEnabled,
    WrongCode,
)
from mbs.second_factor.models import new_recovery_codes, throttled_as
from mbs.second_factor.repository import SecondFactorRepository

log = logging.getLogger("mbs.auth")

ISSUER = "MyBizStream"

EmailOf = Callable[[Transaction, UUID], str]
"""Reads a person's e-mail address; people are kept by a room above this one."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A secret to be typed or scanned into an authenticator app; `uri` is what its QR code says."""

    secret: str
    uri: str


class SecondFactorService:
    def __init__(
        self, *, begin: Begin, clock: Clock, throttle: Throttle, sealer: Sealer, email_of: EmailOf
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._sealer = sealer
        self._email_of = email_of

    def state(self, *, actor_id: UUID) -> tuple[datetime | None, int]:
        """Return since when the caller has a second factor, or None, and how many recovery codes are left."""
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            factors = SecondFactorRepository(transaction, self._sealer)
            return factors.confirmed_at(actor_id), factors.recovery_codes_left(actor_id)

    def propose(self, *, actor_id: UUID) -> Proposal:
        """Make a secret, which counts once a first code of it has been shown; the last one made is the one.

        :raises SecondFactorEnabled: if the caller has a second factor.
        """
        secret = pyotp.random_base32()
        with self._begin(Role.IDENTITY) as transaction:
            if not SecondFactorRepository(transaction, self._sealer).propose(actor_id, secret):
                raise SecondFactorEnabled
            email = self._email_of(transaction, actor_id)
        return Proposal(secret, pyotp.TOTP(secret).provisioning_uri(name=email, issuer_name=ISSUER))

    def confirm(self, *, actor_id: UUID, code: str) -> Sequence[str]:
        """Let the proposed secret count from now on; return the recovery codes, which nobody can read again.

        :raises SecondFactorEnabled: if the caller has a second factor already.
        :raises Invalid: if the code is not one of the proposed secret.
        :raises RateLimited: after too many attempts.
        """
        now, codes = self._clock.now(), new_recovery_codes()
        self._throttle.admit(throttled_as(actor_id))
        with self._begin(Role.IDENTITY) as transaction:
            factors = SecondFactorRepository(transaction, self._sealer)
            if not factors.confirm(actor_id, code, at=now):
                if factors.confirmed_at(actor_id) is not None:
                    raise SecondFactorEnabled
                sentence = "Is not the present code of the secret that you were given last."
                raise Invalid(errors=[FieldFault("code", "invalid", sentence)])
            factors.replace_recovery_codes(actor_id, codes)
            self._record(transaction, "user.second_factor_enabled", actor_id, now)
        self._throttle.succeeded(throttled_as(actor_id))
        log.info("second factor enabled", extra={"event": "auth.second_factor_enabled"})
        return codes

    def renew_recovery_codes(self, *, actor_id: UUID) -> Sequence[str]:
        """Make new recovery codes; the former, used or not, are worth nothing from now on.

        :raises SecondFactorNotEnabled: if the caller has no second factor.
        """
        codes = new_recovery_codes()
        with self._begin(Role.IDENTITY) as transaction:
            if not SecondFactorRepository(transaction, self._sealer).replace_recovery_codes(actor_id, codes):
                raise SecondFactorNotEnabled
            now = self._clock.now()
            self._record(transaction, "user.recovery_codes_renewed", actor_id, now)
        log.info("recovery codes renewed", extra={"event": "auth.recovery_codes_renewed"})
        return codes

    def disable(self, *, actor_id: UUID, code: str, demanded: bool) -> None:
        """Take the caller's second factor away.

        :param demanded: whether the caller's present business demands one of them.
        :raises SecondFactorDemanded: if it does.
        :raises SecondFactorNotEnabled: if the caller has none.
        :raises WrongCode: if the code is wrong or was used before.
        :raises RateLimited: after too many attempts.
        """
        if demanded:
            raise SecondFactorDemanded
        now = self._clock.now()
        self._throttle.admit(throttled_as(actor_id))
        with self._begin(Role.IDENTITY) as transaction:
            factors = SecondFactorRepository(transaction, self._sealer)
            if not factors.accept(actor_id, code, at=now):
                if factors.confirmed_at(actor_id) is None:
                    raise SecondFactorNotEnabled
                log.warning("second factor refused", extra={"event": "auth.second_factor_refused"})
                raise WrongCode
            factors.remove(actor_id)
            self._record(transaction, "user.second_factor_disabled", actor_id, now)
        self._throttle.succeeded(throttled_as(actor_id))
        log.info("second factor disabled", extra={"event": "auth.second_factor_disabled"})

    def _record(self, transaction: Transaction, type_: str, actor_id: UUID, at: datetime) -> None:
        email = self._email_of(transaction, actor_id)
        MailRepository(transaction, self._sealer).enqueue("second_factor_changed", to=email)
        transaction.enter_tenant(transaction.tenant_id)
        EventRepository(transaction).append(
            type_=type_,
            object_type="user",
            object_id=actor_id,
            at=at,
            data={"object": {}, "previous": {}},
        )
