"""Seeing and ending sessions, one's own and a member's; and proving again who one is."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.auth.repository import SessionRepository, UserRepository, record_session
from mbs.events.repository import EventRepository
from mbs.foundation import passwords
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role
from mbs.foundation.errors import FieldFault, Forbidden, Invalid, NotFound, Unauthenticated
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import Sealer
from mbs.foundation.throttle import Throttle
from mbs.second_factor.models import throttled_as
from mbs.second_factor.repository import SecondFactorRepository
from mbs.sign_ins.errors import NothingToProveWith, ProofRefused
from mbs.sign_ins.repository import SignInRepository
from mbs.tenants.repository import MembershipRepository

log = logging.getLogger("mbs.auth")


class SignInService:
    def __init__(self, *, begin: Begin, clock: Clock, throttle: Throttle, sealer: Sealer) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._sealer = sealer

    def log_out(self, *, session_id: UUID) -> None:
        """End the caller's session: both of its tokens are dead on every server with the next request."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            if SessionRepository(transaction).revoke(session_id, at=now, reason="logged_out"):
                transaction.enter_tenant(tenant_id)
                record_session(transaction, "session.ended", session_id, now, {"reason": "logged_out"})
        log.info("logged out", extra={"event": "auth.logged_out"})

    def log_out_everywhere(self, *, actor_id: UUID, session_id: UUID) -> None:
        """End all sessions of the caller, in all businesses."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            tenant_id = transaction.tenant_id
            SessionRepository(transaction).revoke_all(actor_id, at=now, reason="logged_out_everywhere")
            transaction.enter_tenant(tenant_id)
            # How many sessions ended is not said: some were in businesses that are none of this trail's.
            record_session(transaction, "session.ended", session_id, now, {"reason": "logged_out_everywhere"})
        log.info("logged out everywhere", extra={"event": "auth.logged_out_everywhere"})

    def sessions(self, *, actor_id: UUID) -> Sequence[Row[Any]]:
        """Return the caller's sessions in all businesses, up to a hundred, the one used last first."""
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            return SignInRepository(transaction).own(actor_id)

    def end(self, *, actor_id: UUID, session_id: UUID) -> None:
        """End one session of the caller, in whatever business.

        :raises NotFound: if the caller has no such session; another's looks the same.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            ended = SignInRepository(transaction).end_own(
                session_id, actor_id, at=now, reason="ended_by_user"
            )
            if ended is None:
                raise NotFound
            transaction.enter_tenant(TenantId(ended))
            record_session(transaction, "session.ended", session_id, now, {"reason": "ended_by_user"})
        log.info("session ended", extra={"event": "auth.session_ended"})

    def end_others(self, *, actor_id: UUID, session_id: UUID) -> None:
        """End all sessions of the caller but this one, in all businesses."""
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            SignInRepository(transaction).end_others(
                actor_id, keep=session_id, at=now, reason="ended_by_user"
            )
            transaction.enter_tenant(transaction.tenant_id)
            record_session(transaction, "session.others_ended", session_id, now, {})
        log.info("other sessions ended", extra={"event": "auth.other_sessions_ended"})

    def sessions_of(self, *, member_id: UUID, over_owners: bool) -> Sequence[Row[Any]]:
        """Return a member's sessions in the caller's business.

        :param over_owners: whether the caller may act on owners.
        :raises NotFound: if the business has no such member.
        :raises Forbidden: if the member is an owner, and the caller may not act on owners.
        """
        member = self._member(member_id, over_owners=over_owners)
        with self._begin(Role.IDENTITY, read_only=True) as transaction:
            return SignInRepository(transaction).of_member(member.user_id)

    def end_of(self, *, member_id: UUID, session_id: UUID | None, over_owners: bool) -> None:
        """End one or all of a member's sessions in the caller's business; those elsewhere stay.

        :param session_id: None ends all.
        :param over_owners: whether the caller may act on owners.
        :raises NotFound: if the business has no such member, or the member no such session in it.
        :raises Forbidden: if the member is an owner, and the caller may not act on owners.
        """
        now = self._clock.now()
        member = self._member(member_id, over_owners=over_owners)
        with self._begin(Role.IDENTITY) as transaction:
            ended = SignInRepository(transaction).end_of_member(
                member.user_id, id_=session_id, at=now, reason="ended_by_administrator"
            )
            if session_id is not None and not ended:
                raise NotFound
            transaction.enter_tenant(transaction.tenant_id)
            EventRepository(transaction).append(
                type_="member.sessions_ended",
                object_type="member",
                object_id=member_id,
                at=now,
                data={
                    "object": {"userId": str(member.user_id), "sessionId": session_id, "ended": ended},
                    "previous": {},
                },
            )
        log.info("member's sessions ended", extra={"event": "auth.member_sessions_ended"})

    def step_up(
        self, *, actor_id: UUID, session_id: UUID, new_id: bool, password: str | None, code: str | None
    ) -> tuple[UUID, datetime]:
        """Prove again who the caller is: by a code where they have a second factor, else by password.

        :param new_id: whether the session gets another id (OWASP ASVS 7.2.4): then its old cookie is dead.
        :return: the session's id from now on, and the time of the proof.
        :raises ProofRefused: if password or code is wrong.
        :raises NothingToProveWith: if the caller has neither password nor second factor.
        :raises Invalid: if the caller has sent the one and needs the other.
        :raises RateLimited: after too many attempts.
        """
        with self._begin(Role.IDENTITY) as transaction:
            user = UserRepository(transaction).find_for_challenge(actor_id)
            factor = SecondFactorRepository(transaction, self._sealer).confirmed_at(actor_id)
        if user is None:
            raise Unauthenticated
        if factor is None and user.password_hash is None:
            raise NothingToProveWith
        wanted, given = ("password", password) if factor is None else ("code", code)
        if given is None:
            raise Invalid(errors=[FieldFault(wanted, "required", f"Your account is proved by its {wanted}.")])
        account = f"step up {actor_id}" if factor is None else throttled_as(actor_id)
        self._throttle.admit(account)
        if factor is None and not passwords.verify(given, user.password_hash):
            raise self._refused()
        now, id_ = self._clock.now(), uuid7() if new_id else session_id
        with self._begin(Role.IDENTITY) as transaction:
            factors = SecondFactorRepository(transaction, self._sealer)
            if factor is not None and not factors.accept(actor_id, given, at=now):
                raise self._refused()
            if not SignInRepository(transaction).prove(session_id, at=now, new_id=id_):
                raise Unauthenticated
            transaction.enter_tenant(transaction.tenant_id)
            record_session(transaction, "session.reauthenticated", id_, now, {"method": wanted})
        self._throttle.succeeded(account)
        log.info("stepped up", extra={"event": "auth.stepped_up"})
        return id_, now

    def _member(self, member_id: UUID, *, over_owners: bool) -> Row[Any]:
        # Under the tenant role, because the identity role sees the members of every business.
        with self._begin(read_only=True) as transaction:
            member = MembershipRepository(transaction).get(member_id)
        if member.role == "owner" and not over_owners:
            raise Forbidden("Your role lacks the permission team:owners.")
        return member

    def _refused(self) -> ProofRefused:
        log.warning("step-up refused", extra={"event": "auth.step_up_refused"})
        return ProofRefused()
