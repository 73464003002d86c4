"""Identities at an OpenID provider, sign-ins that are under way there, and what makes an ID token right."""

import hmac
import logging
import math
import secrets
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID

import jwt
import orjson
from sqlalchemy import ForeignKeyConstraint, Index, Text, UniqueConstraint, Uuid
from sqlalchemy.dialects.postgresql import TIMESTAMP
from sqlalchemy.orm import Mapped, mapped_column

from mbs.auth.models import SignedIn
from mbs.foundation.db import Base
from mbs.foundation.signing import Signer
from mbs.sso.errors import TicketRefused

log = logging.getLogger("mbs.security")

INSTANT = TIMESTAMP(timezone=True)

LIFETIME = timedelta(minutes=10)
"""Of a sign-in under way, and of a ticket after it."""

OLDEST_PROOF = timedelta(days=30)
"""How long ago somebody may have proved to the provider who they are. It is asked to say when that was, which
it need not do unless a `max_age` is named (OpenID Connect Core 1.0 section 3.1.2.1)."""

LEEWAY_SECONDS = 30
LONGEST_SUBJECT = 255
LONGEST_NAME = 80

LINK = "link"
INTENTS = ("login", LINK)


class ExternalIdentity(Base):
    """That a person is known to a provider as (issuer, subject). An address is never an identity."""

    __tablename__ = "external_identities"
    __table_args__ = (
        UniqueConstraint("issuer", "subject"),
        ForeignKeyConstraint(["user_id"], ["users.id"]),
        Index("ix__external_identities__user_id", "user_id"),
    )

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    user_id: Mapped[UUID] = mapped_column(Uuid)
    issuer: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    email: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(INSTANT)
    last_login_at: Mapped[datetime | None] = mapped_column(INSTANT)


class SsoFlow(Base):
    """One sign-in under way, by the digest of its `state`; bound to the browser that began it."""

    __tablename__ = "sso_flows"
    __table_args__ = (Index("ix__sso_flows__expires_at", "expires_at"),)

    digest: Mapped[str] = mapped_column(Text, primary_key=True)
    browser: Mapped[str] = mapped_column(Text)
    sealed: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(INSTANT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What a sign-in must remember until the provider sends the browser back; the table keeps it sealed.

    `proof_after` is set when the person is to prove anew who they are.
    """

    intent: str
    return_to: str
    redirect_uri: str
    nonce: str
    verifier: str
    tenant_id: UUID | None
    proof_after: datetime | None

    @classmethod
    def begin(cls, **values: Any) -> Self:
        """Return a new one, with what nobody can guess."""
        return cls(nonce=secrets.token_urlsafe(32), verifier=secrets.token_urlsafe(48), **values)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        tenant_id, proof_after = values["tenant_id"], values["proof_after"]
        named = UUID(tenant_id) if tenant_id else None
        moment = datetime.fromisoformat(proof_after) if proof_after else None
        return cls(**{**values, "tenant_id": named, "proof_after": moment})

    def admits(self, identity: "ProviderIdentity") -> bool:
        """Tell whether somebody has proved who they are since then, where that was asked."""
        if self.proof_after is None:
            return True
        earliest = self.proof_after - timedelta(seconds=LEEWAY_SECONDS)
        return identity.authenticated_at is not None and identity.authenticated_at >= earliest


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderIdentity:
    """Who somebody is at a provider: `issuer` and `subject`. The rest is hearsay that may be offered to them.

    `authenticated_at` is when they proved it there; None when the provider does not say.
    """

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    first_name: str | None = None
    last_name: str | None = None
    authenticated_at: datetime | None = None

    def proved_at(self, now: datetime) -> datetime:
        """Return when this person has proved who they are, at the latest.

        That a provider remembers somebody proves nothing today: where it does not say, it was long ago.
        """
        return self.authenticated_at or now - OLDEST_PROOF


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What came of a sign-in: a session; or what the browser carries on with, a challenge or a ticket."""

    signed_in: SignedIn | None = None
    carried: Mapping[str, str] | None = None


class TicketCodec:
    """Signs what is left of a sign-in of somebody who is nobody here yet, with SESSION_SECRET.

    A ticket is good for ten minutes, in the one browser that it was given to: whoever is handed a stranger's
    ticket must not link the stranger's identity to their own account by using it.
    """

    def __init__(self, secret: str, previous: str | None) -> None:
        self._signer = Signer(secret, previous, "mbs.sso_ticket.v1")

    def encode(self, identity: ProviderIdentity, *, browser: str, at: datetime) -> str:
        """Return a ticket.

        :param browser: the digest of the browser's cookie.
        """
        until = int((at + LIFETIME).timestamp())
        return self._signer.sign(orjson.dumps([until, browser, asdict(identity)]))

    def decode(self, text: str, *, browser: str, at: datetime) -> ProviderIdentity:
        """Return whom a ticket names.

        :raises TicketRefused: if it was not given out here, or to another browser, or is too old.
        """
        value = self._signer.verify(text)
        until, named, identity = orjson.loads(value) if value is not None else (0, "", {})
        if at.timestamp() > until or not hmac.compare_digest(named, browser):
            log.warning("ticket refused", extra={"event": "security.sso_ticket_refused"})
            raise TicketRefused
        if identity["authenticated_at"] is not None:
            identity["authenticated_at"] = datetime.fromisoformat(identity["authenticated_at"])
        return ProviderIdentity(**identity)


Jwk = Mapping[str, Any]

KEY_TYPES: Mapping[str, str] = {"RS256": "RSA", "PS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}
"""The algorithms accepted, with their type of key: never `none`, and none whose key both sides share."""

KEYS_SECONDS, REFETCH_SECONDS = 3600.0, 60.0
"""Whoever invents key ids makes the service ask for the keys no more often than the latter."""


class KeyRing:
    """A provider's public keys, remembered for an hour; shared by a process's threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fetched_at: float | None = None
        self._keys: Sequence[Jwk] = ()

    def pick(self, header: Mapping[str, Any], fetch: Callable[[], Sequence[Jwk]]) -> jwt.PyJWK:
        """Return the one key that a token's header names; nothing else that the header says has an effect.

        :param fetch: asks the provider for its keys.
        :raises jwt.PyJWTError: if the algorithm is not accepted, or there is no such key.
        """
        algorithm, kid = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in KEY_TYPES:
            raise jwt.InvalidAlgorithmError("alg")
        with self._lock:
            now = time.monotonic()
            age = math.inf if self._fetched_at is None else now - self._fetched_at
            found = _fitting(self._keys, algorithm, kid) if age < KEYS_SECONDS else []
            if not found and age >= REFETCH_SECONDS:
                self._keys, self._fetched_at = fetch(), now
                found = _fitting(self._keys, algorithm, kid)
        # Without a key id there must be only one of its kind.
        if len(found) != 1:
            raise jwt.InvalidKeyError("kid")
        return jwt.PyJWK(dict(found[0]), algorithm)


def _fitting(keys: Sequence[Jwk], algorithm: str, kid: Any) -> list[Jwk]:
    return [
        key
        for key in keys
        if key.get("kty") == KEY_TYPES[algorithm]
        and key.get("use", "sig") == "sig"
        and key.get("alg", algorithm) == algorithm
        and kid in (None, key.get("kid"))
    ]


def identity_of(
    claims: Mapping[str, Any], *, issuer: str, client_id: str, nonce: str, now: datetime
) -> ProviderIdentity:
    """Return whom an ID token names, whose signature is good (OpenID Connect Core 1.0 section 3.1.3.7).

    :raises ValueError: naming the claim, if one is missing, wrong, or of another type.
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    parties = (client_id,) if len(audiences) > 1 else (client_id, None)
    moment = now.timestamp()
    sound = {
        "iss": claims.get("iss") == issuer,
        "aud": all(isinstance(one, str) for one in audiences) and client_id in audiences,
        "azp": claims.get("azp") in parties,
        "exp": _number(claims, "exp") > moment - LEEWAY_SECONDS,
        "iat": _number(claims, "iat") <= moment + LEEWAY_SECONDS,
        "nbf": "nbf" not in claims or _number(claims, "nbf") <= moment + LEEWAY_SECONDS,
        "nonce": hmac.compare_digest(str(claims.get("nonce")).encode(errors="replace"), nonce.encode()),
        "sub": _subject(claims.get("sub")),
    }
    for name, right in sound.items():
        if not right:
            raise ValueError(name)
    proved_at = None
    if "auth_time" in claims:
        # No later than now, whatever the provider's clock says.
        proved_at = datetime.fromtimestamp(max(0, min(_number(claims, "auth_time"), moment)), UTC)
    return ProviderIdentity(
        issuer=issuer,
        subject=claims["sub"],
        email=_hearsay(claims.get("email"), 254),
        email_verified=claims.get("email_verified") is True,
        first_name=_hearsay(claims.get("given_name", claims.get("first_name")), LONGEST_NAME),
        last_name=_hearsay(claims.get("family_name", claims.get("last_name")), LONGEST_NAME),
        authenticated_at=proved_at,
    )


def _number(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    # JSON's own numbers only; Python's parser also takes NaN and infinities, and an integer of any length.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < 2**53:
        raise ValueError(name)
    return value


def _subject(value: Any) -> bool:
    return (
        isinstance(value, str)
        and 0 < len(value) <= LONGEST_SUBJECT
        and value.isascii()
        and value.isprintable()
    )


def _hearsay(value: Any, maximum: int) -> str | None:
    return value if isinstance(value, str) and value.isprintable() and 0 < len(value) <= maximum else None
