"""Signing in and out: the use cases of an account.

A password is hashed with no transaction open: tens of milliseconds of hashing inside one would drain
the pool.
"""

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.auth.errors import (
    CodeRefused,
    InvalidCredentials,
    RefreshRefused,
    SecondFactorRequired,
    TokenReused,
)
from mbs.auth.models import IDLE, Origin, SignedIn, Turn, account_key, choose, turn
from mbs.auth.repository import SessionRepository, UserRepository, record_session, start_session
from mbs.events.repository import EventRepository
from mbs.foundation import keys, passwords
from mbs.foundation.challenges import LIFETIME_SECONDS, Challenge, ChallengeCodec, mark
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import RateLimited, Unauthenticated
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
from mbs.mail.repository import MailRepository
from mbs.second_factor.models import throttled_as
from mbs.second_factor.repository import SecondFactorRepository
from mbs.tenants.models import new_tenant, permissions_of
from mbs.tenants.repository import MembershipRepository, TenantRepository, open_business

log = logging.getLogger("mbs.auth")
security_log = logging.getLogger("mbs.security")

Welcome = Callable[[Transaction, Row[Any], datetime], None]
"""Greets a new person, in the transaction that makes them."""


class AuthService:
    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        throttle: Throttle,
        tokens: RefreshTokenCodec,
        challenges: ChallengeCodec,
        sealer: Sealer,
        welcome: Welcome,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._tokens = tokens
        self._challenges = challenges
        self._sealer = sealer
        self._welcome = welcome

    def register(
        self,
        *,
        email: str,
        password: str,
        first_name: str,
        last_name: str,
        business_name: str,
        origin: Origin,
        **business: Any,
    ) -> SignedIn:
        """Create a person, their business, and a session that is signed in to it.

        :raises Invalid: if the password is weak.
        :raises EmailAlreadyExists: if there is an account with this address.
        """
        passwords.check_strength(
            password, field="password", known=[email.partition("@")[0], business_name, first_name, last_name]
        )
        hashed, now = passwords.hash_password(password), self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).add(
                {
                    "id": uuid7(),
                    "email": email,
                    "email_key": keys.email_key(email),
                    "password_hash": hashed,
                    "first_name": first_name,
                    "last_name": last_name,
                    "last_login_at": now,
                }
            )
            self._welcome(transaction, user, now)
            tenant = TenantRepository(transaction).add(new_tenant(business_name=business_name, **business))
            session_id = start_session(
                transaction, user_id=user.id, tenant_id=tenant.id, origin=origin, at=now, method="password"
            )
            transaction.enter_tenant(TenantId(tenant.id), actor_id=user.id)
            open_business(transaction, tenant=tenant, owner_id=user.id)
            events = EventRepository(transaction)
            events.open_chain()
            created = {"object": dict(tenant._mapping), "previous": {}}
            events.append(
                type_="tenant.created", object_type="tenant", object_id=tenant.id, at=now, data=created
            )
        log.info("registered", extra={"event": "auth.registered", "registered_user": str(user.id)})
        return self._signed_in(user, tenant, "owner", None, session_id, origin)

    def log_in(self, *, email: str, password: str, tenant_id: UUID | None, origin: Origin) -> SignedIn:
        """Start a session for a person who knows their password.

        Known and unknown accounts cost the same and are answered alike.

        :raises InvalidCredentials: if there is no such person, or the password is wrong.
        :raises TenantSelectRequired: if the person belongs to several businesses and named none.
        :raises InvalidReference: if the person does not belong to the business named.
        :raises SecondFactorRequired: if the person has a second factor, which is to be shown next.
        :raises RateLimited: after too many attempts at the account.
        """
        key = keys.email_key(email)
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).find_by_email(key, address=origin.address)
            # Asked about nobody, too: how long it takes must not tell whether there is an account.
            person = user.id if user is not None else uuid7()
            memberships = MembershipRepository(transaction).open_to(person)
            factor = SecondFactorRepository(transaction, self._sealer).confirmed_at(person)
        account = account_key(user, key, origin.address)
        self._admit(account, key, user)
        if not passwords.verify(password, user.password_hash if user else None) or user is None:
            log.warning("login refused", extra={"event": "auth.login_refused"})
            raise InvalidCredentials
        if user.status != "active":
            log.warning("login of a disabled account", extra={"event": "auth.login_disabled"})
            raise InvalidCredentials
        self._throttle.succeeded(account)
        tenant = choose(memberships, tenant_id)
        if factor is not None:
            challenge = Challenge(user.id, tenant.id, "password", mark(user.password_hash))
            text = self._challenges.encode(challenge, at=self._clock.now())
            extra = {"challenge": text, "expiresIn": LIFETIME_SECONDS}
            raise SecondFactorRequired(challenge=None, extra=extra)
        rehashed = passwords.hash_password(password) if passwords.needs_rehash(user.password_hash) else None
        return self._sign_in(user, tenant, origin, method="password", rehashed=rehashed)

    def answer_challenge(self, *, challenge: str, code: str, origin: Origin) -> SignedIn:
        """Start a session for a person who has shown a first factor and now shows the second.

        :raises CodeRefused: if the challenge is forged or too old, or the code is wrong or was used before.
        :raises RateLimited: after too many attempts at the account.
        """
        now = self._clock.now()
        shown = self._challenges.decode(challenge, at=now)
        if shown is None:
            security_log.warning("challenge refused", extra={"event": "security.challenge_refused"})
            raise CodeRefused
        account = throttled_as(shown.user_id)
        self._throttle.admit(account)
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).find_for_challenge(shown.user_id)
            right = (
                user is not None
                and mark(user.password_hash) == shown.mark
                and SecondFactorRepository(transaction, self._sealer).accept(user.id, code, at=now)
            )
            memberships = MembershipRepository(transaction).open_to(shown.user_id)
        if not right or user is None:
            log.warning("second factor refused", extra={"event": "auth.second_factor_refused"})
            raise CodeRefused
        self._throttle.succeeded(account)
        tenant = choose(memberships, shown.tenant_id)
        return self._sign_in(user, tenant, origin, method=shown.method)

    def refresh(self, *, refresh_token: str) -> SignedIn:
        """Exchange a refresh token for its successor.

        :raises RefreshRefused: if it is forged, or its session has ended.
        :raises TokenReused: if it was used before; its session is then ended for good.
        """
        token, now = self._tokens.decode(refresh_token), self._clock.now()
        if token is None:
            security_log.warning("forged refresh token", extra={"event": "security.forged_refresh_token"})
            raise RefreshRefused
        with self._begin(Role.IDENTITY) as transaction:
            sessions = SessionRepository(transaction)
            session = sessions.lock(token.session_id)
            if session is None:
                raise RefreshRefused
            meaning = turn(presented=token.seq, current=session.seq, rotated_at=session.rotated_at, now=now)
            seq = session.seq
            if meaning is Turn.ROTATE:
                seq += 1
                idle_until = min(now + IDLE, session.absolute_until)
                sessions.rotate(session.id, seq=seq, at=now, idle_until=idle_until)
            elif meaning is Turn.REUSE:
                sessions.revoke(session.id, at=now, reason="reused")
                transaction.enter_tenant(TenantId(session.tenant_id))
                record_session(transaction, "session.revoked", session.id, now, {"reason": "reused"})
            else:
                assert meaning in (Turn.REPEAT, Turn.REFUSE)
            if meaning in (Turn.ROTATE, Turn.REPEAT):
                user = UserRepository(transaction).get(session.user_id)
                memberships = MembershipRepository(transaction).open_to(session.user_id)
        # Only now, because raising inside the block would roll the revocation back.
        if meaning is Turn.REFUSE:
            security_log.warning("forged refresh token", extra={"event": "security.forged_refresh_token"})
            raise RefreshRefused
        if meaning is Turn.REUSE:
            security_log.error("refresh token reused", extra={"event": "security.refresh_reused"})
            raise TokenReused
        tenant = choose(memberships, session.tenant_id)
        permissions = permissions_of(tenant.role, tenant.role_permissions)
        successor = self._tokens.encode(RefreshToken(session.id, seq))
        return SignedIn(user, tenant, tenant.role, permissions, session.id, successor)

    def switch(
        self, *, actor_id: UUID, session_id: UUID, tenant_id: UUID, seconds_since_proof: float, origin: Origin
    ) -> SignedIn:
        """Leave the present session and start one in another business of the caller.

        :param seconds_since_proof: how long ago the caller proved who they are; switching proves nothing.
        :raises InvalidReference: if the caller does not belong to that business.
        :raises Unauthenticated: if the present session has been ended meanwhile.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            left = transaction.tenant_id
            user = UserRepository(transaction).get(actor_id)
            tenant = choose(MembershipRepository(transaction).open_to(actor_id), tenant_id)
            if not SessionRepository(transaction).revoke(session_id, at=now, reason="switched"):
                # Ended since the request began: it must not go on as another one.
                raise Unauthenticated
            transaction.enter_tenant(left)
            record_session(transaction, "session.ended", session_id, now, {"reason": "switched"})
        proved_at = now - timedelta(seconds=seconds_since_proof)
        return self._sign_in(user, tenant, origin, method="switch", proved_at=proved_at)

    def _admit(self, account: str, email_key: str, user: Row[Any] | None) -> None:
        """Count an attempt; at the first of a day that is too many, warn whose account it is.

        A mail to nobody takes as long, so that the time tells nothing.

        :raises RateLimited: if there were too many.
        """
        try:
            self._throttle.admit(account)
        except RateLimited:
            if self._throttle.warns(email_key):
                to = user.email if user is not None and user.status == "active" else None
                with self._begin(Role.IDENTITY) as transaction:
                    MailRepository(transaction, self._sealer).enqueue("sign_in_blocked", to=to)
            raise

    def _sign_in(
        self,
        user: Row[Any],
        tenant: Row[Any],
        origin: Origin,
        *,
        method: str,
        proved_at: datetime | None = None,
        rehashed: str | None = None,
    ) -> SignedIn:
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            if not UserRepository(transaction).signed_in(user.id, at=now, rehashed=rehashed, seen=user):
                # It was changed after it was verified, which ended all sessions: this one comes too late.
                raise InvalidCredentials
            session_id = start_session(
                transaction,
                user_id=user.id,
                tenant_id=tenant.id,
                origin=origin,
                at=now,
                method=method,
                proved_at=proved_at,
            )
            transaction.enter_tenant(TenantId(tenant.id), actor_id=user.id)
            record_session(transaction, "session.started", session_id, now, {"userId": str(user.id)})
        log.info("logged in", extra={"event": "auth.logged_in", "logged_in_user": str(user.id)})
        return self._signed_in(user, tenant, tenant.role, tenant.role_permissions, session_id, origin)

    def _signed_in(
        self,
        user: Row[Any],
        tenant: Row[Any],
        role: str,
        custom: Sequence[str] | None,
        session_id: UUID,
        origin: Origin,
    ) -> SignedIn:
        refresh_token = self._tokens.first(session_id, kind=origin.kind)
        return SignedIn(user, tenant, role, permissions_of(role, custom), session_id, refresh_token)
