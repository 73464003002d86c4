"""Inviting people, and joining a business by an invitation."""

import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from uuid_utils.compat import uuid7

from mbs.auth.errors import EmailAlreadyExists, InvalidCredentials, SecondFactorRequired
from mbs.auth.models import Origin, SignedIn, account_key
from mbs.auth.repository import UserRepository, start_session
from mbs.foundation import keys, passwords
from mbs.foundation.challenges import LIFETIME_SECONDS, Challenge, ChallengeCodec, mark
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.errors import Conflict, FieldFault, Forbidden, Invalid
from mbs.foundation.pages import Page, PageRequest
from mbs.foundation.refresh_tokens import RefreshTokenCodec
from mbs.foundation.scope import actor_of
from mbs.foundation.sealing import Sealer, digest
from mbs.foundation.throttle import Throttle
from mbs.invitations.models import LIFETIME, new_token, standing
from mbs.invitations.repository import (
    ColleagueRepository,
    InvitationRepository,
    TokenRepository,
    claim,
    join_business,
    record_invitation,
)
from mbs.mail.repository import MailRepository
from mbs.second_factor.repository import SecondFactorRepository
from mbs.tenants.errors import AlreadyMember, BeyondOwnRole
from mbs.tenants.models import covers
from mbs.tenants.repository import GivenRole, TenantRepository, find_role

log = logging.getLogger("mbs.auth")


class InvitationService:
    """What a business does with its invitations."""

    def __init__(self, *, begin: Begin, clock: Clock, sealer: Sealer) -> None:
        self._begin = begin
        self._clock = clock
        self._sealer = sealer

    def invite(self, *, email: str, role: str | None = None, role_id: UUID | None = None) -> Row[Any]:
        """Invite an address, in place of an invitation that it has not answered yet.

        Nothing here depends on whether there is an account with that address.

        :raises InvalidReference: if the business has no such role.
        :raises BeyondOwnRole: if the role may do what the caller may not.
        :raises AlreadyMember: if somebody with this address belongs to the business.
        :raises RateLimited: if the address was invited three times within an hour.
        :raises TooManyInvitations: if the business has sent too many.
        """
        key, now, token = keys.email_key(email), self._clock.now(), new_token()
        with self._begin() as transaction:
            # One invitation of a business at a time: limits are exact, and no two replace each other.
            business = TenantRepository(transaction).own(lock=True)
            wanted = find_role(transaction, role=role, role_id=role_id)
            if not covers(transaction.scope.permissions, wanted.permissions):
                raise BeyondOwnRole
            people = ColleagueRepository(transaction).people()
            actor_id = actor_of(transaction.scope)
            inviter = next((one for one in people if one.id == actor_id), None)
            if inviter is None:
                # Removed since the request began.
                raise Forbidden
            if any(keys.email_key(person.email) == key for person in people):
                raise AlreadyMember
            invitations = InvitationRepository(transaction)
            invitations.refuse_flood(key, now=now)
            replaced = invitations.revoke_unanswered(key, at=now)
            values = {"role": wanted.role, "role_id": wanted.role_id, "digest": digest(token)}
            id_ = uuid7()
            invitations.add(
                {"id": id_, "email": email, "email_key": key, "expires_at": now + LIFETIME, **values}
            )
            invitation = invitations.get(id_)
            MailRepository(transaction, self._sealer).enqueue(
                "invitation",
                to=email,
                token=token,
                business=business.name,
                inviter=f"{inviter.first_name} {inviter.last_name}",
            )
            for old in replaced:
                record_invitation(
                    transaction, "invitation.revoked", old, now, {"id": old, "replaced_by": id_}
                )
            details = {"id": id_, "email": email, "role": wanted.role, "role_id": wanted.role_id}
            record_invitation(transaction, "invitation.created", id_, now, details)
        return invitation

    def search(self, *, request: PageRequest, **filters: Any) -> Page:
        """Return one page of invitations."""
        with self._begin(read_only=True) as transaction:
            return InvitationRepository(transaction).search(request, now=self._clock.now(), **filters)

    def read(self, *, id_: UUID) -> Row[Any]:
        """Return an invitation.

        :raises NotFound: if there is none.
        """
        with self._begin(read_only=True) as transaction:
            return InvitationRepository(transaction).get(id_)

    def revoke(self, *, id_: UUID) -> None:
        """Make an invitation worthless; revoking a revoked one changes nothing.

        :raises NotFound: if there is none.
        :raises Conflict: if it was accepted.
        """
        now = self._clock.now()
        with self._begin() as transaction:
            invitations = InvitationRepository(transaction)
            invitation = invitations.lock(id_)
            if invitation.accepted_at is not None:
                raise Conflict("This invitation was accepted; remove the member instead.")
            if invitation.revoked_at is None:
                invitations.change(id_, {"revoked_at": now}, version=None)
                record_invitation(transaction, "invitation.revoked", id_, now, {"id": id_})


class JoinService:
    """What the holder of a token does with it: each of these works once, whoever is faster."""

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        throttle: Throttle,
        tokens: RefreshTokenCodec,
        challenges: ChallengeCodec,
        sealer: Sealer,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._throttle = throttle
        self._tokens = tokens
        self._challenges = challenges
        self._sealer = sealer

    def show(self, *, token: str) -> tuple[Row[Any], bool]:
        """Return an open invitation, and whether there is an account with its address.

        :raises NotFound: if there is no such token.
        :raises InvitationSpent: if it was used or revoked, or has expired.
        :raises BusinessSuspended: if the business is suspended.
        """
        with self._begin(Role.IDENTITY) as transaction:
            invitation = standing(TokenRepository(transaction).find(token), self._clock.now())
            return invitation, UserRepository(transaction).find_by_email(invitation.email_key) is not None

    def accept(self, *, token: str, password: str, origin: Origin, **names: str) -> SignedIn:
        """Join the business and sign in to it.

        With `first_name` and `last_name` as a new person, without as the one whose address it is; each way
        costs one argon2.

        :raises NotFound: if there is no such token.
        :raises InvitationSpent: if it was used or revoked, or has expired.
        :raises BusinessSuspended: if the business is suspended.
        :raises Invalid: if a new person's password is weak, or the names are missing.
        :raises EmailAlreadyExists: if a new person's address has an account.
        :raises InvalidCredentials: if the password is not the account's.
        :raises SecondFactorRequired: after joining, if the person has a second factor, to be shown next.
        :raises AlreadyMember: if the person belongs to the business.
        :raises TooManyBusinesses: if the person belongs to as many as one may.
        :raises RateLimited: after too many attempts at the account.
        """
        user, factor = None, None
        with self._begin(Role.IDENTITY) as transaction:
            found = TokenRepository(transaction).find(token)
            if found is not None:
                user = UserRepository(transaction).find_by_email(found.email_key, address=origin.address)
            if user is not None:
                factor = SecondFactorRepository(transaction, self._sealer).confirmed_at(user.id)
        if names:
            return self._accept_as_new(token, found, user, password, names, origin)
        account = self._admit(found, user, origin)
        right = passwords.verify(password, user.password_hash if user else None)
        now = self._clock.now()
        standing(found, now)
        if user is None:
            message = "There is no account with this address yet, so a name is needed."
            raise Invalid(
                errors=[FieldFault(name, "required", message) for name in ("firstName", "lastName")]
            )
        if not right or user.status != "active":
            log.warning("invitation refused", extra={"event": "auth.invitation_refused"})
            raise InvalidCredentials
        self._throttle.succeeded(account)
        with self._begin(Role.IDENTITY) as transaction:
            invitation, person = claim(transaction, token, user.id, now, seen=user)
            session_id = None
            if factor is None:
                session_id = self._start(transaction, invitation, person, origin, now)
            tenant, role = join_business(transaction, invitation, person, now, session_id)
        if session_id is None:
            # The password is what was shown; the invitation opens nothing by itself.
            challenge = Challenge(person.id, tenant.id, "password", mark(user.password_hash))
            text = self._challenges.encode(challenge, at=now)
            extra = {"challenge": text, "expiresIn": LIFETIME_SECONDS}
            raise SecondFactorRequired(challenge=None, extra=extra)
        return self._signed_in(person, tenant, role, session_id, origin)

    def join(self, *, token: str, actor_id: UUID, seconds_since_proof: float, origin: Origin) -> SignedIn:
        """Join the business as whoever is signed in, if the invitation is to their address.

        :param seconds_since_proof: how long ago the caller proved who they are; joining proves nothing.
        :raises NotFound: if there is no such token, or it was sent to another address.
        :raises InvitationSpent: if it was used or revoked, or has expired.
        :raises BusinessSuspended: if the business is suspended.
        :raises AlreadyMember: if the person belongs to the business.
        :raises TooManyBusinesses: if the person belongs to as many as one may.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            invitation, person = claim(transaction, token, actor_id, now)
            proved_at = now - timedelta(seconds=seconds_since_proof)
            session_id = self._start(transaction, invitation, person, origin, now, proved_at)
            tenant, role = join_business(transaction, invitation, person, now, session_id)
        return self._signed_in(person, tenant, role, session_id, origin)

    def _accept_as_new(
        self,
        token: str,
        found: Row[Any] | None,
        user: Row[Any] | None,
        password: str,
        names: Mapping[str, str],
        origin: Origin,
    ) -> SignedIn:
        if found is not None:
            known = [found.email.partition("@")[0], found.business_name, *names.values()]
            passwords.check_strength(password, field="password", known=known)
        hashed, now = passwords.hash_password(password), self._clock.now()
        standing(found, now)
        if user is not None:
            raise EmailAlreadyExists
        with self._begin(Role.IDENTITY) as transaction:
            invitation = standing(TokenRepository(transaction).find(token, lock=True), now)
            person = UserRepository(transaction).add(
                {
                    "id": uuid7(),
                    "email": invitation.email,
                    "email_key": invitation.email_key,
                    "password_hash": hashed,
                    # The token came by mail.
                    "email_verified_at": now,
                    "last_login_at": now,
                    **names,
                }
            )
            session_id = self._start(transaction, invitation, person, origin, now)
            tenant, role = join_business(transaction, invitation, person, now, session_id)
        return self._signed_in(person, tenant, role, session_id, origin)

    def _admit(self, found: Row[Any] | None, user: Row[Any] | None, origin: Origin) -> str:
        """Count an attempt at the account that an invitation names, as signing in does; return its key."""
        if found is None or user is None:
            return ""
        account = account_key(user, found.email_key, origin.address)
        self._throttle.admit(account)
        return account

    def _start(
        self,
        transaction: Transaction,
        invitation: Row[Any],
        person: Row[Any],
        origin: Origin,
        at: datetime,
        proved_at: datetime | None = None,
    ) -> UUID:
        return start_session(
            transaction,
            user_id=person.id,
            tenant_id=invitation.tenant_id,
            origin=origin,
            at=at,
            method="invitation",
            proved_at=proved_at,
        )

    def _signed_in(
        self, person: Row[Any], tenant: Row[Any], role: GivenRole, session_id: UUID, origin: Origin
    ) -> SignedIn:
        log.info("joined", extra={"event": "auth.joined", "joined_user": str(person.id)})
        refresh_token = self._tokens.first(session_id, kind=origin.kind)
        return SignedIn(person, tenant, role.role, role.permissions, session_id, refresh_token)
