"""Signing in at a provider: the use cases, from sending the browser there to what is linked to whom.

Nobody gets into anything by an e-mail address: an identity is (issuer, subject). One that is nobody's here
gets a ticket, with which its holder registers a business, joins one that has invited them, or links it to the
account they are signed in to.
"""

import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Row

from mbs.auth.models import Origin, SignedIn
from mbs.auth.repository import SessionRepository, UserRepository, record_session
from mbs.foundation.challenges import LIFETIME_SECONDS, Challenge, ChallengeCodec, mark
from mbs.foundation.clock import Clock
from mbs.foundation.db import Begin, Role, Transaction
from mbs.foundation.refresh_tokens import RefreshTokenCodec
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import InvalidToken, Sealer, digest
from mbs.invitations.models import standing
from mbs.invitations.repository import TokenRepository, join_business
from mbs.second_factor.repository import SecondFactorRepository
from mbs.sso.errors import IdentityTaken, OnlyWayIn, SsoFlowRefused, SsoNotConfigured, SsoRefused
from mbs.sso.gateways import Provider
from mbs.sso.models import LIFETIME, LINK, Arrival, Flow, ProviderIdentity, TicketCodec
from mbs.sso.repository import (
    FlowRepository,
    IdentityRepository,
    add_person,
    chosen,
    found_business,
    open_session,
    record_identity,
)
from mbs.tenants.models import permissions_of
from mbs.tenants.repository import MembershipRepository

log = logging.getLogger("mbs.auth")
security_log = logging.getLogger("mbs.security")

CALLBACK = "/api/auth/sso/callback"


class SsoService:
    """`provider` is None where single sign-on is not set up; `origins` are ours, the main one first.

    `welcome` asks by mail whether an address is theirs; `deadline` is the request's (`time.monotonic()`).
    """

    def __init__(
        self,
        *,
        begin: Begin,
        clock: Clock,
        provider: Provider | None,
        origins: Sequence[str],
        tickets: TicketCodec,
        challenges: ChallengeCodec,
        tokens: RefreshTokenCodec,
        sealer: Sealer,
        welcome: Callable[[Transaction, Row[Any], datetime], None],
        deadline: float | None,
    ) -> None:
        self._begin = begin
        self._clock = clock
        self._provider = provider
        self._origins = origins
        self._tickets = tickets
        self._challenges = challenges
        self._tokens = tokens
        self._sealer = sealer
        self._welcome = welcome
        self._deadline = deadline

    @property
    def issuer(self) -> str | None:
        """The provider, or None where single sign-on is not set up."""
        return self._provider.issuer_url if self._provider is not None else None

    def start(
        self,
        *,
        host: str,
        browser: str,
        intent: str,
        return_to: str,
        tenant_id: UUID | None,
        reauthenticate: bool,
    ) -> str:
        """Begin a sign-in and return where to send the browser.

        :param host: the request's Host; it chooses among our own origins, and only among them.
        :param browser: the random value of the browser's cookie.
        :raises SsoNotConfigured: if there is no provider.
        :raises SsoUnavailable: if the provider does not answer.
        """
        provider, now, state = self._configured(), self._clock.now(), secrets.token_urlsafe(32)
        origin = next((one for one in self._origins if urlsplit(one).netloc == host), self._origins[0])
        flow = Flow.begin(
            intent=intent,
            return_to=return_to,
            redirect_uri=origin + CALLBACK,
            tenant_id=tenant_id,
            proof_after=now if reauthenticate else None,
        )
        address = provider.authorization_url(flow, state, deadline=self._deadline)
        with self._begin(Role.IDENTITY) as transaction:
            FlowRepository(transaction).add(
                digest=digest(state),
                browser=digest(browser),
                sealed=self._sealer.seal(asdict(flow)),
                expires_at=now + LIFETIME,
            )
        return address

    def take(self, *, state: str, browser: str) -> Flow:
        """Return the sign-in that a browser comes back from, which is then no more.

        :raises SsoNotConfigured: if there is no provider.
        :raises SsoFlowRefused: if there is none such, or another browser began it.
        """
        self._configured()
        with self._begin(Role.IDENTITY) as transaction:
            row = FlowRepository(transaction).take(digest(state), at=self._clock.now())
        # Only now, because raising inside the block would leave the sign-in for a second try.
        if row is None or not secrets.compare_digest(row.browser, digest(browser)):
            _log_refusal("state" if row is None else "browser")
            raise SsoFlowRefused
        try:
            return Flow.of(self._sealer.open(row.sealed))
        except InvalidToken:
            raise SsoFlowRefused from None

    def arrive(
        self, flow: Flow, *, browser: str, code: str | None, issuer: str | None, origin: Origin
    ) -> Arrival:
        """Find out whom the provider has named, and sign them in if they are somebody here.

        :param code: None if the provider sent an error instead.
        :param issuer: the `iss` of the provider's response, if it had one.
        :raises SsoRefused: if the provider names nobody, or a person who may not sign in.
        :raises SsoUnavailable: if the provider does not answer.
        :raises IdentityTaken: if the identity was to be linked and is linked already.
        :raises NoMembership: if the person belongs to no business that is open.
        :raises InvalidReference: if the person does not belong to the business that was named at the start.
        """
        try:
            identity = self._identify(flow, code, issuer)
        except SsoRefused as refusal:
            _log_refusal(refusal.reason)
            raise
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            known = IdentityRepository(transaction).find(identity)
            if known is not None and flow.intent != LINK:
                return self._enter(transaction, known, identity, flow, origin, now)
        if known is not None:
            raise IdentityTaken
        ticket = self._tickets.encode(identity, browser=digest(browser), at=now)
        return Arrival(carried={"ticket": ticket})

    def holder(self, *, ticket: str, browser: str) -> ProviderIdentity:
        """Return whom a ticket names; `TicketRefused` says that it names nobody in this browser now."""
        return self._tickets.decode(ticket, browser=digest(browser), at=self._clock.now())

    def register(
        self,
        *,
        identity: ProviderIdentity,
        person: Mapping[str, Any],
        business: Mapping[str, Any],
        origin: Origin,
    ) -> SignedIn:
        """Create a person who signs in at the provider, their business, and a session.

        :param person: `email`, `first_name`, `last_name`.
        :raises EmailAlreadyExists: if there is an account with this address, which is not theirs by that.
        :raises IdentityTaken: if the identity is linked already.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            user = add_person(transaction, identity, at=now, **person)
            if user.email_verified_at is None:
                self._welcome(transaction, user, now)
            tenant, session_id = found_business(transaction, identity, user.id, business, origin, now)
        log.info("registered", extra={"event": "auth.registered", "registered_user": str(user.id)})
        token = self._tokens.first(session_id, kind=origin.kind)
        return SignedIn(user, tenant, "owner", permissions_of("owner", None), session_id, token)

    def join(
        self, *, identity: ProviderIdentity, invitation: str, person: Mapping[str, Any], origin: Origin
    ) -> SignedIn:
        """Create a person who signs in at the provider, as a member of the business that invites them.

        The address is the invitation's, whatever the provider says: whoever holds its token reads its mail.

        :param person: `first_name`, `last_name`.
        :raises NotFound: if there is no such invitation.
        :raises InvitationSpent: if it was used or revoked, or has expired.
        :raises BusinessSuspended: if the business is suspended.
        :raises EmailAlreadyExists, IdentityTaken: as `register` does.
        """
        now = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            invited = standing(TokenRepository(transaction).find(invitation, lock=True), now)
            details = {**person, "email": invited.email, "verified": True}
            user = add_person(transaction, identity, at=now, **details)
            session_id = open_session(transaction, identity, user.id, invited.tenant_id, origin, now)
            tenant, role = join_business(transaction, invited, user, now, session_id)
        log.info("joined", extra={"event": "auth.joined", "joined_user": str(user.id)})
        token = self._tokens.first(session_id, kind=origin.kind)
        return SignedIn(user, tenant, role.role, role.permissions, session_id, token)

    def identities(self, *, actor_id: UUID) -> Sequence[Row[Any]]:
        """Return the caller's identities, oldest first."""
        with self._begin(Role.IDENTITY) as transaction:
            return IdentityRepository(transaction).of(actor_id)

    def link(self, *, actor_id: UUID, identity: ProviderIdentity) -> Row[Any]:
        """Let the caller sign in with an identity from now on.

        :raises IdentityTaken: if it is linked already.
        """
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            SessionRepository(transaction).hold(transaction.scope.session_id)
            linked = IdentityRepository(transaction).add(actor_id, identity)
            record_identity(transaction, self._sealer, actor_id, at, linked=linked.issuer)
        return linked

    def unlink(self, *, actor_id: UUID, id_: UUID) -> None:
        """Let the caller no longer sign in with an identity.

        :raises NotFound: if the caller has no such identity.
        :raises OnlyWayIn: if there would be no other way to sign in.
        """
        at = self._clock.now()
        with self._begin(Role.IDENTITY) as transaction:
            identities = IdentityRepository(transaction)
            removed = identities.remove(actor_id, id_)
            if not identities.has_another_way_in(actor_id, self.issuer):
                raise OnlyWayIn
            record_identity(transaction, self._sealer, actor_id, at, unlinked=removed.issuer)

    def _identify(self, flow: Flow, code: str | None, issuer: str | None) -> ProviderIdentity:
        if code is None:
            raise SsoRefused("the provider sent an error")
        identity = self._configured().identity(flow, code, issuer=issuer, deadline=self._deadline)
        if not flow.admits(identity):
            raise SsoRefused("auth_time")
        return identity

    def _enter(
        self,
        transaction: Transaction,
        known: Row[Any],
        identity: ProviderIdentity,
        flow: Flow,
        origin: Origin,
        now: datetime,
    ) -> Arrival:
        identities, users = IdentityRepository(transaction), UserRepository(transaction)
        user = users.find_for_challenge(known.user_id)
        if user is None:
            log.warning("login of a disabled account", extra={"event": "auth.login_disabled"})
            raise SsoRefused("disabled")
        memberships = MembershipRepository(transaction).open_to(user.id)
        tenant = chosen(memberships, flow.tenant_id, identities.last_business(user.id))
        identities.used(known.id, identity, at=now)
        if SecondFactorRepository(transaction, self._sealer).confirmed_at(user.id) is not None:
            challenge = Challenge(user.id, tenant.id, "sso", mark(user.password_hash))
            text = self._challenges.encode(challenge, at=now)
            return Arrival(carried={"challenge": text, "expiresIn": str(LIFETIME_SECONDS)})
        users.signed_in(user.id, at=now, rehashed=None)
        session_id = open_session(transaction, identity, user.id, tenant.id, origin, now)
        transaction.enter_tenant(TenantId(tenant.id), actor_id=user.id)
        record_session(transaction, "session.started", session_id, now, {"userId": str(user.id)})
        log.info("logged in", extra={"event": "auth.logged_in", "logged_in_user": str(user.id)})
        permissions = permissions_of(tenant.role, tenant.role_permissions)
        return Arrival(signed_in=SignedIn(user, tenant, tenant.role, permissions, session_id, None))

    def _configured(self) -> Provider:
        if self._provider is None:
            raise SsoNotConfigured
        return self._provider


def _log_refusal(reason: str) -> None:
    security_log.warning("sign-in refused", extra={"event": "security.sso_refused", "reason": reason})
