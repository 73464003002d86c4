"""Identities at providers and sign-ins under way there, all under the identity role."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from uuid_utils.compat import uuid7

from mbs.auth.models import LoginSession, Origin, User
from mbs.auth.repository import UserRepository, start_session
from mbs.events.repository import EventRepository
from mbs.foundation import keys
from mbs.foundation.database_errors import violated_constraint
from mbs.foundation.db import Transaction
from mbs.foundation.errors import FieldFault, InvalidReference, NotFound
from mbs.foundation.scope import TenantId
from mbs.foundation.sealing import Sealer
from mbs.mail.repository import MailRepository
from mbs.sso.errors import IdentityTaken
from mbs.sso.models import ExternalIdentity, ProviderIdentity, SsoFlow
from mbs.tenants.errors import NoMembership
from mbs.tenants.models import new_tenant
from mbs.tenants.repository import TenantRepository, open_business

SHOWN = (
    ExternalIdentity.id,
    ExternalIdentity.issuer,
    ExternalIdentity.email,
    ExternalIdentity.created_at,
    ExternalIdentity.last_login_at,
)

SWEEP = text("""
DELETE FROM sso_flows WHERE digest IN (
  SELECT digest FROM sso_flows WHERE expires_at < now() ORDER BY expires_at LIMIT 10 FOR UPDATE SKIP LOCKED)
""")


class FlowRepository:
    """Sign-ins that are under way; nobody's yet."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, *, digest: str, browser: str, sealed: str, expires_at: datetime) -> None:
        """Keep a sign-in, and remove up to ten that nobody has finished."""
        values = {"digest": digest, "browser": browser, "sealed": sealed, "expires_at": expires_at}
        self._transaction.execute(insert(SsoFlow).values(values))
        self._transaction.execute(SWEEP)

    def take(self, digest: str, *, at: datetime) -> Row[Any] | None:
        """Return the browser and the sealed part of a sign-in that is not too old, which is then no more."""
        statement = (
            delete(SsoFlow)
            .where(SsoFlow.digest == digest, SsoFlow.expires_at > at)
            .returning(SsoFlow.browser, SsoFlow.sealed)
        )
        return self._transaction.execute(statement).one_or_none()


class IdentityRepository:
    """Who people are at providers."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, identity: ProviderIdentity) -> Row[Any] | None:
        """Return id and person of an identity, or None if it is nobody's here."""
        statement = select(ExternalIdentity.id, ExternalIdentity.user_id).where(
            ExternalIdentity.issuer == identity.issuer, ExternalIdentity.subject == identity.subject
        )
        return self._transaction.execute(statement).one_or_none()

    def add(self, user_id: UUID, identity: ProviderIdentity, *, used_at: datetime | None = None) -> Row[Any]:
        """Link an identity to a person.

        :param used_at: when the person signed in with it, if that is how it came here.
        :raises IdentityTaken: if it is linked already, to whomever.
        """
        values = {
            "id": uuid7(),
            "user_id": user_id,
            "issuer": identity.issuer,
            "subject": identity.subject,
            "email": identity.email,
            "last_login_at": used_at,
        }
        try:
            statement = insert(ExternalIdentity).values(values).returning(*SHOWN)
            return self._transaction.execute(statement).one()
        except IntegrityError as error:
            if violated_constraint(error) != "uq__external_identities__issuer__subject":
                raise
            raise IdentityTaken from error

    def used(self, id_: UUID, identity: ProviderIdentity, *, at: datetime) -> None:
        """Note a sign-in, and the address under which the provider knows the person today."""
        values = {"last_login_at": at, "email": identity.email}
        statement = update(ExternalIdentity).where(ExternalIdentity.id == id_).values(values)
        self._transaction.execute(statement)

    def of(self, user_id: UUID) -> Sequence[Row[Any]]:
        """Return a person's identities, oldest first."""
        statement = (
            select(*SHOWN)
            .where(ExternalIdentity.user_id == user_id)
            .order_by(ExternalIdentity.created_at, ExternalIdentity.id)
        )
        return self._transaction.execute(statement).all()

    def remove(self, user_id: UUID, id_: UUID) -> Row[Any]:
        """Unlink one of a person's identities and return it.

        :raises NotFound: if the person has no such identity.
        """
        statement = (
            delete(ExternalIdentity)
            .where(ExternalIdentity.user_id == user_id, ExternalIdentity.id == id_)
            .returning(*SHOWN)
        )
        row = self._transaction.execute(statement).one_or_none()
        if row is None:
            raise NotFound
        return row

    def has_another_way_in(self, user_id: UUID, issuer: str | None) -> bool:
        """Tell whether a person could sign in with a password, or with an identity at this issuer.

        The person is locked, so that of two who take away the last two ways in, the second is refused.
        """
        person = select(User.password_hash).where(User.id == user_id).with_for_update()
        if self._transaction.execute(person).scalar_one() is not None:
            return True
        held = (ExternalIdentity.user_id == user_id, ExternalIdentity.issuer == issuer)
        return bool(self._transaction.execute(select(func.count()).where(*held)).scalar_one())

    def last_business(self, user_id: UUID) -> UUID | None:
        """Return the business of the person's newest session, if it is still known."""
        statement = (
            select(LoginSession.tenant_id)
            .where(LoginSession.user_id == user_id)
            .order_by(LoginSession.created_at.desc(), LoginSession.id.desc())
            .limit(1)
        )
        return self._transaction.execute(statement).scalar_one_or_none()


def add_person(
    transaction: Transaction,
    identity: ProviderIdentity,
    *,
    email: str,
    first_name: str,
    last_name: str,
    at: datetime,
    verified: bool = False,
) -> Row[Any]:
    """Insert a person without a password, who signs in with an identity.

    :param verified: whether they have shown that the address is theirs; else the provider may vouch for it.
    :raises EmailAlreadyExists: if there is an account with this address, which is not theirs by that.
    :raises IdentityTaken: if the identity is linked already.
    """
    vouched = identity.email_verified and email == identity.email
    user = UserRepository(transaction).add(
        {
            "id": uuid7(),
            "email": email,
            "email_key": keys.email_key(email),
            "email_verified_at": at if verified or vouched else None,
            "first_name": first_name,
            "last_name": last_name,
            "last_login_at": at,
        }
    )
    IdentityRepository(transaction).add(user.id, identity, used_at=at)
    return user


def open_session(
    transaction: Transaction,
    identity: ProviderIdentity,
    user_id: UUID,
    tenant_id: UUID,
    origin: Origin,
    at: datetime,
) -> UUID:
    """Start a session of a person whom the provider has named, and return it."""
    return start_session(
        transaction,
        user_id=user_id,
        tenant_id=tenant_id,
        origin=origin,
        at=at,
        method="sso",
        proved_at=identity.proved_at(at),
    )


def found_business(
    transaction: Transaction,
    identity: ProviderIdentity,
    owner_id: UUID,
    business: Mapping[str, Any],
    origin: Origin,
    at: datetime,
) -> tuple[Row[Any], UUID]:
    """Open a new business of a person, and a session that is signed in to it; enters the tenant."""
    tenant = TenantRepository(transaction).add(new_tenant(**business))
    session_id = open_session(transaction, identity, owner_id, tenant.id, origin, at)
    transaction.enter_tenant(TenantId(tenant.id), actor_id=owner_id)
    open_business(transaction, tenant=tenant, owner_id=owner_id)
    events = EventRepository(transaction)
    events.open_chain()
    events.append(
        type_="tenant.created",
        object_type="tenant",
        object_id=tenant.id,
        at=at,
        data={"object": dict(tenant._mapping), "previous": {}},
    )
    return tenant, session_id


def record_identity(
    transaction: Transaction,
    sealer: Sealer,
    user_id: UUID,
    at: datetime,
    *,
    linked: str | None = None,
    unlinked: str | None = None,
) -> None:
    """Tell a person by mail, and their business's trail, that they linked or unlinked an identity.

    :param linked: its issuer, if it was linked; `unlinked`, if it was unlinked.
    """
    email = UserRepository(transaction).get(user_id).email
    MailRepository(transaction, sealer).enqueue("identity_changed", to=email)
    transaction.enter_tenant(transaction.tenant_id)
    EventRepository(transaction).append(
        type_="user.identity_linked" if linked else "user.identity_unlinked",
        object_type="user",
        object_id=user_id,
        at=at,
        data={"object": {"identityAt": linked}, "previous": {"identityAt": unlinked}},
    )


def chosen(memberships: Sequence[Row[Any]], named: UUID | None, last: UUID | None) -> Row[Any]:
    """Return the business to sign in to: the one named, else the last one, else the oldest.

    :raises NoMembership: if there is none.
    :raises InvalidReference: if the one named is none of them.
    """
    if not memberships:
        raise NoMembership
    by_id = {row.id: row for row in memberships}
    if named is None:
        return by_id[last] if last in by_id else memberships[0]
    if named not in by_id:
        fault = FieldFault("tenantId", "invalid_reference", "There is no such business.")
        raise InvalidReference(errors=[fault])
    return by_id[named]
