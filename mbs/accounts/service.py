"""What people do with their own account.

What a signed-in person does stands in the trail of the business they are signed in to. Who comes with a token
from a mail is signed in to none, so resetting, verifying and the end of a move stand in the log alone.
"""

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.accounts.errors import OneTimeTokenRefused, WrongPassword
from mbs.accounts.models import CHANGE_EMAIL, RESET_PASSWORD, VERIFY_EMAIL
from mbs.accounts.repository import CredentialRepository, OneTimeTokenRepository, send_verification
from mbs.auth.repository import SessionRepository, UserRepository
from mbs.events.repository import EventRepository
from mbs.foundation import keys, passwords
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Unauthenticated
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
from mbs.mail.repository import MailRepository
from mbs.second_factor.repository import SecondFactorRepository
from mbs.tenants.repository import MembershipRepository

log = logging.getLogger("mbs.auth")


class AccountService:
    def __init__(self, *, begin: Begin, clock: Clock, throttle: Throttle, sealer: Sealer) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._sealer = sealer

    def me(self, *, actor_id: UUID) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Return the caller and the businesses they belong to."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            return user, MembershipRepository(transaction).open_to(actor_id)

    def change_me(
        self, *, actor_id: UUID, version: int | None, **values: Any
    ) -> tuple[Row[Any], Sequence[Row[Any]]]:
        """Change the caller's own details.

        :raises PreconditionFailed: if they have moved on to another version.
        """
        with self._begin(Role.IDENTITY) as transaction:
            users = UserRepository(transaction)
            before = users.get(actor_id)
            user = users.change(actor_id, values, version=version)
            memberships = MembershipRepository(transaction).open_to(actor_id)
            transaction.enter_tenant(transaction.tenant_id)
            EventRepository(transaction).append(
                type_="user.updated",
                object_type="user",
                object_id=actor_id,
                at=self._clock.now(),
                data={"object": dict(values), "previous": {name: getattr(before, name) for name in values}},
            )
        return user, memberships

    def context(self, *, actor_id: UUID) -> tuple[Row[Any], Row[Any]]:
        """Return the caller and the business they are signed in to."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            businesses = MembershipRepository(transaction).open_to(actor_id)
            return user, next(one for one in businesses if one.id == transaction.tenant_id)

    def forget_password(self, *, email: str) -> None:
        """Send a link to choose a new password by, if there is such an account.

        Known and unknown accounts cost the same: the same statements, and a row of the queue for each. The
        mail goes to the address as it was registered, for several spellings have one key.
        """
        key = keys.email_key(email)
        if not self._throttle.spares(f"{RESET_PASSWORD} {key}"):
            return
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).find_by_email(key)
            known = user if user is not None and user.status == "active" else None
            token = OneTimeTokenRepository(transaction).issue(
                known.id if known else uuid7(), RESET_PASSWORD, at=self._clock.now()
            )
            self._mails(transaction).enqueue("reset_password", to=known.email if known else None, token=token)
        log.info("password forgotten", extra={"event": "auth.password_forgotten", "known": known is not None})

    def reset_password(self, *, token: str, password: str) -> None:
        """Set a new password by the link of a mail; all sessions end, and all other links are worthless.

        Where nobody had shown before that the mailbox is theirs, identities and second factor go, too.

        :raises OneTimeTokenRefused: if the token is wrong, spent, replaced or too old.
        :raises Invalid: if the password is weak; the token stays good.
        """
        with self._begin(Role.IDENTITY) as transaction:
            person = OneTimeTokenRepository(transaction).find(token, RESET_PASSWORD, at=self._clock.now())
            known = _known_of(transaction, person) if person else []
        if person is None:
            raise self._refused(RESET_PASSWORD)
        passwords.check_strength(password, field="password", known=known)
        hashed, now = passwords.hash_password(password), self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tokens = OneTimeTokenRepository(transaction)
            if tokens.redeem(token, RESET_PASSWORD, at=now) is None:
                raise self._refused(RESET_PASSWORD)
            tokens.revoke_all(person.id)
            # Before the sessions end: a login in flight waits for this row, and then finds another password.
            credentials = CredentialRepository(transaction)
            credentials.reset_password(person.id, hashed, at=now)
            SessionRepository(transaction).revoke_all(person.id, at=now, reason="password_reset")
            # Once more: a session may have asked for one before it ended.
            tokens.revoke_all(person.id)
            if person.email_verified_at is None:
                # Whoever registered a stranger's address keeps no other way in, nor keeps the stranger out.
                credentials.unlink_identities(person.id)
                SecondFactorRepository(transaction, self._sealer).remove(person.id)
            self._mails(transaction).enqueue("password_changed", to=person.email)
        # Whoever was kept out by a stranger's guesses gets in by the new password at once.
        self._throttle.succeeded(keys.email_key(person.email))
        log.warning("password reset", extra={"event": "auth.password_reset", "person": str(person.id)})

    def change_password(
        self, *, actor_id: UUID, session_id: UUID, current_password: str, new_password: str
    ) -> None:
        """Change the caller's password; their other sessions end, and links from mails are worthless.

        Who has no password, because they sign in elsewhere, gets one by `forget_password`.

        :raises WrongPassword: if the present password is wrong, or there is none.
        :raises Invalid: if the new one is weak.
        :raises RateLimited: after too many attempts.
        """
        with self._begin(Role.IDENTITY) as transaction:
            person = UserRepository(transaction).find_for_challenge(actor_id)
            known = _known_of(transaction, person) if person else []
        if person is None:
            raise Unauthenticated
        passwords.check_strength(new_password, field="newPassword", known=known)
        account = f"change password {actor_id}"
        self._throttle.admit(account)
        if not passwords.verify(current_password, person.password_hash):
            log.warning("password change refused", extra={"event": "auth.password_change_refused"})
            raise WrongPassword
        hashed, now = passwords.hash_password(new_password), self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tokens = OneTimeTokenRepository(transaction)
            tokens.revoke_all(actor_id)
            credentials = CredentialRepository(transaction)
            if not credentials.change_password(actor_id, hashed, seen=person.password_hash, at=now):
                raise WrongPassword
            SessionRepository(transaction).revoke_all(
                actor_id, at=now, reason="password_changed", keep=session_id
            )
            # Once more: a session may have asked for one before it ended.
            tokens.revoke_all(actor_id)
            self._mails(transaction).enqueue("password_changed", to=person.email)
            self._record(transaction, "user.password_changed", actor_id)
        self._throttle.succeeded(account)
        log.warning("password changed", extra={"event": "auth.password_changed"})

    def send_verification(self, *, actor_id: UUID) -> None:
        """Send the caller the link by which they show that the mailbox is theirs, unless they have."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
        if user.email_verified_at is not None:
            return
        if self._throttle.spares(f"{VERIFY_EMAIL} {keys.email_key(user.email)}"):
            with self._begin(Role.IDENTITY) as transaction:
                send_verification(transaction, user, self._clock.now(), sealer=self._sealer)

    def verify_email(self, *, token: str) -> None:
        """Note by the link of a mail that the mailbox is the person's.

        :raises OneTimeTokenRefused: if the token is wrong, spent, replaced or too old.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            found = OneTimeTokenRepository(transaction).redeem(token, VERIFY_EMAIL, at=now)
            credentials = CredentialRepository(transaction)
            if found is None or not credentials.verify_email(found.id, found.token_email, at=now):
                raise self._refused(VERIFY_EMAIL)
        log.info("e-mail verified", extra={"event": "auth.email_verified", "person": str(found.id)})

    def ask_to_change_email(self, *, actor_id: UUID, email: str) -> None:
        """Send a link to the new address, and word of it to the old one.

        Whether the new one is taken is not said before its owner has answered.

        :raises Unauthenticated: if the session was ended since the request began.
        """
        if not self._throttle.spares(f"{CHANGE_EMAIL} {keys.email_key(email)}"):
            return
        with self._begin(Role.IDENTITY) as transaction:
            SessionRepository(transaction).hold(transaction.scope.session_id)
            user = UserRepository(transaction).get(actor_id)
            token = OneTimeTokenRepository(transaction).issue(
                actor_id, CHANGE_EMAIL, at=self._clock.now(), email=email
            )
            self._mails(transaction).enqueue("change_email_confirm", to=email, token=token)
            self._mails(transaction).enqueue("change_email_notice", to=user.email)
            self._record(transaction, "user.email_change_requested", actor_id)
        log.warning("e-mail change requested", extra={"event": "auth.email_change_requested"})

    def change_email(self, *, token: str) -> None:
        """Move an account to the address that a link was sent to; all other links are worthless.

        :raises OneTimeTokenRefused: if the token is wrong, spent, replaced or too old.
        :raises EmailAlreadyExists: if another account has that address by now.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tokens = OneTimeTokenRepository(transaction)
            found = tokens.redeem(token, CHANGE_EMAIL, at=now)
            if found is None:
                raise self._refused(CHANGE_EMAIL)
            CredentialRepository(transaction).change_email(found.id, found.token_email, at=now)
            tokens.revoke_all(found.id)
            self._mails(transaction).enqueue("email_changed", to=found.email)
        log.warning("e-mail changed", extra={"event": "auth.email_changed", "person": str(found.id)})

    def _mails(self, transaction: Transaction) -> MailRepository:
        return MailRepository(transaction, self._sealer)

    def _record(self, transaction: Transaction, type_: str, person_id: UUID) -> None:
        transaction.enter_tenant(transaction.tenant_id)
        EventRepository(transaction).append(
            type_=type_,
            object_type="user",
            object_id=person_id,
            at=self._clock.now(),
            data={"object": {}, "previous": {}},
        )

    def _refused(self, purpose: str) -> OneTimeTokenRefused:
        log.warning("token refused", extra={"event": "auth.one_time_token_refused", "purpose": purpose})
        return OneTimeTokenRefused()


def _known_of(transaction: Transaction, person: Row[Any]) -> list[str]:
    """Return words that an attacker knows of a person, of which no password is made."""
    businesses = MembershipRepository(transaction).open_to(person.id)
    own = [person.email.partition("@")[0], person.first_name, person.last_name]
    return [*own, *(business.name for business in businesses)]
