"""For every operation of the API a request that it accepts."""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pyotp
from werkzeug.test import TestResponse

from mbs.accounts.models import CHANGE_EMAIL, RESET_PASSWORD, VERIFY_EMAIL
from mbs.accounts.repository import OneTimeTokenRepository
from mbs.foundation.db import Role
from mbs.foundation.sealing import digest
from mbs.sso.models import ProviderIdentity, TicketCodec
from tests.conftest import SECRETS
from tests.factories import calendar_requests, credit_note_objects, money_requests, payment_requests
from tests.factories.callers import Business, Caller
from tests.factories.members import new_tenant_with
from tests.factories.objects import new_identity, new_invitation, new_objects
from tests.second_factor.enrolment import enrol, propose
from tests.sso.browsers import SSO_COOKIE, Browser
from tests.sso.stand_in import StandIn, sound_claims

PREPARED = {
    **calendar_requests.PREPARED,
    **money_requests.PREPARED,
    **payment_requests.PREPARED,
    **credit_note_objects.PREPARED,
}


@dataclass(frozen=True)
class Request:
    """One request, ready to be sent. `path` is the document's, until its ids are filled in."""

    caller: Caller
    method: str
    path: str
    body: Any = None

    def send(self) -> TestResponse:
        return self.caller.call(self.method, self.path, self.body)

    def with_body(self, **fields: Any) -> "Request":
        return replace(self, body={**(self.body or {}), **fields})


def acceptable(
    owner: Business, method: str, path: str, example: Any = None, *, provider: StandIn | None = None
) -> Request:
    """Return a request of an owner, or of somebody at the owner's address where no credential is needed.

    What the request uses up, a token or a code, is made for it.

    :param path: as the document spells it, with its ids in braces.
    :param example: the document's example of the body.
    :param provider: what the owner's application signs people in at; sign-ins there need one.
    """
    request = Request(owner, method, path, dict(example) if example else None)
    if provider is not None and path in AT_A_PROVIDER:
        return AT_A_PROVIDER[path](owner, request, provider)
    name = f"{method} {path}"
    if name in SPECIAL:
        return SPECIAL[name](owner, request)
    if name in PREPARED:
        prepared = PREPARED[name](owner)
        path = path.format_map(prepared.ids) + prepared.query
        return replace(request, path=path, body={**(request.body or {}), **prepared.body} or None)
    own: dict[str, Any] = {"email": owner.email, "tenantId": str(owner.tenant_id)}
    own["refreshToken"] = owner.refresh_token
    if request.body:
        request = request.with_body(**{key: own[key] for key in own.keys() & request.body.keys()})
    return replace(request, path=path.format_map(new_objects(owner, path)))


def stranger(owner: Business) -> Caller:
    """Return somebody without a credential, whom the limiter knows by the owner's address."""
    return Caller(owner.app, address=owner.address)


def new_email() -> str:
    return f"{uuid.uuid4().hex}@example.com"


def one_time_token(person: Business, purpose: str) -> str:
    """Return the token that a mail to a person would carry."""
    with person.database.transaction(person.scope, Role.IDENTITY) as transaction:
        tokens = OneTimeTokenRepository(transaction)
        email = person.email if purpose == VERIFY_EMAIL else new_email()
        return tokens.issue(person.user_id, purpose, at=datetime.now(UTC), email=email)


def ticket(browser: str) -> str:
    """Return what somebody gets who is nobody here, when they come back from the provider."""
    subject, email = uuid.uuid4().hex, new_email()
    identity = ProviderIdentity(
        issuer="https://provider.invalid", subject=subject, email=email, first_name="Asha", last_name="Rao"
    )
    codec = TicketCodec(SECRETS["SESSION_SECRET"], None)
    return codec.encode(identity, browser=digest(browser), at=datetime.now(UTC))


def with_token(purpose: str) -> "Special":
    def prepare(owner: Business, request: Request) -> Request:
        token = one_time_token(owner, purpose)
        return replace(request, caller=stranger(owner)).with_body(token=token)

    return prepare


def with_ticket(owner: Business, request: Request) -> Request:
    browser, cookie = Browser(owner.app, StandIn()), uuid.uuid4().hex
    browser.plant(SSO_COOKIE, cookie)
    browser.address = owner.address
    if request.path.endswith("/link"):
        browser.token = owner.token
    return replace(request, caller=browser).with_body(ticket=ticket(cookie))


def join_with_ticket(owner: Business, request: Request) -> Request:
    return with_ticket(owner, request).with_body(invitation=new_invitation(owner)[1])


def with_new_email(owner: Business, request: Request) -> Request:
    return request.with_body(email=new_email())


def register(owner: Business, request: Request) -> Request:
    return replace(request, caller=stranger(owner)).with_body(email=new_email())


def log_in(owner: Business, request: Request) -> Request:
    return replace(request, caller=stranger(owner)).with_body(email=owner.email)


def answer_challenge(owner: Business, request: Request) -> Request:
    enrolment, caller = enrol(owner), stranger(owner)
    body = {"challenge": enrolment.challenge(caller), "code": enrolment.code()}
    return replace(request, caller=caller).with_body(**body)


def confirm(owner: Business, request: Request) -> Request:
    return request.with_body(code=pyotp.TOTP(propose(owner)).now())


def renew(owner: Business, request: Request) -> Request:
    enrol(owner)
    return request


def disable(owner: Business, request: Request) -> Request:
    return request.with_body(code=enrol(owner).code())


def accept(owner: Business, request: Request) -> Request:
    return replace(request, caller=stranger(owner), path=request.path.format(token=new_invitation(owner)[1]))


def join(owner: Business, request: Request) -> Request:
    (host,) = new_tenant_with(owner.app, "host", ("owner",))
    return replace(request, path=request.path.format(token=new_invitation(host, owner.email)[1]))


def start(owner: Business, request: Request, provider: StandIn) -> Request:
    return replace(request, caller=stranger(owner))


def come_back(owner: Business, request: Request, provider: StandIn) -> Request:
    """Let the owner come back from the provider, where they are known."""
    identity, browser = new_identity(owner, provider.url), Browser(owner.app, provider)
    browser.address = owner.address
    asked = browser.start()
    provider.claims = sound_claims(provider, asked["nonce"], sub=identity.subject)
    return replace(request, caller=browser, path=f"{request.path}?code=x&state={asked['state']}")


Special = Callable[[Business, Request], Request]

AT_A_PROVIDER: Mapping[str, Callable[[Business, Request, StandIn], Request]] = {
    "/api/auth/sso/start": start,
    "/api/auth/sso/callback": come_back,
}

SPECIAL: Mapping[str, Special] = {
    "POST /api/auth/register": register,
    "POST /api/auth/login": log_in,
    "POST /api/auth/login/second-factor": answer_challenge,
    "POST /api/auth/second-factor/confirm": confirm,
    "POST /api/auth/second-factor/recovery-codes": renew,
    "POST /api/auth/second-factor/disable": disable,
    "POST /api/auth/reset-password": with_token(RESET_PASSWORD),
    "POST /api/auth/verify-email": with_token(VERIFY_EMAIL),
    "POST /api/auth/change-email": with_new_email,
    "POST /api/auth/change-email/confirm": with_token(CHANGE_EMAIL),
    "POST /api/auth/sso/register": with_ticket,
    "POST /api/auth/sso/link": with_ticket,
    "POST /api/auth/sso/join": join_with_ticket,
    "POST /api/invites": with_new_email,
    "POST /api/auth/invites/{token}/accept": accept,
    "POST /api/auth/invites/{token}/join": join,
}
"""By the operation's name; the others take the document's example."""
