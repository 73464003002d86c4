"""Signing in and out: the use cases of an account.

A password is hashed with no transaction open: tens of milliseconds of hashing inside one would drain
the pool.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.auth.errors import InvalidCredentials, RefreshRefused, TenantSelectRequired, TokenReused
from mbs.auth.models import ABSOLUTE, IDLE, SignedIn, Turn, turn
from mbs.auth.repository import SessionRepository, UserRepository
from mbs.events.repository import EventRepository
from mbs.foundation import keys, passwords
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import FieldFault, InvalidReference
from mbs.foundation.refresh_tokens import RefreshToken, RefreshTokenCodec
from mbs.foundation.scope import TenantId
from mbs.foundation.throttle import Throttle
from mbs.tenants.errors import NoMembership
from mbs.tenants.models import new_tenant
from mbs.tenants.repository import MembershipRepository, TenantRepository, open_business

log = logging.getLogger("mbs.auth")
security_log = logging.getLogger("mbs.security")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request came from, as far as a session remembers it."""

    address: str | None
    user_agent: str | None


class AuthService:
    def __init__(self, *, begin: Begin, clock: Clock, throttle: Throttle, tokens: RefreshTokenCodec) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._tokens = tokens

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
            tenant = TenantRepository(transaction).add(new_tenant(business_name=business_name, **business))
            session_id, refresh_token = self._start(transaction, user.id, tenant.id, origin, now)
            transaction.enter_tenant(TenantId(tenant.id), actor_id=user.id)
            open_business(transaction, tenant=tenant, owner_id=user.id)
            events = EventRepository(transaction)
            events.open_chain()
            events.append(
                type_="tenant.created",
                object_type="tenant",
                object_id=tenant.id,
                at=now,
                data={"object": dict(tenant._mapping), "previous": {}},
            )
        log.info("registered", extra={"event": "auth.registered", "registered_user": str(user.id)})
        return SignedIn(user, tenant, "owner", session_id, refresh_token)

    def log_in(self, *, email: str, password: str, tenant_id: UUID | None, origin: Origin) -> SignedIn:
        """Start a session for a person who knows their password.

        Known and unknown accounts cost the same and are answered alike.

        :raises InvalidCredentials: if there is no such person, or the password is wrong.
        :raises TenantSelectRequired: if the person belongs to several businesses and named none.
        :raises InvalidReference: if the person does not belong to the business named.
        :raises RateLimited: after too many attempts at the account.
        """
        key = keys.email_key(email)
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).find_by_email(key, address=origin.address)
            memberships = MembershipRepository(transaction).open_to(user.id) if user else []
        # Where somebody has signed in before, strangers' guesses elsewhere do not count against them.
        account = f"{key} {origin.address}" if user is not None and user.was_here else key
        self._throttle.admit(account)
        if not passwords.verify(password, user.password_hash if user else None) or user is None:
            log.warning("login refused", extra={"event": "auth.login_refused"})
            raise InvalidCredentials
        if user.status != "active":
            log.warning("login of a disabled account", extra={"event": "auth.login_disabled"})
            raise InvalidCredentials
        self._throttle.succeeded(account)
        tenant = _choose(memberships, tenant_id)
        rehashed = passwords.hash_password(password) if passwords.needs_rehash(user.password_hash) else None
        signed_in = self._sign_in(user, tenant, origin, rehashed=rehashed)
        log.info("logged in", extra={"event": "auth.logged_in", "logged_in_user": str(user.id)})
        return signed_in

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
                _record_session(transaction, "session.revoked", session.id, now, {"reason": "reused"})
            else:
                assert meaning in (Turn.REPEAT, Turn.REFUSE)
            if meaning in (Turn.ROTATE, Turn.REPEAT):
                user = UserRepository(transaction).get(session.user_id)
                memberships = MembershipRepository(transaction).open_to(session.user_id)
        # Only now, because raising inside the block would roll the revocation back.
        if meaning is Turn.REFUSE:
            security_log.warning(
                "refresh token from the future", extra={"event": "security.forged_refresh_token"}
            )
            raise RefreshRefused
        if meaning is Turn.REUSE:
            security_log.error("refresh token reused", extra={"event": "security.refresh_reused"})
            raise TokenReused
        tenant = _choose(memberships, session.tenant_id)
        successor = self._tokens.encode(RefreshToken(session.id, seq))
        return SignedIn(user, tenant, tenant.role, session.id, successor)

    def log_out(self, *, session_id: UUID) -> None:
        """End the caller's session: both of its tokens are dead on every server with the next request."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            if SessionRepository(transaction).revoke(session_id, at=now, reason="logged_out"):
                transaction.enter_tenant(tenant_id)
                _record_session(transaction, "session.ended", session_id, now, {"reason": "logged_out"})
        log.info("logged out", extra={"event": "auth.logged_out"})

    def log_out_everywhere(self, *, actor_id: UUID, session_id: UUID) -> None:
        """End all sessions of the caller, in all businesses."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            SessionRepository(transaction).revoke_all(actor_id, at=now, reason="logged_out_everywhere")
            transaction.enter_tenant(tenant_id)
            # How many sessions ended is not said: some were in businesses that are none of this trail's.
            _record_session(
                transaction, "session.ended", session_id, now, {"reason": "logged_out_everywhere"}
            )
        log.info("logged out everywhere", extra={"event": "auth.logged_out_everywhere"})

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

    def switch(self, *, actor_id: UUID, session_id: UUID, tenant_id: UUID, origin: Origin) -> SignedIn:
        """Leave the present session and start one in another business of the caller.

        :raises InvalidReference: if the caller does not belong to that business.
        """
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            tenant = _choose(MembershipRepository(transaction).open_to(actor_id), tenant_id)
            SessionRepository(transaction).revoke(session_id, at=self._clock.now(), reason="switched")
        return self._sign_in(user, tenant, origin)

    def context(self, *, actor_id: UUID) -> tuple[Row[Any], Row[Any]]:
        """Return the caller and the business they are signed in to."""
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).get(actor_id)
            return user, TenantRepository(transaction).own()

    def _sign_in(
        self, user: Row[Any], tenant: Row[Any], origin: Origin, *, rehashed: str | None = None
    ) -> SignedIn:
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            UserRepository(transaction).signed_in(user.id, at=now, rehashed=rehashed)
            session_id, refresh_token = self._start(transaction, user.id, tenant.id, origin, now)
            transaction.enter_tenant(TenantId(tenant.id), actor_id=user.id)
            _record_session(transaction, "session.started", session_id, now, {"userId": str(user.id)})
        return SignedIn(user, tenant, tenant.role, session_id, refresh_token)

    def _start(
        self, transaction: Transaction, user_id: UUID, tenant_id: UUID, origin: Origin, now: datetime
    ) -> tuple[UUID, str]:
        session_id = uuid7()
        SessionRepository(transaction).add(
            {
                "id": session_id,
                "user_id": user_id,
                "tenant_id": tenant_id,
                "idle_until": now + IDLE,
                "absolute_until": now + ABSOLUTE,
                "address": origin.address,
                "user_agent": origin.user_agent,
            }
        )
        return session_id, self._tokens.encode(RefreshToken(session_id, 0))


def _choose(memberships: Sequence[Row[Any]], tenant_id: UUID | None) -> Row[Any]:
    if not memberships:
        raise NoMembership
    if tenant_id is None:
        if len(memberships) > 1:
            listed = [
                {"id": row.id, "name": row.name, "slug": row.slug, "businessType": row.business_type}
                for row in memberships
            ]
            raise TenantSelectRequired(extra={"tenants": listed})
        return memberships[0]
    for row in memberships:
        if row.id == tenant_id:
            return row
    raise InvalidReference(errors=[FieldFault("tenantId", "invalid_reference", "There is no such business.")])


def _record_session(
    transaction: Transaction, type_: str, session_id: UUID, at: datetime, data: dict[str, Any]
) -> None:
    EventRepository(transaction).append(
        type_=type_,
        object_type="session",
        object_id=session_id,
        at=at,
        data={"object": data, "previous": {}},
    )
